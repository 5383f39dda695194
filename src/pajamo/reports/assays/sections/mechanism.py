"""The mechanism: its equation, its drawing, its states at the wild type."""

from __future__ import annotations

from functools import partial

import pandas as pd

from pajamo.models.assays.description import diagram, equations, state_table, transition_table
from pajamo.reports.assays.estimates import estimates
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.wild_type import drawn_states
from pajamo.reports.blocks import Block, Figure, Section, Table, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.assays.state_diagram import MOST_STATES, state_diagram
from pajamo.reports.figures.assays.states import energy_levels, occupancies
from pajamo.reports.figures.theme import svg
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import count, printable


def mechanism(run: AssayRun) -> Section | None:
    """Equations, the graph of states, and their definition."""
    if run.model is None or not run.mechanisms:
        return None
    blueprint = run.model.assembly.blueprint
    graph = diagram(blueprint)
    blocks: list[Block] = []
    if 1 < len(graph.nodes) <= MOST_STATES:
        blocks.append(
            Figure(
                svg("diagram", lambda: state_diagram(graph, blueprint.outputs)),
                f"State diagram of {printable(run.leading)}: {count(len(graph.nodes))} states, "
                f"{count(len(graph.edges))} connections",
            )
        )
    blocks.append(Text(equations(blueprint), "Equations", code=True))
    blocks += [_folded(state_table(blueprint), "How each state is made up", "state-definitions")]
    if blueprint.transitions:
        blocks.append(_folded(transition_table(blueprint), "How each transition is made up", "transitions"))
    return Section(
        "mechanism",
        "The mechanism",
        f"{printable(run.leading)} as declared. Boxes are states, lines are binding events, arrows are transitions "
        "with their rates; what transcribes is vermilion.",
        tuple(blocks),
    )


def _folded(table: pd.DataFrame, caption: str, name: str) -> Table:
    made = plain_table(table)
    return Table(
        made.columns, made.rows, f"{caption}: {count(len(table))} rows", made.note, folded=True,
        downloads=csv_link(table, name),
    )  # fmt: skip


def states(run: AssayRun) -> Section | None:
    """Weights and occupancies at the wild type, as a table, as bars, and as a ladder of energies."""
    table = run.table("states")
    if table is None:
        return None
    blocks: list[Block] = [Text(text) for text in _undetermined(run)]
    for place, (caption, drawn) in enumerate(drawn_states(table, run.leading)):
        blocks.append(
            Figure(
                svg(f"occupancies-{place}", partial(occupancies, drawn)),
                f"Share of each of {len(drawn)} states at the wild type",
                caption,
            )
        )
        if drawn["energy"].notna().all():
            blocks.append(
                Figure(
                    svg(f"levels-{place}", partial(energy_levels, drawn)),
                    f"Free energies of {len(drawn)} states at the wild type, in kcal/mol",
                    caption,
                )
            )
    shown = plain_table(table[table["model"] == run.leading] if "model" in table else table)
    blocks.append(
        Table(
            shown.columns,
            shown.rows,
            "All states at the wild type",
            shown.note,
            downloads=csv_link(table, "states", run.file("states")),
        )
    )
    return Section(
        "states",
        "States at the wild type",
        "How often the wild type is found in each state, and the free energy that makes it so (relative to the state "
        "where nothing is bound; lower is more frequent). States that transcribe are vermilion.",
        tuple(blocks),
    )


def _undetermined(run: AssayRun) -> list[str]:
    """A warning where a prior, not the data, sets energies that occupancies rest on."""
    table = estimates(run, run.leading)
    held = table[table["verdict"].astype(str).str.startswith("held by")]
    if held.empty:
        return []
    names = ", ".join(printable(name) for name in held["of"])
    return [
        f"The data do not determine {names} of the wild type: priors do. Which sequence is stronger than which is "
        "known; how often the wild type is found in each state is not, and the shares below are the priors' choice."
    ]
