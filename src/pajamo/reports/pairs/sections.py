"""Sections of a page on a kinetic network of guide-target pairs, from the tables of its run."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from pajamo.models.assays.description import diagram
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Block, Figure, Section, Table, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.assays.state_diagram import MOST_STATES
from pajamo.reports.figures.pairs.changes import change_map
from pajamo.reports.figures.pairs.control import control_bars
from pajamo.reports.figures.pairs.profile import energy_profile
from pajamo.reports.figures.pairs.scheme import rated_scheme
from pajamo.reports.figures.pairs.windows import window_map
from pajamo.reports.figures.theme import svg
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import number, printable

RATE_COLUMNS: Final = ("quantity", "of", "log10", "low", "high", "unit", "verdict")


def rates(run: AssayRun) -> Section | None:
    """Rates at the matched target, on the arrows of the scheme and as a table."""
    table = own_table(run, "rates")
    if table is None:
        return None
    blocks: list[Block] = []
    if run.model is not None and 1 < len(run.model.assembly.blueprint.states) <= MOST_STATES:
        blueprint = run.model.assembly.blueprint
        drawn = partial(rated_scheme, diagram(blueprint), table, blueprint.outputs)
        blocks.append(
            Figure(
                svg("rated-scheme", drawn),
                f"Scheme of {printable(run.leading)} with the rates of the matched target on its arrows",
                "Exponents with their intervals; (?) where the data do not determine a rate.",
            )
        )
    blocks.append(_table(run, "rates", table[list(RATE_COLUMNS)], "Rates and ratios of the matched target"))
    return Section(
        "rates",
        "Rates at the matched target",
        f"log10 with intervals of {run.level:.0%}. A rate that the data leave open is named with the ratio or "
        "product that they do determine: of a step much faster than the others only the ratio of both directions "
        "is seen.",
        tuple(blocks),
    )


def landscape(run: AssayRun) -> Section | None:
    """Free energies along the way to the product."""
    table = own_table(run, "landscape")
    if table is None:
        return None
    names = ", ".join(printable(name) for name in dict.fromkeys(table["name"]))
    figure = Figure(
        svg("energy-profile", partial(energy_profile, table)),
        f"Free energy of each state and barrier of {names}",
        "Levels are states, peaks the barriers between them.",
        csv_link(table, "landscape", run.file("landscape")),
    )
    return Section(
        "landscape",
        "Free-energy landscape",
        "Each step lowers the free energy by ln of the ratio of its two rates; a barrier stands "
        "ln(1 s\u207b\u00b9/k) above the state that it leaves. What lies highest over a state before it decides how "
        "long cleavage takes: a mismatch counts where it raises that. The band is what the data leave open for the "
        "first pair.",
        (figure,),
    )


def control(run: AssayRun) -> Section | None:
    """Which rate controls the output."""
    table = own_table(run, "control")
    if table is None:
        return None
    total = table[table["transition"] == "sum"]
    told = (
        f"They sum to {total['matched'].iloc[0]:.2f} at the matched target and to "
        f"{total['mean'].iloc[0]:.2f} on average: 1 is what any rate's must sum to."
        if len(total)
        else ""
    )
    figure = Figure(
        svg("control", partial(control_bars, table)),
        f"Flux-control coefficients of {len(table) - len(total)} transitions",
        "",
        csv_link(table, "control", run.file("control")),
    )
    return Section(
        "control",
        "Which step controls the rate",
        f"By how many percent the output rises if a transition's rate rises by one percent. {told}",
        (figure,),
    )


def mutagenesis(run: AssayRun) -> Section | None:
    """Every single change of a target, and the step that it hits; a map a guide."""
    table = own_table(run, "mutagenesis")
    if table is None:
        return None
    # An empty step was written as an empty field, which is read as a missing value.
    table = table.assign(step=table["step"].fillna(""))
    figures = [
        _changes(run, str(guide), own, place)
        for place, (guide, own) in enumerate(table.groupby("guide", sort=False))
    ]
    return Section(
        "mutagenesis",
        "Which step a mismatch hits",
        "Every single change of the matched target. The colour is the transition that contributes most to the change "
        "of the output, and is the fuller the larger that change; grey cells are the guide's own bases.",
        tuple(figures),
    )


def _changes(run: AssayRun, guide: str, table: pd.DataFrame, place: int) -> Figure:
    strongest = table.iloc[int(np.argmax(np.abs(table["effect"])))]
    told = (
        f"{printable(guide)}: the strongest is {printable(strongest['change'])} at {strongest['from_pam']}, "
        f"{number(strongest['effect'], 2)} decades"
    )
    return Figure(
        svg(f"changes-{place}", partial(change_map, table)),
        f"Effect of {len(table)} single changes of the target of {printable(guide)}",
        told,
        csv_link(table, f"mutagenesis-{place}", run.file("mutagenesis")),
    )


def identifiability(run: AssayRun) -> Section | None:
    """What the pairs can and did determine, in words."""
    table = own_table(run, "identifiability")
    if table is None:
        return None
    shown = table[["stage", "finding", "of", "value", "unit", "words"]]
    mirrored = table[table["finding"] == "mirrored rates"]
    warned = tuple(
        Text(f"{printable(of)} are mirror images: {printable(words)}.")
        for of, words in zip(mirrored["of"], mirrored["words"], strict=True)
    )
    return Section(
        "identifiability",
        "What the pairs can tell",
        "Before a fit: what the outputs depend on at all, at random parameters. After it: rates that go together "
        "over the training pairs, and rates that priors hold.",
        (*warned, _table(run, "identifiability", shown, "Findings")),
    )


def windows(run: AssayRun) -> Section | None:
    """Which positions feed which rate, over the networks that a search kept."""
    table = own_table(run, "windows")
    if table is None:
        return None
    figure = Figure(
        svg("windows", partial(window_map, table)),
        f"Share of networks that read each position, for {table['transition'].nunique()} rates",
        "",
        csv_link(table, "windows", run.file("windows")),
    )
    return Section(
        "windows",
        "Which positions feed which rate",
        "Over the networks that the search kept: the darker, the more of them read the position for the rate.",
        (figure,),
    )


def own_table(run: AssayRun, name: str) -> pd.DataFrame | None:
    """Rows of the leading model in a table of the run, or None where it has none."""
    table = run.table(name)
    if table is None or "model" not in table:
        return table
    own = table[table["model"] == run.leading].drop(columns="model").reset_index(drop=True)
    return None if own.empty else own


def _table(run: AssayRun, name: str, table: pd.DataFrame, caption: str) -> Table:
    made = plain_table(table)
    return Table(
        made.columns,
        made.rows,
        caption,
        made.note,
        wide=True,
        downloads=csv_link(table, name, run.file(name)),
    )
