"""How a protein model learned, and how well it tells hidden residues of proteins long and short."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import SERIES, WIDTH, bare, colour
from pajamo.reports.wording import short


def course(table: pd.DataFrame) -> Figure:
    """Loss of each step, and of proteins kept aside whenever they were looked at.

    Parameters
    ----------
    table: columns step, loss, and, where they were looked at, nats.
    """
    figure = Figure(figsize=(0.7 * WIDTH, 2.8))
    axes = figure.subplots()
    steps = table.dropna(subset=["loss"])
    axes.plot(steps["step"], steps["loss"], color=colour("grey"), linewidth=0.7, label="training, each step")
    if "nats" in table:
        looked = table.dropna(subset=["nats"])
        axes.plot(
            looked["step"], looked["nats"], "o-", color=colour("blue"), markersize=3.5, label="kept aside"
        )
    axes.set_xlabel("step")
    axes.set_ylabel("nats a hidden residue")
    axes.legend(loc="upper right")
    bare(axes)
    return figure


def by_length(table: pd.DataFrame) -> Figure:
    """Perplexity of each model in proteins of each length, with 95 % intervals.

    Parameters
    ----------
    table: columns residues, model, perplexity, low, high; rows of one set.
    """
    bands, models = list(dict.fromkeys(table["residues"])), list(dict.fromkeys(table["model"]))
    figure = Figure(figsize=(0.8 * WIDTH, 2.8))
    axes = figure.subplots()
    for number, model in enumerate(models):
        own = table[table["model"] == model].set_index("residues").reindex(bands)
        hue, marker = SERIES[number % len(SERIES)]
        places = [place + 0.12 * (number - (len(models) - 1) / 2) for place in range(len(bands))]
        axes.vlines(places, own["low"], own["high"], color=colour(hue), linewidth=1.2)
        axes.plot(
            places,
            own["perplexity"],
            marker,
            linestyle="",
            color=colour(hue),
            markersize=4.5,
            label=short(model, 30),
        )
    axes.set_xticks(range(len(bands)), bands)
    axes.set_xlabel("residues of a protein")
    axes.set_ylabel("perplexity")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    bare(axes)
    return figure
