"""What a run is judged by after every round: the model on held-out candidates, and what was found in the pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pajamo.campaigns.predictive import Array, ClassPredictive, Predictive, Rows, ValuePredictive
from pajamo.errors import ModelError

LEVEL = 0.9
"""Of the intervals whose coverage is looked at."""
BINS = 10
HIGHER = {"accuracy", "correlation", "recall"}
"""Metrics of which more is better."""
NOTHING = float("nan")


def of_model(predictive: Predictive, truth: Array, scale: Array, replicates: Array) -> dict[str, float]:
    """Quality and calibration on held-out candidates.

    Parameters
    ----------
    predictive: of the held-out candidates, N.
    truth: mean of what was measured, shape (N, D); NaN where everything failed, which is left out.
    scale: standard deviation of each output, shape (D,).
    replicates: measurements behind each mean, shape (N,).
    """
    whole = np.isfinite(truth).all(axis=1)
    if isinstance(predictive, ClassPredictive):
        return of_classes(predictive.mean[whole], truth[whole, 0].astype(np.intp))
    if isinstance(predictive, ValuePredictive):
        return of_values(predictive.take(np.flatnonzero(whole)), truth[whole], scale, replicates[whole])
    raise ModelError(f"a {type(predictive).__name__} cannot be judged", where="metrics")


def of_classes(probabilities: Array, truth: Rows) -> dict[str, float]:
    """Accuracy, Brier score (mean squared distance to the true class) and expected calibration error.

    Columns of `probabilities`, shape (N, C), are class numbers; a class that the model never saw has none.
    """
    number = max(probabilities.shape[1], int(truth.max()) + 1)
    said = np.zeros((len(truth), number))
    said[:, : probabilities.shape[1]] = probabilities
    right = said.argmax(axis=1) == truth
    squared = ((said - np.eye(number)[truth]) ** 2).sum(axis=1)
    return {
        "accuracy": float(right.mean()),
        "brier": float(squared.mean()),
        "calibration_error": _calibration_error(said.max(axis=1), right),
    }


def of_values(predictive: ValuePredictive, truth: Array, scale: Array, replicates: Array) -> dict[str, float]:
    """Errors and calibration of values.

    rmse (in the readout's unit, over all outputs), error (rmse in standard deviations of each output), correlation
    (mean over outputs), coverage of the 90 % interval for the mean of as many measurements as the truth has, and
    surprise (mean squared error over predicted variance, 1 if honest, more if too sure).
    """
    away = predictive.mean - truth
    variance = predictive.variance + predictive.noise / replicates[:, None]
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * np.sqrt(variance)
    ratio = np.divide(away**2, variance, out=np.full_like(away, np.nan), where=variance > 0)
    return {
        "rmse": float(np.sqrt((away**2).mean())),
        "error": float(np.sqrt(((away / scale) ** 2).mean())),
        "correlation": _correlation(predictive.mean, truth),
        "coverage": float((np.abs(away) <= half).mean()),
        "surprise": float(np.nanmean(ratio)) if np.isfinite(ratio).any() else NOTHING,
    }


def of_findings(
    readout: Array, hits: NDArray[np.bool_], measured: NDArray[np.bool_], scale: float
) -> dict[str, float]:
    """What the measurements found: cumulative recall of hits, and regret.

    Parameters
    ----------
    readout: true readouts of the pool, upwards good, NaN where unknown; shape (N,).
    hits: shape (N,).
    measured: candidates measured so far with success; shape (N,).
    scale: standard deviation of the readout; regret (how much better the best of the pool is than the best measured)
        is given in it.
    """
    seen = readout[measured & np.isfinite(readout)]
    total = int(hits.sum())
    return {
        "recall": float((hits & measured).sum() / total) if total else NOTHING,
        "regret": float((np.nanmax(readout) - seen.max()) / scale) if len(seen) else NOTHING,
    }


def _calibration_error(confidence: Array, right: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and accuracy over bins of confidence (Naeini 2015)."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    totals = [np.bincount(place, weights=w, minlength=BINS) for w in (confidence, right.astype(float))]
    return float(np.abs(totals[0] - totals[1]).sum() / len(confidence))


def _correlation(said: Array, truth: Array) -> float:
    """Pearson's correlation, mean over outputs; NaN where one does not vary."""
    centred = [values - values.mean(axis=0) for values in (said, truth)]
    length = np.sqrt((centred[0] ** 2).sum(axis=0) * (centred[1] ** 2).sum(axis=0))
    product = (centred[0] * centred[1]).sum(axis=0)
    each = np.divide(product, length, out=np.full_like(product, np.nan), where=length > 0)
    return float(each.mean())
