"""One self-contained page of a search, from the files of its folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from pajamo.evaluation.comparison import BEATS, LOSES
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.sections import record
from pajamo.reports.blocks import Block, Cell, Figure, Section, Table
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.pairs.course import course_of_search
from pajamo.reports.figures.pairs.windows import window_map
from pajamo.reports.figures.theme import svg
from pajamo.reports.lead import Banner, Lead
from pajamo.reports.page import render_page
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import count, interval, number, printable, signed

REWARDS: Final = {
    "evidence": "ln evidence a row, nats",
    "pearson": "correlation on rows kept aside",
    "likelihood": "mean ln p of rows kept aside, nats",
}
"""What a reward is, by its name in a study."""


def render_search(folder: Path) -> str:
    """The page as text; equal files give equal bytes.

    Raises
    ------
    IntegrityError: a file that every search has is missing or cannot be read.
    """
    run = AssayRun(folder)
    made = [build(run) for build in SECTIONS]
    return render_page(str(run.about["title"]), _lead(run), [section for section in made if section])


def _lead(run: AssayRun) -> Lead:
    verdict = run.verdict
    banners = () if verdict["outcome"] == BEATS else (_unbeaten(run),)
    ends = interval(verdict["low"], verdict["high"], 3)
    facts = (
        ("best scheme", Cell.name(verdict["mechanism"], f"{verdict['states']} states")),
        ("its reward", Cell(number(verdict["reward"], 4), _reward(run))),
        ("ensemble", Cell(number(verdict["value"]), f"correlation, mean of {verdict['members']} networks")),
        ("best baseline", Cell.name(verdict["baseline"], f"correlation {number(verdict['baseline_value'])}")),
        ("difference", Cell(signed(verdict["difference"]), f"95% interval {ends}" if ends else "")),
        ("judged on", Cell(f"{count(int(verdict['rows']))} rows", f"{run.scored_set} set")),
    )
    return Lead(printable(verdict["sentence"]), banners, facts)


def _unbeaten(run: AssayRun) -> Banner:
    text = "What was found explains these rows no better than a map that knows of no kinetics."
    relation = "loses to" if run.verdict["outcome"] == LOSES else "cannot be told from"
    return Banner("unbeaten", f"The ensemble {relation} {printable(run.verdict['baseline'])}", text)


def _reward(run: AssayRun) -> str:
    return REWARDS.get(str(run.verdict["kind_of_reward"]), "")


def course(run: AssayRun) -> Section | None:
    """Rewards against hypotheses tried."""
    table = run.table("course")
    if table is None:
        return None
    figure = Figure(
        svg("course", partial(course_of_search, table, _reward(run))),
        f"Rewards of {len(table)} generations",
        "",
        csv_link(table, "course", run.file("course")),
    )
    return Section(
        "course",
        "Course of the search",
        "Each generation is drawn in view of those before. Where the best so far still rises, more hypotheses are "
        "worth their time. The reward knows the training set alone.",
        (figure,),
    )


def schemes(run: AssayRun) -> Section | None:
    """Which schemes lead."""
    return _tabled(
        run,
        "schemes",
        "Schemes",
        "How often each was tried, its share of the leading hypotheses (the best 5 %), and its rewards. Schemes "
        "whose best rewards hardly differ are not told apart by these data.",
    )


def windows(run: AssayRun) -> Section | None:
    """Which positions feed which rate, for each scheme among the leading hypotheses."""
    table = run.table("windows")
    if table is None:
        return None
    figures: list[Block] = [
        Figure(
            svg(f"windows-{place}", partial(window_map, own)),
            f"Share of the leading hypotheses of {printable(name)} that read each position",
            printable(name),
            csv_link(own, f"windows-{place}", run.file("windows")),
        )
        for place, (name, own) in enumerate(table.groupby("mechanism", sort=False))
    ]
    return Section(
        "windows",
        "Which positions feed which rate",
        "The darker, the more of the leading hypotheses read the position for the rate. Where only the ratio of "
        "two rates is known, they can exchange their windows.",
        tuple(figures),
    )


def members(run: AssayRun) -> Section | None:
    """The networks that are averaged."""
    return _tabled(
        run,
        "members",
        "Members of the ensemble",
        "The best hypotheses, fitted to the whole training set; best.toml declares the first for pajamo run.",
    )


def scores(run: AssayRun) -> Section | None:
    """Figures of every model on every set."""
    return _tabled(
        run,
        "scores",
        "Scores",
        "The ensemble beside the maps that it has to beat, and its members. No choice was made on the test set.",
    )


def _tabled(run: AssayRun, name: str, title: str, reading: str) -> Section | None:
    table = run.table(name)
    if table is None:
        return None
    shown = plain_table(table)
    links = csv_link(table, name, run.file(name))
    return Section(
        name,
        title,
        reading,
        (Table(shown.columns, shown.rows, title, shown.note, wide=True, downloads=links),),
    )


SECTIONS: Final[tuple[Callable[[AssayRun], Section | None], ...]] = (
    scores,
    course,
    schemes,
    windows,
    members,
    record.provenance,
    record.notes,
)
"""In the order of the page."""
