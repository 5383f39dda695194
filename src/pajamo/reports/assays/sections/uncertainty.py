"""How well the data determine each quantity: profiles, and directions that they hardly see."""

from __future__ import annotations

from typing import Final

import pandas as pd

from pajamo.explanations.assays.profile import NOTABLE
from pajamo.reports.assays.estimates import profiled
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Figure, Section, Table
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.assays.profiles import profile_curves, threshold
from pajamo.reports.figures.theme import svg
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import number, printable

MOST_PROFILES: Final = 12
MOST_DIRECTIONS: Final = 8


def profiles(run: AssayRun) -> Section | None:
    """A curve a quantity, with its interval and what did not converge."""
    table = run.table("profiles")
    if table is None:
        return None
    figures = [
        _profile(run, str(model), own, place)
        for place, (model, own) in enumerate(table.groupby("model", sort=False))
    ]
    return Section(
        "profiles",
        "How well each quantity is determined",
        "Each point holds one quantity and fits everything else again; the curve says how many nats that costs. "
        f"Where it crosses the dashed line ({number(threshold(run.level))} nats), the {run.level:.0%} interval ends. "
        "A curve that never crosses it leaves the interval open: the data set no bound there. Hollow points did not "
        "converge; their curve may lie too high.",
        tuple(figures),
    )


def _profile(run: AssayRun, model: str, table: pd.DataFrame, place: int) -> Figure:
    names = list(dict.fromkeys(table["quantity"]))[:MOST_PROFILES]
    shown, found = table[table["quantity"].isin(names)], profiled(run, model)
    return Figure(
        svg(f"profiles-{place}", lambda: profile_curves(shown, found, run.level)),
        f"Profile likelihood of {', '.join(map(printable, names))} in {printable(model)}",
        printable(model) + _better(table),
        csv_link(table, f"profiles-{place}", run.file("profiles")),
    )


def _better(table: pd.DataFrame) -> str:
    """Where a profile met a better optimum than the fit, so that the other parameters were not at their best."""
    gained = table.groupby("quantity", sort=False)["gained"].max()
    found = [f"{printable(name)} by {number(nats)} nats" for name, nats in gained.items() if nats >= NOTABLE]
    return f": THE FIT WAS NO OPTIMUM, profiles met a better one ({', '.join(found)})" if found else ""


def sloppy(run: AssayRun) -> Section | None:
    """The joint changes of parameters that the data hardly see."""
    table = run.table("sloppy_directions")
    if table is None:
        return None
    table = table[table["model"] == run.leading].drop(columns="model") if "model" in table else table
    shown = plain_table(table.head(MOST_DIRECTIONS))
    return Section(
        "sloppy",
        "Directions that the data hardly see",
        "Joint changes of parameters, the least determined first. Along such a direction single values may move far "
        "while every prediction stays; only what moves little along all of them is known.",
        (
            Table(
                shown.columns, shown.rows, downloads=csv_link(table, "sloppy", run.file("sloppy_directions"))
            ),
        ),
    )
