"""How rounds went: what they were expected to give beside chance, and what came of predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import WIDTH, colour

HALF = 1.6448536269514722
"""Half of a 90 % interval in standard deviations."""


def gain_by_round(rounds: pd.DataFrame, unit: str) -> Figure:
    """Expected gain of each batch, and of random batches for the same money.

    Parameters
    ----------
    rounds: columns round, expected, at_random, random_deviation; None where it is not known.
    unit: of gains.
    """
    figure = Figure(figsize=(0.48 * WIDTH, 2.4))
    axes = figure.subplots()
    axes.plot(rounds["round"], rounds["expected"], "o-", color=colour("blue"), ms=4, lw=1.2, label="batch")
    known = rounds.dropna(subset=["at_random"])
    axes.errorbar(
        known["round"],
        known["at_random"],
        yerr=known["random_deviation"],
        fmt="s",
        color=colour("grey"),
        ms=4,
        lw=1,
        label="random batches, sd",
    )
    axes.set_xticks(rounds["round"])
    axes.set_xlabel("round")
    axes.set_ylabel(f"expected gain\n({unit})" if unit else "expected gain")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.legend(loc="best")
    return figure


def predicted_and_measured(table: pd.DataFrame, output: str) -> Figure:
    """What was predicted before a batch was measured, against what came out.

    Parameters
    ----------
    table: columns round, predicted, deviation, measured.
    output: its name.
    """
    figure = Figure(figsize=(0.42 * WIDTH, 2.6))
    axes = figure.subplots()
    axes.errorbar(
        table["predicted"],
        table["measured"],
        xerr=HALF * table["deviation"],
        fmt="o",
        color=colour("blue"),
        ecolor=colour("grey"),
        ms=3,
        lw=0.6,
    )
    ends = np.array(
        [table[["predicted", "measured"]].min().min(), table[["predicted", "measured"]].max().max()]
    )
    axes.plot(ends, ends, color=colour("grey"), lw=0.8)
    axes.set_xlabel(f"{output}, predicted, 90 %")
    axes.set_ylabel(f"{output}, measured")
    return figure
