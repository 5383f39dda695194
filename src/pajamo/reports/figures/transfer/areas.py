"""Average precision of every model on every table, and how often sites of a probability were found."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import SERIES, WIDTH, bare, colour
from pajamo.reports.wording import short

HEIGHT = 0.28


def area_plot(scores: pd.DataFrame) -> Figure:
    """One panel a table, one line a model: average precision with its interval.

    Parameters
    ----------
    scores: columns experiment, model, auprc, auprc_low, auprc_high.
    """
    names = list(dict.fromkeys(scores["experiment"]))
    models = list(dict.fromkeys(scores["model"]))
    figure = Figure(figsize=(WIDTH, 1.0 + HEIGHT * len(models)))
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        own = scores[scores["experiment"] == name].set_index("model").reindex(models)
        places = range(len(models))
        axes.hlines(places, own["auprc_low"], own["auprc_high"], color=colour("blue"), linewidth=1.3)
        axes.plot(own["auprc"], places, "o", linestyle="", color=colour("vermilion"), markersize=5)
        axes.set_title(short(str(name), 24), loc="left")
        axes.set_xlim(left=0)
        axes.set_xlabel("average precision")
        bare(axes, "left")
    panels[0].set_ylim(len(models) - 0.4, -0.6)
    panels[0].set_yticks(range(len(models)), [short(str(model), 34) for model in models])
    return figure


def reliability(table: pd.DataFrame) -> Figure:
    """Share of sites that were found against the mean probability that was said of them, both on log scales.

    Parameters
    ----------
    table: columns experiment, said, found; bins of which no site was found are left out.
    """
    figure = Figure(figsize=(WIDTH * 0.5, WIDTH * 0.4))
    axes = figure.subplots()
    shown = table[(table["found"] > 0) & (table["said"] > 0)]
    for number, (name, own) in enumerate(shown.groupby("experiment", sort=False)):
        hue, marker = SERIES[number % len(SERIES)]
        axes.plot(own["said"], own["found"], color=colour(hue), marker=marker, label=short(str(name), 24))
    low = min([0.1, *shown["said"], *shown["found"]])
    axes.plot([low, 1], [low, 1], color=colour("muted"), linewidth=0.7)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("probability that was said")
    axes.set_ylabel("share that was found")
    if len(shown):
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    bare(axes)
    return figure
