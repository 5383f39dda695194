"""How good the ensemble is on rows that no fit and no choice has seen, beside what it has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pajamo.data.assays.assay import Experiment
from pajamo.evaluation.assays.resampling import interval, resampled_totals
from pajamo.evaluation.comparison import BEATS, LOSES, TIES
from pajamo.evaluation.pairs.comparing import pair_scores
from pajamo.evaluation.pairs.metrics import Array, clipped, moments, of_sums
from pajamo.pipeline.assays.loading import LoadedAssay
from pajamo.pipeline.search.fitting import ENSEMBLE, SearchModels
from pajamo.search.posterior import best
from pajamo.search.record import Evaluation
from pajamo.search.space import Space


def scores(models: SearchModels, loaded: LoadedAssay) -> pd.DataFrame:
    """Every figure of every model, by experiment and set, with what was kept aside first."""
    tables = []
    for set_name in dict.fromkeys((loaded.scored_set, "validation", "test")):
        for rows in loaded.assay.part(set_name).experiments:
            if rows.n:
                table = pair_scores(rows, models.say(rows), loaded.study.seed)
                table.insert(0, "set", set_name)
                table.insert(0, "experiment", rows.name)
                tables.append(table)
    return pd.concat(tables, ignore_index=True)


def search_verdict(
    models: SearchModels,
    loaded: LoadedAssay,
    space: Space,
    evaluations: Sequence[Evaluation],
    table: pd.DataFrame,
) -> dict[str, Any]:
    """What a search found, in one sentence and in numbers.

    Correlations are those of the scored set, the mean over experiments; the interval of the difference to the best
    baseline is from resampled rows (95 %), the same for both.
    """
    leading = best(evaluations, 1)[0]
    parts = [rows for rows in loaded.assay.part(loaded.scored_set).experiments if rows.n]
    means = {name: _correlation(models, parts, name) for name in (ENSEMBLE, *models.baselines)}
    baseline = max(models.baselines, key=lambda name: means[name])
    low, high = _interval([_moments(models, rows, baseline) for rows in parts], loaded.study.seed)
    value, compared = means[ENSEMBLE], means[baseline]
    found = {
        "mechanism": leading.candidate.mechanism,
        "states": len(space.templates[leading.candidate.mechanism].states),
        "reward": leading.reward,
        "kind_of_reward": loaded.study.search.reward if loaded.study.search else "",
        "evaluations": len(evaluations),
        "members": len(models.ensemble.members),
        "set_name": loaded.scored_set,
        "rows": int(table[(table["set"] == loaded.scored_set) & (table["model"] == ENSEMBLE)]["rows"].sum()),
        "value": value,
        "baseline": baseline,
        "baseline_value": compared,
        "difference": value - compared,
        "low": low,
        "high": high,
        "outcome": BEATS if low > 0 else LOSES if high < 0 else TIES,
    }
    return {"sentence": _sentence(found)} | found


def _sentence(found: dict[str, Any]) -> str:
    rows = "rows that were learned from" if found["set_name"] == "training" else f"{found['set_name']} rows"
    side = "above" if found["difference"] >= 0 else "below"
    ends = sorted(abs(found[end]) for end in ("low", "high"))
    told = f"{ends[0]:.3f} to {ends[1]:.3f}"
    if found["outcome"] == TIES:
        told = f"{found['low']:+.3f} to {found['high']:+.3f}, so that they cannot be told apart"
    return (
        f"Of {found['evaluations']:,} hypotheses the best is {found['mechanism']}. The mean of the best "
        f"{found['members']} has correlation {found['value']:.3f} on {found['rows']:,} {rows}, "
        f"{abs(found['difference']):.3f} {side} {found['baseline']}, the best baseline ({told})."
    )


def _correlation(models: SearchModels, parts: Sequence[Experiment], name: str) -> float:
    """Of one model with what was recorded, the mean over experiments."""
    found = [of_sums(_moments(models, rows, name)[:, 6:].sum(axis=0, keepdims=True))[0] for rows in parts]
    return float(np.mean(found))


def _interval(moments_of: Sequence[Array], seed: int) -> tuple[float, float]:
    """Of the difference of two correlations, the mean over experiments, from their moments, (rows, 12) each."""
    drawn = [resampled_totals(own, seed) for own in moments_of]
    fewest = min(map(len, drawn))
    differences = [of_sums(sums[:fewest, :6]) - of_sums(sums[:fewest, 6:]) for sums in drawn]
    mean = np.mean(differences, axis=0)[:, None]
    return interval(lambda column: column[:, 0], mean, min(map(len, moments_of)))


def _moments(models: SearchModels, rows: Experiment, baseline: str) -> Array:
    """What the correlations of the ensemble and of a baseline need to be summed over rows, shape (rows, 12)."""
    said, recorded = models.say(rows), rows.recorded
    value = recorded["value" if "value" in recorded else "label"]
    seen = [clipped(said[name], value, recorded.get("censored")) for name in (ENSEMBLE, baseline)]
    return np.concatenate([moments(own, value) for own in seen], axis=1)
