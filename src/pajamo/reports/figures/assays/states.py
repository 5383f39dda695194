"""States at the wild type: how often each is found, and where its free energy lies."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.spreading import spread
from pajamo.reports.figures.theme import WIDTH, bare, colour
from pajamo.reports.wording import number, short

MOST_STATES = 24
"""States that are drawn, the most frequent ones; the table holds all."""


def shown_states(states: pd.DataFrame) -> pd.DataFrame:
    """The most frequent states in the order of the table; columns state, occupancy, active and, if known, energy."""
    kept = states.sort_values("occupancy", ascending=False, kind="stable").head(MOST_STATES).index
    return states.loc[[row for row in states.index if row in set(kept)]].reset_index(drop=True)


def occupancies(states: pd.DataFrame) -> Figure:
    """A bar a state: the share of cells, or of time, that it takes at the wild type; active states in vermilion.

    Parameters
    ----------
    states: columns state, occupancy (0 to 1), active (whether it makes anything).
    """
    shown = shown_states(states)
    figure = Figure(figsize=(WIDTH * 0.62, 0.75 + 0.25 * len(shown)))
    axes = figure.subplots()
    shades = [colour("vermilion" if active else "grey") for active in shown["active"]]
    axes.barh(range(len(shown)), shown["occupancy"], height=0.62, color=shades)
    for place, value in enumerate(shown["occupancy"]):
        axes.annotate(
            number(float(value), 2), (float(value), place), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=7.6, color=colour("muted"),
        )  # fmt: skip
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), [short(name, 30) for name in shown["state"]])
    axes.set_xlim(0, 1.14 * max(float(shown["occupancy"].max()), 1e-9))
    axes.set_xlabel("share of the wild type's molecules in the state")
    bare(axes, "left")
    return figure


def energy_levels(states: pd.DataFrame, unit: str = "kcal/mol") -> Figure:
    """The ladder of free energies: a level a state, relative to the state where nothing is bound.

    Parameters
    ----------
    states: columns state, occupancy, active, energy.
    unit: of the energies.
    """
    shown = shown_states(states).sort_values("energy", kind="stable").reset_index(drop=True)
    figure = Figure(figsize=(4.7, max(2.4, min(0.9 + 0.24 * len(shown), 5.2))))
    axes = figure.subplots()
    levels = shown["energy"].to_numpy(dtype=float)
    _frame(axes, levels, unit)
    named = spread(levels, _room(figure, axes))
    for level, at, name, active in zip(levels, named, shown["state"], shown["active"], strict=True):
        shade = colour("vermilion" if active else "ink")
        axes.plot([0.0, 0.4], [level, level], color=shade, linewidth=2.2, solid_capstyle="butt")
        axes.plot([0.41, 0.47], [level, at], color=colour("line"), linewidth=0.8, clip_on=False)
        text = f"{short(name, 30)}   {number(float(level), 3)}"
        axes.text(0.48, at, text, va="center", fontsize=8, color=shade, clip_on=False)
    return figure


def _frame(axes: Axes, levels: np.ndarray, unit: str) -> None:
    low, high = float(levels.min(initial=0)), float(levels.max(initial=0))
    padding = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - padding, high + padding)
    axes.set_xlim(0, 1)
    axes.axhline(0, color=colour("line"), linewidth=0.8, zorder=0, xmax=0.42)
    axes.set_ylabel(f"free energy at the wild type, {unit}")
    axes.set_xticks([])
    bare(axes, "bottom")


def _room(figure: Figure, axes: Axes) -> float:
    """Height of a line of text in data units; the axes take about nine tenths of the figure."""
    low, high = axes.get_ylim()
    return (high - low) * 0.155 / (0.9 * float(figure.get_size_inches()[1]))
