"""How the rewards of a search went, generation by generation."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import WIDTH, colour


def course_of_search(course: pd.DataFrame, reward: str) -> Figure:
    """Mean and best reward of each generation, and the best so far, against hypotheses tried.

    Parameters
    ----------
    course: columns evaluations, mean, best, best_so_far.
    reward: what the vertical axis shows.
    """
    figure = Figure(figsize=(0.62 * WIDTH, 2.5))
    axes = figure.subplots()
    tried = course["evaluations"]
    axes.plot(tried, course["best_so_far"], color=colour("blue"), lw=1.6, label="best so far")
    axes.plot(tried, course["best"], "o", color=colour("blue"), ms=3, label="best of a generation")
    axes.plot(tried, course["mean"], "s", color=colour("grey"), ms=3, label="mean of a generation")
    shown = course[["best_so_far", "mean"]].to_numpy().ravel()
    low, high = pd.Series(shown).quantile([0.05, 1.0])
    if high > low:
        axes.set_ylim(low - 0.15 * (high - low), high + 0.08 * (high - low))
    axes.set_xlabel("hypotheses tried")
    axes.set_ylabel(reward)
    axes.grid(axis="y")
    axes.legend(loc="lower right")
    return figure
