"""The page of a fine-tuned model: scores on test, the course of training, what the sets share, the record."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.figure import Figure as Drawing

from pajamo.errors import IntegrityError
from pajamo.evaluation.comparison import BEATS
from pajamo.reports.blocks import Cell, Facts, Figure, Section, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.theme import WIDTH, bare, colour, svg
from pajamo.reports.lead import Banner, Lead
from pajamo.reports.page import render_page
from pajamo.reports.proteins.page import LEAKY, ProteinFolder
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import count, number, printable

PANEL: Final = 2.7
"""Inches of a metric's panel."""


def render_fine_tuned(folder: Path) -> str:
    """One self-contained HTML page; equal files give equal bytes.

    Raises
    ------
    IntegrityError: a file that every run has is missing or cannot be read.
    """
    run = ProteinFolder(folder)
    made = [_scores(run), _course(run), _leaks(run), _record(run)]
    return render_page(run.about["title"], _lead(run), made)


def _lead(run: ProteinFolder) -> Lead:
    about = run.about
    sides = about["proteins"]
    told = {
        "Property": Cell.name(about["label"], about["property"], most=60),
        "Weights": Cell(count(about["weights"]), f"{count(about['learned'])} of them change"),
        "Proteins": Cell(
            count(sides["training"]),
            f"{count(sides['validation'])} to choose by, {count(sides['test'])} tested",
        ),
        "Updates": Cell(count(about["training"]["updates"]), f"in {count(about['training']['steps'])} steps"),
    }
    return Lead(printable(run.verdict["sentence"]), _banners(run), tuple(told.items()))


def _banners(run: ProteinFolder) -> tuple[Banner, ...]:
    found = []
    if run.verdict["outcome"] != BEATS:
        text = "What costs less says as much of proteins that nobody learned from."
        found.append(Banner("unbeaten", "The model does not beat the best baseline", text))
    near = float(run.about["leaks"]["shares"].get("0.5", 0.0))
    if near > LEAKY:
        text = (
            f"{near:.0%} of them share half or more of their words of six residues with a training protein: what is "
            "said of them is partly remembered."
        )
        found.append(Banner("leak", "Proteins kept aside have relatives in training", text))
    return tuple(found)


def _table(run: ProteinFolder, name: str) -> pd.DataFrame:
    """A table that every run has."""
    table = run.table(name)
    if table is None:
        raise IntegrityError("a table of the run is missing", where=str(run.path / f"{name}.csv"))
    return table


def _scores(run: ProteinFolder) -> Section:
    table = _table(run, "scores")
    figure = Figure(
        svg("scores", partial(panels, table)),
        "Each metric of the model and of its baselines, with 95 % intervals",
        "Grey: baselines.",
    )
    shown = plain_table(table.drop(columns=["observations", "units"]))
    linked = replace(shown, downloads=csv_link(table, "scores", "scores.csv"))
    tested = f"{count(int(table['observations'].iloc[0]))} labels of {count(int(table['units'].iloc[0]))}"
    return Section(
        "scores",
        "Proteins that nobody learned from",
        f"{tested} {run.about['resampled']}. Intervals (95 %) and differences to the best baseline (better_by: "
        f"positive where a model is better) are of resampled {run.about['resampled']}. Baselines learned from the "
        "same proteins; how strongly they are held back was chosen on validation.",
        (figure, linked),
    )


def panels(table: pd.DataFrame) -> Drawing:
    """One panel a metric: a dot and its interval for each model, the first one in colour."""
    metrics, models = list(dict.fromkeys(table["metric"])), list(dict.fromkeys(table["model"]))
    figure = Drawing(figsize=(min(WIDTH, 1.8 + PANEL * len(metrics)), 0.7 + 0.3 * len(models)))
    axes = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for panel, metric in zip(axes, metrics, strict=True):
        own = table[table["metric"] == metric]
        for row, (value, low, high) in enumerate(zip(own["value"], own["low"], own["high"], strict=True)):
            hue = colour("blue" if row == 0 else "grey")
            panel.hlines(row, low, high, color=hue, linewidth=1.4)
            panel.plot(value, row, "o", color=hue, markersize=4.5)
        panel.set_title(metric)
        panel.set_ylim(len(models) - 0.5, -0.5)
        bare(panel, "left")
    axes[0].tick_params(left=False, labelleft=True)
    axes[0].set_yticks(range(len(models)), models)
    return figure


def _course(run: ProteinFolder) -> Section:
    table, unit = _table(run, "course"), str(run.about["unit"])
    looked = table.dropna(subset=["kept_aside"])
    best = looked.sort_values("kept_aside", kind="stable").iloc[0]
    text = (
        f"On validation the loss was least after step {count(int(best['step']))} ({number(best['kept_aside'])}) and "
        f"{number(looked['kept_aside'].iloc[-1])} after the last. The model is that of the last step."
    )
    drawn = svg("course", partial(learned, table, unit))
    figure = Figure(drawn, "Loss by step", "", csv_link(table, "course", "course.csv"))
    by_step = plain_table(
        looked[["step", "kept_aside"]].rename(columns={"kept_aside": f"validation, {unit}"})
    )
    return Section("course", "How it learned", f"Loss: {unit}.", (figure, Text(text), by_step))


def learned(table: pd.DataFrame, unit: str) -> Drawing:
    """Loss of each step, and of validation whenever it was looked at.

    Parameters
    ----------
    table: columns step, loss and kept_aside; empty where there is none.
    """
    figure = Drawing(figsize=(0.7 * WIDTH, 2.8))
    axes = figure.subplots()
    for column, name, style, hue in (
        ("loss", "training, each step", "-", "grey"),
        ("kept_aside", "validation", "o-", "blue"),
    ):
        own = table.dropna(subset=[column])
        axes.plot(
            own["step"], own[column], style, color=colour(hue), linewidth=0.9, markersize=3.5, label=name
        )
    axes.set_xlabel("step")
    axes.set_ylabel(unit)
    axes.legend(loc="upper right")
    bare(axes)
    return figure


def _leaks(run: ProteinFolder) -> Section:
    leaks, split = run.about["leaks"], run.about["split"]
    shares = pd.DataFrame(
        {
            "shared with one training protein, at least": [f"{float(one):.0%}" for one in leaks["shares"]],
            "proteins kept aside": [f"{share:.2%}" for share in leaks["shares"].values()],
        }
    )
    made = "The table says the sets." if "sets" in split else f"Families: {count(split['families'])}."
    text = (
        f"{made} Proteins kept aside that were looked at: {count(leaks['kept'])}; the one most like a training "
        f"protein shares {number(100 * leaks['largest_containment'])} % of its words of six residues with it. Test "
        f"proteins with the residues of a training protein: {count(run.about['repeated'])}."
    )
    return Section("leaks", "What training gives away", "", (Text(text), plain_table(shares)))


def _record(run: ProteinFolder) -> Section:
    facts = tuple((term, Cell.name(value, most=80)) for term, value in run.about["provenance"].items())
    return Section("record", "Record", "", (Facts(facts),))
