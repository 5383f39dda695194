"""One self-contained page of a campaign, from its file alone."""

from __future__ import annotations

from functools import partial

import pandas as pd

from pajamo.campaigns.proposing.status import round_table
from pajamo.campaigns.records import Campaign, RoundRecord
from pajamo.campaigns.state import State
from pajamo.reports.blocks import Block, Cell, Figure, Section, Table, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.campaigns.rounds import gain_by_round, predicted_and_measured
from pajamo.reports.figures.theme import svg
from pajamo.reports.lead import Banner, Lead
from pajamo.reports.page import render_page
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import count, number, printable

FEWEST = 3
"""Results of proposed candidates from which predictions are drawn against them."""


def render_campaign(campaign: Campaign) -> str:
    """The page as text; an unchanged campaign gives equal bytes.

    Raises
    ------
    StudyError: the campaign's file was not finished.
    """
    rounds, state = campaign.rounds(), campaign.state()
    found = [
        _rounds(campaign, rounds),
        _latest(rounds),
        _predictions(campaign, rounds, state),
        _record(campaign),
    ]
    name = str(campaign.study.get("name", campaign.path.stem))
    return render_page(f"Campaign {name}", _lead(campaign, rounds, state), [one for one in found if one])


def _lead(campaign: Campaign, rounds: list[RoundRecord], state: State) -> Lead:
    study = campaign.study
    budget = study.get("batch", {}).get("budget")
    measured = len({one.candidate for one in state.results})
    said = f"{count(measured)} of {count(len(campaign.candidates()))} candidates are measured after "
    said += f"{len(rounds)} round{'' if len(rounds) == 1 else 's'}"
    said += f"; {len(state.pending)} are awaited." if state.pending else "."
    money = number(state.spent, 0) if state.spent else "0"
    facts = [
        ("goal", Cell(printable(study.get("goal", "")))),
        ("rounds", Cell(count(len(rounds)))),
        ("spent", Cell(money, "" if budget is None else f"of {budget:,.0f}")),
        ("failed", Cell(count(len(state.failed)), "and not measured otherwise")),
    ]
    return Lead(said, _banners(rounds), tuple(facts))


def _banners(rounds: list[RoundRecord]) -> tuple[Banner, ...]:
    """A warning where a batch is expected to give no more than chance would."""
    weak = [
        one.number
        for one in rounds
        if one.proposal.at_random is not None
        and one.proposal.expected <= one.proposal.at_random + (one.proposal.random_deviation or 0.0)
    ]
    if not weak:
        return ()
    listed = ", ".join(map(str, weak))
    text = "By the model's own account a random batch for the same money would have done as well."
    return (Banner("unbeaten", f"No better than chance: round {listed}", text),)


def _rounds(campaign: Campaign, rounds: list[RoundRecord]) -> Section | None:
    if not rounds:
        return None
    table = round_table(rounds, campaign)
    blocks: list[Block] = []
    gains = pd.DataFrame(
        {
            "round": table["round"],
            "expected": pd.to_numeric(table["expected"]),
            "at_random": pd.to_numeric(table["at_random"]),
            "random_deviation": [one.proposal.random_deviation for one in rounds],
        }
    )
    if gains["expected"].notna().any():
        unit = next(one.proposal.unit for one in rounds if one.proposal.unit)
        blocks.append(
            Figure(
                svg("gains", partial(gain_by_round, gains, unit)), "Expected gain of each round beside chance"
            )
        )
    shown = plain_table(table.drop(columns=["fingerprint", "made"]))
    blocks.append(
        Table(shown.columns, shown.rows, "Rounds", shown.note, wide=True, downloads=csv_link(table, "rounds"))
    )
    return Section(
        "rounds",
        "Rounds",
        "What each batch was expected to give, by the model of that round, beside random batches for the same money; "
        "and how its predictions fared: the share of results within their 90 % intervals should be about .9.",
        tuple(blocks),
    )


def _latest(rounds: list[RoundRecord]) -> Section | None:
    if not rounds:
        return None
    latest = rounds[-1]
    batch, spare = latest.proposal.table(), latest.proposal.table(runners_up=True)
    blocks: list[Block] = []
    for name, table in (("batch", batch), ("runners-up", spare)):
        if len(table):
            shown = plain_table(table)
            links = csv_link(table, name)
            blocks.append(
                Table(shown.columns, shown.rows, name.capitalize(), shown.note, wide=True, downloads=links)
            )
    blocks += [Text(printable(note)) for note in latest.proposal.notes]
    return Section(
        "batch",
        f"The batch of round {latest.number}",
        "In the order in which candidates were chosen; each gain is beyond those before it.",
        tuple(blocks),
    )


def _predictions(campaign: Campaign, rounds: list[RoundRecord], state: State) -> Section | None:
    table = predictions(campaign.outputs, rounds, state)
    if len(table) < FEWEST:
        return None
    output = campaign.outputs[0]
    figure = Figure(
        svg("predictions", partial(predicted_and_measured, table, output)),
        f"Predicted and measured {printable(output)} of {len(table)} candidates",
        "",
        csv_link(table, "predictions"),
    )
    return Section(
        "predictions",
        "Predicted before, measured after",
        "Each point is a candidate that a round asked for; the bar is what the model of that round was unsure of.",
        (figure,),
    )


def predictions(outputs: list[str], rounds: list[RoundRecord], state: State) -> pd.DataFrame:
    """What each round predicted of the first output of its candidates, and what came out."""
    said = {(one.number, c.candidate): c for one in rounds for c in one.proposal.choices if c.deviation}
    rows = []
    for result in state.results:
        choice = said.get((result.round or 0, result.candidate))
        value = result.values.get(outputs[0])
        if choice is not None and value is not None:
            rows.append((result.round, result.candidate, choice.mean[0], choice.deviation[0], value))
    return pd.DataFrame(rows, columns=["round", "candidate", "predicted", "deviation", "measured"])


def _record(campaign: Campaign) -> Section | None:
    events = campaign.events()
    if not len(events):
        return None
    shown = plain_table(events.drop(columns=["received"]))
    links = csv_link(events, "events")
    table = Table(
        shown.columns,
        shown.rows,
        "Everything that came back",
        shown.note,
        folded=True,
        wide=True,
        downloads=links,
    )
    return Section("record", "Record", "In the order in which it arrived; failed measurements too.", (table,))
