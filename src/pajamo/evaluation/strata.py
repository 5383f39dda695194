"""Results by how strong the true response is, and by how many parts of a combination were seen alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

from pajamo.data.splits import Fold
from pajamo.errors import DataError
from pajamo.evaluation.truth import Truth

BY_EFFECT: Final = "size of the response"
BY_PARTS: Final = "perturbed genes seen alone in training"
EFFECTS: Final = ("weak", "middle", "strong")
"""Thirds of the held-out conditions by the size of their measured change."""


def stratum_table(truth: Truth, fold: Fold) -> pd.DataFrame:
    """What is known of each held-out condition besides its scores.

    Returns
    -------
    Columns fold, condition, effect, parts. `effect` is the norm of the measured change without what noise
    adds to it, sqrt(max(sum over genes of change² - squared standard error, 0)), in the unit of the
    change. `parts` says how many of the perturbed genes have a training single in the same setting, "1 of 2".
    """
    squares = (truth.delta**2 - truth.variance_of_mean).sum(axis=1, where=truth.counted)
    seen = set(fold.train)
    parts = [f"{sum(part in seen for part in c.parts())} of {c.order}" for c in truth.conditions]
    names = [str(condition) for condition in truth.conditions]
    effect = np.sqrt(np.maximum(squares, 0.0))
    return pd.DataFrame({"fold": fold.name, "condition": names, "effect": effect, "parts": parts})


def by_stratum(scores: pd.DataFrame, facts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Mean of each model and metric within each stratum.

    A mean over all held-out conditions hides regimes: most of it may come from responses that are weak, for
    which nothing can be wrong, or from combinations of which everything was seen.

    Parameters
    ----------
    scores: rows of `score` with a column fold.
    facts: tables of `stratum_table`, one a fold.

    Returns
    -------
    Columns strata ("size of the response", ...), stratum, model, metric, mean, n_conditions. A division of
    which only one stratum occurs is left out.

    Raises
    ------
    DataError: a scored condition of which no table tells.
    """
    known = pd.concat(list(facts), ignore_index=True)
    order = known["effect"].rank(method="first").to_numpy() - 1
    third = (order * len(EFFECTS) // len(known)).astype(int)
    known[BY_EFFECT], known[BY_PARTS] = [EFFECTS[i] for i in third], known["parts"]
    joined = scores.merge(known, on=["fold", "condition"], how="left", validate="many_to_one")
    if joined["parts"].isna().any():
        lacking = joined.loc[joined["parts"].isna(), "condition"].iloc[0]
        raise DataError(
            f"nothing is known of the scored condition {lacking}", fix="give a table for each fold"
        )
    divisions = [name for name in (BY_EFFECT, BY_PARTS) if known[name].nunique() > 1]
    tables = [_means(joined, name) for name in divisions]
    columns = ["strata", "stratum", "model", "metric", "mean", "n_conditions"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _means(joined: pd.DataFrame, name: str) -> pd.DataFrame:
    ranks = {stratum: i for i, stratum in enumerate(EFFECTS)}
    grouped = joined.groupby([name, "model", "metric"], sort=False)
    table = grouped.agg(mean=("value", "mean"), n_conditions=("condition", "nunique")).reset_index()
    table = table.rename(columns={name: "stratum"}).assign(strata=name)
    return table.sort_values(
        "stratum", key=lambda column: column.map(lambda s: (ranks.get(s, len(ranks)), s)), kind="stable"
    )
