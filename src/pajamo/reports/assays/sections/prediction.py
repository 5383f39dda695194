"""Predicted against measured, and what the instrument makes of the activity."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from pajamo.config.assays import BarcodeSettings, BinsSettings
from pajamo.models.assays.model import AssayModel
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.instruments import (
    bin_probabilities,
    coordinate_grid,
    coordinate_name,
    curve,
    recorded_as,
)
from pajamo.reports.blocks import Figure, Section
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.assays.bins import bin_shares
from pajamo.reports.figures.assays.curve import reading_curve
from pajamo.reports.figures.assays.predicted import predicted_against_measured
from pajamo.reports.figures.theme import svg
from pajamo.reports.rows import records
from pajamo.reports.wording import number, printable

MOST_EXPERIMENTS = 6
"""Experiments that are drawn; the tables hold all."""


def prediction(run: AssayRun) -> Section | None:
    """A panel an experiment: every sequence of the scored set."""
    figures = [
        _compared(run, model, experiment, rows, place)
        for place, (model, experiment, rows) in enumerate(_experiments(run))
    ]
    if not figures:
        return None
    held = "that no fit has seen" if run.scored_set == "test" else f"of the {run.scored_set} set"
    return Section(
        "prediction",
        "Predicted against measured",
        f"{run.rows.capitalize()} {held}, as {printable(run.leading)} predicts them. The amber band holds 90 % of "
        f"the readings that the fitted instrument would give of {run.rows} with the same prediction: a cloud that "
        "fills the band is explained up to noise. Diamonds are means of those with like predictions; off the line, "
        "they show what the model gets wrong.",
        tuple(figures),
    )


def _experiments(run: AssayRun) -> list[tuple[AssayModel, str, pd.DataFrame]]:
    """Model, experiment and predicted rows of each experiment of the leading model."""
    table, models = run.predictions(run.leading), run.models(run.leading)
    if table is None:
        return []
    found = []
    for experiment, rows in table.groupby("experiment", sort=False):
        model = next((m for m in models if experiment in m.experiments), None)
        if model is not None and len(rows):
            found.append((model, str(experiment), comparable(rows, model, str(experiment))))
    return found[:MOST_EXPERIMENTS]


def comparable(rows: pd.DataFrame, model: AssayModel, experiment: str) -> pd.DataFrame:
    """Predicted rows with what is expected on the scale of what was measured: ln of a ratio of counts."""
    if isinstance(model.experiments[experiment].measurement, BarcodeSettings):
        return rows.assign(expected=np.log(rows["expected"]))
    return rows


def _compared(run: AssayRun, model: AssayModel, experiment: str, rows: pd.DataFrame, place: int) -> Figure:
    what = recorded_as(model, experiment)
    grid = coordinate_grid(rows["coordinate"].to_numpy(dtype=float))
    band = curve(model, experiment, grid, float(rows["observations"].median()))
    metrics = _metrics(run, experiment)
    draw = partial(
        predicted_against_measured,
        rows,
        what,
        band_of(band) if "low" in band else None,
        metrics,
    )
    return Figure(
        svg(f"predicted-{place}", draw),
        f"Predicted against measured {printable(what)} of {len(rows)} {run.rows} of {printable(experiment)}; "
        + metrics,
        printable(experiment),
        csv_link(rows, f"predicted-{place}", run.file(f"predictions/{run.leading}")),
    )


def band_of(curve_: pd.DataFrame, cells: int = 40) -> pd.DataFrame:
    """The band by what is expected: activities that lead to the same expectation are taken together."""
    x = curve_["expected"]
    width = (x.max() - x.min()) / cells or 1.0
    cell = ((x - x.min()) / width).astype(int).clip(upper=cells - 1)
    return curve_.groupby(cell.to_numpy())[["expected", "low", "high"]].mean()


def _metrics(run: AssayRun, experiment: str) -> str:
    scores = run.scores()
    own = scores[
        (scores["experiment"] == experiment) & (scores["model"] == run.leading) & scores["value"].notna()
    ]
    units = {"I_var": " bits", "I_pred": " bits"}
    names = {"R2": "R²", "pearson": "r", "auroc": "AUROC", "auprc": "AUPRC"}
    shown = [row for row in records(own) if row["metric"] in (*units, *names)]
    return "  ·  ".join(
        f"{names.get(metric, metric)} {number(row['value'])}{units.get(metric, '')}"
        for row in shown
        if (metric := str(row["metric"]))
    )


def instrument(run: AssayRun) -> Section | None:
    """The fitted instrument of each experiment."""
    figures = [
        _instrument(model, experiment, rows, place)
        for place, (model, experiment, rows) in enumerate(_experiments(run))
    ]
    if not figures:
        return None
    return Section(
        "instrument",
        "What the instrument makes of the activity",
        "The measurement as fitted. Where it is flat, different activities give the same readings, and "
        "their energies cannot be told apart by this experiment.",
        tuple(figures),
    )


def _instrument(model: AssayModel, experiment: str, rows: pd.DataFrame, place: int) -> Figure:
    coordinates = rows["coordinate"].to_numpy(dtype=float)
    grid, axis = coordinate_grid(coordinates), coordinate_name(model, experiment)
    if isinstance(model.experiments[experiment].measurement, BinsSettings):
        shares = bin_probabilities(model, experiment, grid)
        table = pd.DataFrame(shares, columns=[f"bin {n}" for n in range(1, shares.shape[1] + 1)])
        table.insert(0, "coordinate", grid)
        draw = partial(bin_shares, grid, shares, coordinates, axis)
        what = "Share of each bin"
    else:
        table = curve(model, experiment, grid)
        draw = partial(reading_curve, table, rows, recorded_as(model, experiment), axis)
        what = "Expected reading"
    return Figure(
        svg(f"instrument-{place}", draw),
        f"{what} against the activity in {printable(experiment)}",
        printable(experiment),
        csv_link(table, f"instrument-{place}"),
    )
