"""Every single change of a target as a map: how strong it is, and which kinetic step it hits."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pajamo.reports.figures.theme import SERIES, WIDTH, colour
from pajamo.reports.wording import number, short

FAINTEST: Final = 0.08
"""Share of a step's full colour that a change without an effect has."""


def change_map(table: pd.DataFrame) -> Figure:
    """Positions across, changes down; the colour is the step that is hit, and is the fuller the stronger the change.

    Parameters
    ----------
    table: of one guide; columns from_pam, change ("G>A", "G-", "+A"), effect (log10), step ("" for none).
    """
    rows = _rows(table)
    places = np.arange(int(table["from_pam"].min()), int(table["from_pam"].max()) + 1)
    figure = Figure(figsize=(min(WIDTH, 2.9 + 0.34 * len(places)), 1.2 + 0.21 * len(rows)))
    axes = figure.subplots()
    shades = step_colours(table["step"])
    axes.imshow(_cells(table, rows, places, shades), aspect="auto", interpolation="none")
    _frame(axes, table, rows, places)
    top = float(table["effect"].abs().max())
    handles = [Patch(color=colour(shade), label=short(step, 30)) for step, shade in shades.items()]
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0),
        title=f"step hit; full colour: {number(top, 2)} decades", title_fontsize=7.6,
    )  # fmt: skip
    return figure


def step_colours(steps: pd.Series) -> dict[str, str]:
    """A colour for each step that is named, the most frequent first."""
    named = [str(step) for step in steps.value_counts().index if str(step)]
    return {step: SERIES[place % len(SERIES)][0] for place, step in enumerate(named)}


def _rows(table: pd.DataFrame) -> list[str]:
    """What a change leads to, in the order of bases, then bulges."""
    found = {_row(name) for name in table["change"]}
    return sorted(found, key=lambda row: (row[0] != ">", row[0] != "-", row))


def _row(change: str) -> str:
    """ ">A" of "G>A", "+A" as it is, "-" of "G-", and ">G" of "G=", which brings the match back."""
    if change.startswith("+"):
        return change
    if change.endswith("="):
        return f">{change[0]}"
    return change[1:]


def _cells(table: pd.DataFrame, rows: list[str], places: np.ndarray, shades: dict[str, str]) -> np.ndarray:
    """Colours, shape (rows, places, 3); what cannot change is grey."""
    cells = np.empty((len(rows), len(places), 3))
    cells[:] = to_rgb(colour("missing"))
    top = float(table["effect"].abs().max()) or 1.0
    paper = np.array(to_rgb(colour("paper")))
    columns = (table["from_pam"], table["change"], table["effect"], table["step"])
    for place, change, effect, step in zip(*columns, strict=True):
        full = np.array(to_rgb(colour(shades[str(step)]))) if str(step) in shades else paper
        share = FAINTEST + (1 - FAINTEST) * abs(float(effect)) / top
        cells[rows.index(_row(str(change))), int(place) - places[0]] = paper + share * (full - paper)
    # Rounding may leave a colour a hair outside of its range.
    return cells.clip(0.0, 1.0)


def _frame(axes: Axes, table: pd.DataFrame, rows: list[str], places: np.ndarray) -> None:
    guide = {int(place): str(name)[0] for place, name in zip(table["from_pam"], table["change"], strict=True)
             if ">" in str(name)}  # fmt: skip
    labels = [f"{guide.get(int(place), '')}\n{place}" for place in places]
    axes.set_xticks(range(len(places)), labels, fontsize=7.4)
    axes.set_yticks(range(len(rows)), rows, fontsize=7.6)
    axes.tick_params(length=0)
    axes.set_xlabel("guide's base and position from the PAM (0 and below: in the PAM)")
    for spine in axes.spines.values():
        spine.set_visible(False)
