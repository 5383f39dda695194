"""Score predictions against the truth: one row for each model, condition and metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pandas as pd

from pajamo.data.conditions import SEPARATOR
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError, ModelError, shorten
from pajamo.evaluation.metric import COUNTS, Guess, Metric, metric, metrics
from pajamo.evaluation.panel.side import Side
from pajamo.evaluation.truth import Cells, Truth

COLUMNS = ["model", "condition", "genes", "metric", "value", "flag"]
UNDEFINED = "undefined"
"""Flag of a value that stands for a metric which the prediction leaves undefined."""


def score(
    predictions: Prediction | Sequence[Prediction],
    truth: Truth,
    *,
    names: Iterable[str] | None = None,
    cells: Mapping[str, Cells] | None = None,
    duplicate: bool = True,
) -> pd.DataFrame:
    """Compare predictions with what was measured.

    Parameters
    ----------
    predictions: of one or more models, for all conditions of the truth.
    truth: the held-out conditions of one fold.
    names: metrics, all that apply if not given. Those of distributions only appear for models with cells,
        those on counts only where the truth has a panel.
    cells: predicted cells, ln(1 + CP10K), by model and condition.
    duplicate: also score the technical and the interpolated duplicate, as models of these names.

    Returns
    -------
    Columns model, condition, genes ("A+B"), metric, value, flag. `value` is NaN where the metric does
    not apply to the condition (no gene changed, for instance). `flag` is "undefined" where the
    prediction has no value, such as the correlation of no change, and `value` is the metric's score for that.

    Raises
    ------
    DataError: genes or conditions that do not match the truth's.
    ModelError: a prediction that is not finite.
    StudyError: an unknown metric.
    """
    chosen = list(metrics().values()) if names is None else [metric(name) for name in names]
    cells = cells or {}
    given = [predictions] if isinstance(predictions, Prediction) else list(predictions)
    tables = [_score_one(p.model, guess(p, truth, cells.get(p.model)), truth, chosen) for p in given]
    if duplicate and truth.duplicate is not None:
        copy, half = truth.duplicate.prediction, truth.duplicate.truth
        made = replace(guess(copy, half, truth.duplicate.cells), side=_given(truth.duplicate.side))
        tables.append(_score_one(copy.model, made, half, chosen))
        mixed = replace(guess(truth.duplicate.interpolated, half), side=None)
        tables.append(_score_one(truth.duplicate.interpolated.model, mixed, half, chosen))
    parts = [table for tables_of_one in tables for table in tables_of_one]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def guess(prediction: Prediction, truth: Truth, cells: Cells | None = None) -> Guess:
    """Bring a prediction into the order of the truth's conditions and genes.

    Raises
    ------
    DataError: genes or conditions that do not match the truth's.
    ModelError: a prediction that is not finite.
    """
    missing = sorted(set(truth.conditions) - set(prediction.conditions))
    if missing:
        raise DataError(
            f"{prediction.model} predicts nothing for {shorten(missing)}", fix="predict all of fold.test"
        )
    columns = prediction.genes.get_indexer(truth.genes)
    if (columns < 0).any():
        lacking = truth.genes[columns < 0]
        raise DataError(
            f"{prediction.model} does not predict {len(lacking)} measured genes",
            why=f"lacking: {shorten(lacking)}",
        )
    aligned = prediction.of(truth.conditions)
    level = aligned.level[:, columns]
    # With one shared control both changes refer to it, as in published comparisons; otherwise a
    # predicted change refers to the control as the model knows it.
    delta = level - truth.control if truth.shared_control else aligned.delta[:, columns]
    if not np.isfinite(level).all():
        row, gene = np.argwhere(~np.isfinite(level))[0]
        raise ModelError(
            f"{prediction.model} predicts a value that is not finite",
            where=f"{truth.conditions[row]}, gene {truth.genes[gene]}",
        )
    sd = aligned.sd[:, columns]
    shown = sd if np.isfinite(sd).all() else None
    return Guess(delta, level, shown, cells or {}, _counted(aligned, level, truth, cells or {}))


def _counted(aligned: Prediction, level: Array, truth: Truth, cells: Cells) -> Callable[[], Side] | None:
    """The prediction on the truth's panel, made when a metric first asks for it and then kept."""
    if truth.panel is None:
        return None
    made = replace(
        aligned, genes=truth.genes, delta=level, sd=np.zeros_like(level), control=np.zeros_like(level)
    )
    return cache(partial(truth.panel.predicted, made, cells))


def _given(side: Side | None) -> Callable[[], Side] | None:
    return None if side is None else lambda: side


def _score_one(model: str, made: Guess, truth: Truth, chosen: Sequence[Metric]) -> Iterator[pd.DataFrame]:
    for item in chosen:
        if (item.needs_cells and not made.cells) or (item.family == COUNTS and made.side is None):
            continue
        value, undefined = item.compute(made, truth)
        yield pd.DataFrame(
            {
                "model": model,
                "condition": [str(condition) for condition in truth.conditions],
                "genes": [SEPARATOR.join(condition.genes) for condition in truth.conditions],
                "metric": item.name,
                "value": np.where(undefined, item.undefined, value),
                "flag": np.where(undefined, UNDEFINED, ""),
            }
        )
