"""Every model beside every baseline: means, intervals, calibrated scores and paired differences."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError, shorten
from pajamo.evaluation.bootstrap import Resamples
from pajamo.evaluation.metric import metric as metric_named
from pajamo.evaluation.truth import INTERPOLATED_DUPLICATE, TECHNICAL_DUPLICATE

REQUIRED = ("split", "fold", "model", "condition", "metric", "value")
MEAN_BASELINE = "mean-perturbation"
"""The baseline that stands at 0 of the calibrated scale."""

DIGITS = 12
"""Means that agree to this many decimals are equal: models that differ by rounding share a rank."""
ROUNDING = 10.0**-DIGITS

BEATS, TIES, LOSES, IS_BEST, CEILING = "beats", "ties", "loses", "best baseline", "ceiling"


@dataclass(frozen=True)
class Summary:
    """What `summarise` found.

    Attributes
    ----------
    table: one row for each split, metric and model; columns n_conditions, n_folds; mean, low, high;
        calibrated, calibrated_low, calibrated_high, calibrated_note; dynamic_range and
        dynamic_range_interpolated (of the metric, see `dynamic_range`); best_baseline, improvement,
        improvement_low, improvement_high (positive where the model is better, whichever way the
        metric points);
        outcome ("beats", "ties", "loses", "best baseline", "ceiling"); rank (1 best, without the ceiling).
    baselines: names of the models that count as baselines.
    level: coverage of every interval.
    """

    table: pd.DataFrame
    baselines: tuple[str, ...]
    level: float


def summarise(
    scores: pd.DataFrame,
    baselines: Collection[str],
    *,
    mean_baseline: str = MEAN_BASELINE,
    duplicate: str = TECHNICAL_DUPLICATE,
    level: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> Summary:
    """Summarise scores over perturbations and folds, always against the best baseline.

    Perturbations are resampled, the same resamples for all models and metrics of a split, so that
    differences are paired. Intervals hold for other perturbations of the same screen, given these
    training sets; they do not cover the choice of the training set. The best baseline is chosen on
    each metric from its point estimate, which favours the baselines.

    Parameters
    ----------
    scores: rows of `score`, with columns split, fold, model, condition, metric, value.
    baselines: names of the models that must be beaten; unknown names are ignored.
    mean_baseline: the model at 0 of the calibrated scale.
    duplicate: the model at 1 of the calibrated scale; like the interpolated one it takes no part in ranks.
    level, n_bootstrap, seed: of the bootstrap.

    Raises
    ------
    DataError: a column is missing, no score is given, or a model has two scores for the same thing.
    """
    _require(scores)
    parts = [
        _one_metric(table, str(split), str(name), baselines, mean_baseline, duplicate, draws)
        for split, of_split in scores.groupby("split", sort=False)
        for draws in [_Draws(of_split, n_bootstrap, level, seed)]
        for name, table in of_split.groupby("metric", sort=False)
    ]
    known = tuple(name for name in baselines if (scores["model"] == name).any())
    return Summary(pd.concat(parts, ignore_index=True), known, level)


class _Draws:
    """The resamples of one split, and the rows (fold, condition) that they weight."""

    def __init__(self, scores: pd.DataFrame, count: int, level: float, seed: int) -> None:
        self.rows = pd.MultiIndex.from_frame(scores[["fold", "condition"]].drop_duplicates())
        units, names = pd.factorize(self.rows.get_level_values("condition"))
        self.n_units = len(names)
        self.resamples = Resamples.draw(units.astype(np.intp), count, level, seed)

    def units(self, values: Array) -> int:
        """Perturbations behind the rows that are not NaN."""
        return len(np.unique(self.resamples.unit_of[np.isfinite(values)]))

    def estimate(self, values: Array) -> tuple[float, float, float]:
        """Mean and interval of one column of rows."""
        point, drawn = self.resamples.means(values[:, None])
        low, high = self.resamples.interval(drawn, self.units(values))
        return float(point[0]), float(low[0]), float(high[0])


def _one_metric(
    table: pd.DataFrame,
    split: str,
    name: str,
    baselines: Collection[str],
    mean_baseline: str,
    duplicate: str,
    draws: _Draws,
) -> pd.DataFrame:
    wide = table.pivot(index=["fold", "condition"], columns="model", values="value").reindex(draws.rows)
    models = [str(model) for model in dict.fromkeys(table["model"])]
    sign = metric_named(name).sign
    mean = {model: round(float(wide[model].mean()), DIGITS) for model in models}
    ceilings = (duplicate, INTERPOLATED_DUPLICATE)
    contenders = [model for model in models if model not in ceilings and np.isfinite(mean[model])]
    ranges = {
        f"dynamic_range{end}": dynamic_range(wide, ceiling, mean_baseline, metric_named(name).perfect)
        for end, ceiling in zip(("", "_interpolated"), ceilings, strict=True)
    }
    best = max((m for m in contenders if m in baselines), key=lambda m: sign * mean[m], default=None)
    ranks = pd.Series({m: -sign * mean[m] for m in contenders}, dtype=float).rank(method="average")
    rows = []
    for model in models:
        values = wide[model].to_numpy(dtype=float)
        point, low, high = draws.estimate(values)
        rows.append(
            {
                "split": split,
                "metric": name,
                "model": model,
                "n_conditions": draws.units(values),
                "n_folds": len(np.unique(wide.index.get_level_values("fold")[np.isfinite(values)])),
                "mean": point,
                "low": low,
                "high": high,
                **_calibrated(wide, model, mean_baseline, duplicate, sign, draws),
                **ranges,
                **_against_best(wide, model, best, ceilings, sign, draws),
                "rank": float(ranks.get(model, np.nan)),
            }
        )
    return pd.DataFrame(rows)


def _calibrated(
    wide: pd.DataFrame, model: str, zero: str, one: str, sign: int, draws: _Draws
) -> dict[str, float | str]:
    """(model - mean baseline) / (technical duplicate - mean baseline), over rows where all three exist."""
    blank: dict[str, float | str] = dict.fromkeys(("calibrated", "calibrated_low", "calibrated_high"), np.nan)
    for needed in (zero, one):
        if needed not in wide:
            return {**blank, "calibrated_note": f"{needed} was not scored"}
    values = wide[[model, zero, one]].to_numpy(dtype=float) * sign
    values[~np.isfinite(values).all(axis=1)] = np.nan
    point, drawn = draws.resamples.means(values)
    if not point[2] > point[1]:
        return {**blank, "calibrated_note": f"{one} is not better than {zero}: the scale has no length"}
    length = drawn[:, 2] - drawn[:, 1]
    ratio = np.divide(drawn[:, 0] - drawn[:, 1], length, out=np.full(len(drawn), np.nan), where=length > 0)
    low, high = draws.resamples.interval(ratio[:, None], draws.units(values[:, 0]))
    score = (point[0] - point[1]) / (point[2] - point[1])
    bounds = {"calibrated_low": float(low[0]), "calibrated_high": float(high[0])}
    return {"calibrated": float(score), **bounds, "calibrated_note": ""}


def dynamic_range(wide: pd.DataFrame, ceiling: str, zero: str, perfect: float) -> float:
    """(duplicate - mean baseline) / (perfect - mean baseline), between -1 and 1; NaN where it has no value.

    How much of a metric's range lies between knowing nothing of the perturbation and repeating the
    experiment. Near 0 or below, the metric cannot tell good models from bad ones on this screen.

    Parameters
    ----------
    wide: values of the metric, one column a model.
    perfect: the metric's value for the truth itself.

    Source: dynamic range fraction of the package cellsimbench (Mejia et al. 2025, bioRxiv).
    """
    if ceiling not in wide or zero not in wide:
        return np.nan
    reached, start = (float(x) for x in wide[[ceiling, zero]].dropna().mean())
    length = perfect - start
    return float(np.clip((reached - start) / length, -1.0, 1.0)) if abs(length) > ROUNDING else np.nan


def _against_best(
    wide: pd.DataFrame, model: str, best: str | None, ceilings: Collection[str], sign: int, draws: _Draws
) -> dict[str, float | str]:
    """Paired difference to the best baseline, positive where the model is better."""
    if best is None:
        point = low = high = np.nan
    else:
        difference = sign * (wide[model] - wide[best]).to_numpy(dtype=float)
        point, low, high = draws.estimate(difference)
    return {
        "best_baseline": best or "",
        "improvement": point,
        "improvement_low": low,
        "improvement_high": high,
        "outcome": _outcome(model, best, ceilings, low, high),
    }


def _outcome(model: str, best: str | None, ceilings: Collection[str], low: float, high: float) -> str:
    if model in ceilings:
        return CEILING
    if best is None:
        return ""
    if model == best:
        return IS_BEST
    return BEATS if low > ROUNDING else LOSES if high < -ROUNDING else TIES


def _require(scores: pd.DataFrame) -> None:
    missing = [column for column in REQUIRED if column not in scores]
    if missing:
        raise DataError(f"the scores lack columns: {', '.join(missing)}", fix="use the tables of `score`")
    if scores.empty:
        raise DataError("there are no scores to summarise", fix="score at least one prediction")
    twice = scores[scores.duplicated(list(REQUIRED[:-1]))]
    if len(twice):
        raise DataError(
            f"{len(twice)} scores occur twice",
            where=shorten(_named(twice), most=3),
            why="each model is scored once for each split, fold, condition and metric",
            fix="give the folds or models different names",
        )


def _named(rows: pd.DataFrame) -> Iterator[str]:
    for row in rows[list(REQUIRED[:-1])].itertuples(index=False):
        yield " / ".join(map(str, row))
