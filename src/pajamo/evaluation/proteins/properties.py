"""How well a property of proteins, or of their residues, is told, beside what a fine-tuned model must beat.

Every metric is a function of sums over observations (proteins or residues), so that families are resampled by adding
their sums up, however many residues there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from pajamo.config.proteins.fine_tuning import PropertyKind
from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError

LEVEL: Final = 0.95
RESAMPLES: Final = 1000
FLOOR: Final = 1e-12
"""Least probability that counts in a log loss: a class that a model calls impossible costs 27.6 nats."""


@dataclass(frozen=True)
class PropertyMetric:
    """A figure of merit.

    Attributes
    ----------
    name: as in tables and sentences.
    sign: +1 where higher is better, -1 where lower is.
    terms: from truth, shape (observations,), and what was told, to what is summed, shape (observations, terms).
    value: from sums, shape (draws, terms), to the metric, shape (draws,); NaN where it has none.
    """

    name: str
    sign: int
    terms: Callable[[Any, Array], Array]
    value: Callable[[Array], Array]


def property_scores(
    kind: PropertyKind,
    truth: NDArray[Any],
    told: Mapping[str, Array],
    units: NDArray[np.int64],
    baselines: Iterable[str],
    seed: int = 0,
) -> pd.DataFrame:
    """Score all models on the same observations.

    Units (families, or proteins) are resampled with all their observations, the same ones for all models, so that
    differences are paired and relatives do not count as independent. Intervals hold for other families, given these
    training proteins. Ranks are those among all observations, in every resample.

    Parameters
    ----------
    truth: numbers, or classes; shape (observations,).
    told: by model, numbers of the same shape, or probabilities of shape (observations, classes).
    units: family of each observation.
    baselines: which models must be beaten.

    Returns
    -------
    One row a metric and model: value with its interval, and the difference to the best baseline of that metric with
    its interval, counted so that positive is better.

    Raises
    ------
    DataError: there is nothing to score.
    """
    if not len(truth):
        raise DataError("no label of the proteins kept aside is known", fix="keep more proteins aside")
    names, unit_of = np.unique(units, return_inverse=True)
    draws = _draws(len(names), seed)
    known = [name for name in baselines if name in told]
    rows: list[dict[str, object]] = []
    for metric in METRICS[kind]:
        drawn = {
            name: metric.value(draws @ _per_unit(metric.terms(truth, one), unit_of, len(names)))
            for name, one in told.items()
        }
        rows += _rows(metric, drawn, known, {"observations": len(truth), "units": len(names)})
    return pd.DataFrame(rows)


def _draws(units: int, seed: int) -> Array:
    """How often each unit is drawn; in the first row each is drawn once."""
    found = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), RESAMPLES)
    found[0] = 1
    return found.astype(np.float64)


def _per_unit(terms: Array, unit_of: NDArray[np.intp], units: int) -> Array:
    sums = [np.bincount(unit_of, column, minlength=units) for column in terms.T]
    return np.stack(sums, axis=1).astype(np.float64)


def _rows(
    metric: PropertyMetric, drawn: Mapping[str, Array], baselines: list[str], counts: dict[str, int]
) -> list[dict[str, object]]:
    scored = [name for name in baselines if np.isfinite(drawn[name][0])]
    best = max(scored, key=lambda name: metric.sign * drawn[name][0], default=None)
    rows = []
    for name, values in drawn.items():
        low, high = _interval(values)
        row: dict[str, object] = {
            "metric": metric.name, "model": name, **counts, "value": float(values[0]), "low": low, "high": high,
            "baseline": best or "",
        }  # fmt: skip
        if best is not None:
            # Adding zero takes the sign from a zero.
            better = metric.sign * (values - drawn[best]) + 0.0
            low, high = _interval(better)
            row |= {"better_by": float(better[0]), "better_low": low, "better_high": high}
        rows.append(row)
    return rows


def _interval(drawn: Array) -> tuple[float, float]:
    """Quantiles of the resampled values; the first is the value itself."""
    known = drawn[1:][np.isfinite(drawn[1:])]
    if not len(known):
        return float("nan"), float("nan")
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


def _moments(truth: Array, told: Array) -> Array:
    """Terms of means, variances and the covariance, about the means of all observations, for small sums."""
    x, y = truth - truth.mean(), told - told.mean()
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)


def _ranked(truth: Array, told: Array) -> Array:
    return _moments(stats.rankdata(truth), stats.rankdata(told))


def _correlation(sums: Array) -> Array:
    n, x, y, xx, yy, xy = sums.T
    spread = (xx - x * x / n) * (yy - y * y / n)
    # What is constant has a spread of nothing but rounding.
    defined = spread > 1e-12 * np.maximum(xx * yy, 1e-300)
    return np.where(defined, (xy - x * y / n) / np.sqrt(np.where(defined, spread, 1.0)), np.nan)


def _errors(truth: Array, told: Array) -> Array:
    x = truth - truth.mean()
    return np.stack([np.ones_like(x), x, x * x, (told - truth) ** 2], axis=1)


def _root_of_mean_square(sums: Array) -> Array:
    return np.asarray(np.sqrt(sums[:, 3] / sums[:, 0]))


def _explained(sums: Array) -> Array:
    """1 - (sum of squared errors) / (sum of squares about the mean)."""
    n, x, xx, errors = sums.T
    about = xx - x * x / n
    defined = about > 1e-12 * np.maximum(xx, 1e-300)
    return np.where(defined, 1 - errors / np.where(defined, about, 1.0), np.nan)


def _hits(truth: NDArray[np.int64], told: Array) -> Array:
    found = told.argmax(axis=1)
    return np.stack([np.ones(len(truth)), (found == truth).astype(np.float64)], axis=1)


def _nats(truth: NDArray[np.int64], told: Array) -> Array:
    true = told[np.arange(len(truth)), truth]
    return np.stack([np.ones(len(truth)), -np.log(np.maximum(true, FLOOR))], axis=1)


def _share(sums: Array) -> Array:
    return np.asarray(sums[:, 1] / sums[:, 0])


def _by_class(truth: NDArray[np.int64], told: Array) -> Array:
    """For each class: told and true, then told or true, counted apart (2 TP + FP + FN)."""
    classes = np.arange(told.shape[1])
    true, found = truth[:, None] == classes, told.argmax(axis=1)[:, None] == classes
    return np.concatenate([(true & found).astype(np.float64), true.astype(np.float64) + found], axis=1)


def _mean_f1(sums: Array) -> Array:
    """Mean over the classes that are true or told at least once of 2 TP / (2 TP + FP + FN)."""
    both, either = np.split(sums, 2, axis=1)
    present = either > 0
    f1 = 2 * both / np.where(present, either, 1.0)
    return np.asarray(f1.sum(axis=1) / present.sum(axis=1))


_ACCURACY: Final = PropertyMetric("accuracy", 1, _hits, _share)
_F1: Final = PropertyMetric("macro F1", 1, _by_class, _mean_f1)
_LOG_LOSS: Final = PropertyMetric("log loss", -1, _nats, _share)
METRICS: Final[dict[PropertyKind, tuple[PropertyMetric, ...]]] = {
    "regression": (
        PropertyMetric("Spearman", 1, _ranked, _correlation),
        PropertyMetric("Pearson", 1, _moments, _correlation),
        PropertyMetric("RMSE", -1, _errors, _root_of_mean_square),
        PropertyMetric("R2", 1, _errors, _explained),
    ),
    "classification": (_ACCURACY, _F1, _LOG_LOSS),
    "residues": (_ACCURACY, _F1, _LOG_LOSS),
}
"""Of each kind; the first is the one that a verdict speaks of."""
