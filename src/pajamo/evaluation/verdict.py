"""One sentence: which model, by how much over the best baseline, with which interval, on which split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.errors import DataError, shorten
from pajamo.evaluation.comparison import BEATS, CEILING, LOSES, ROUNDING, Summary
from pajamo.evaluation.metric import Metric
from pajamo.evaluation.metric import metric as metric_named


@dataclass(frozen=True)
class Verdict:
    """The lead of a report.

    Attributes
    ----------
    sentence: for people.
    model: the best model that is not a baseline; the best baseline if only baselines were run.
    baseline: the best baseline on this metric, or "" if none was run.
    improvement, low, high: paired difference, positive where the model is better, with its interval.
    outcome: "beats", "ties", "loses", or "baselines only", "no baseline".
    """

    sentence: str
    model: str
    baseline: str
    improvement: float
    low: float
    high: float
    outcome: str


def verdict(summary: Summary, metric: str, split: str | None = None) -> Verdict:
    """Judge on one metric. The model is the best one that is no baseline.

    Raises
    ------
    DataError: the summary holds no such metric or split, or several splits and none is named.
    """
    table = _rows(summary, metric, split)
    about = metric_named(metric)
    order = np.lexsort((table["mean"].to_numpy() * -about.sign,))
    ranked = table.iloc[order]
    models = ranked[~ranked["model"].isin(summary.baselines)]
    base = ranked[ranked["model"].isin(summary.baselines)]
    where = _where(table)
    if models.empty:
        return _only_baselines(base.iloc[0], about, where)
    if base.empty:
        return _no_baseline(models.iloc[0], about, where)
    return _judged(models.iloc[0], base.iloc[0], about, where, summary.level)


def _rows(summary: Summary, metric: str, split: str | None) -> pd.DataFrame:
    table = summary.table[summary.table["metric"] == metric]
    splits = sorted(set(table["split"]))
    chosen = split if split is not None else (splits[0] if len(splits) == 1 else None)
    if chosen is None or chosen not in splits:
        raise DataError(
            f"no single summary of metric {metric!r}" + (f" on split {split!r}" if split else ""),
            fix=f"splits with this metric: {shorten(splits)}" if splits else "score it first",
        )
    rows = table[(table["split"] == chosen) & (table["outcome"] != CEILING)]
    found: pd.DataFrame = rows[np.isfinite(rows["mean"])]
    if found.empty:
        raise DataError(
            f"metric {metric!r} has no value on split {chosen!r}", why="it applied to no condition"
        )
    return found


def _where(table: pd.DataFrame) -> str:
    folds, conditions = int(table["n_folds"].max()), int(table["n_conditions"].max())
    held = f"{conditions} held-out condition{_s(conditions)}, {folds} fold{_s(folds)}"
    return f"{table.iloc[0]['split']} ({held})"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _judged(best: pd.Series, base: pd.Series, about: Metric, where: str, level: float) -> Verdict:
    improvement, low, high = (float(best[f"improvement{end}"]) for end in ("", "_low", "_high"))
    outcome = str(best["outcome"])
    better = "lower" if about.sign < 0 else "higher"
    name = _lowered(about.title)
    pair = (
        f"{name} {best['mean']:.3g} against {base['mean']:.3g}, {better} is better; "
        f"improvement {_small(improvement)}, {level:.0%} interval {_small(low)} to {_small(high)}"
    )
    model, baseline = best["model"], base["model"]
    nobody = f"no model beats the best baseline, {baseline}: the best, {model},"
    claim = {
        BEATS: f"{model} beats the best baseline, {baseline}",
        LOSES: f"{nobody} loses to it",
    }.get(outcome, f"{nobody} ties with it")
    sentence = f"On {where}, {claim} ({pair})."
    return Verdict(sentence, str(model), str(baseline), improvement, low, high, outcome)


def _only_baselines(base: pd.Series, about: Metric, where: str) -> Verdict:
    sentence = f"On {where}, only baselines were run; the best is {base['model']} ({_value(base, about)})."
    return Verdict(sentence, str(base["model"]), str(base["model"]), np.nan, np.nan, np.nan, "baselines only")


def _no_baseline(best: pd.Series, about: Metric, where: str) -> Verdict:
    sentence = (
        f"On {where}, no baseline was run, so nothing is shown: {best['model']} scores {_value(best, about)}."
    )
    return Verdict(sentence, str(best["model"]), "", np.nan, np.nan, np.nan, "no baseline")


def _small(value: float) -> str:
    return "0" if abs(value) <= ROUNDING else f"{value:.2g}"


def _value(row: pd.Series, about: Metric) -> str:
    return f"{_lowered(about.title)} {row['mean']:.3g}, interval {row['low']:.3g} to {row['high']:.3g}"


def _lowered(title: str) -> str:
    return title if title.startswith("Pearson") else title[0].lower() + title[1:]
