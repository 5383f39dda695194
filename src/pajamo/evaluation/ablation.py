"""What an embedding of genes is worth: each model with it beside the same model without knowledge of genes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pajamo.evaluation.comparison import IS_BEST, summarise

COLUMNS = ("metric", "model", "embedding", "mean", "low", "high", "gain", "gain_low", "gain_high", "outcome")
REFERENCE = "reference"
"""Outcome of the variant that the others are compared with."""


def ablation(
    scores: pd.DataFrame,
    variants: Mapping[str, tuple[str, str]],
    reference: str,
    *,
    level: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every model that was fitted with several embeddings with itself under the reference embedding.

    Differences are paired over the same held-out perturbations (see `summarise`).

    Parameters
    ----------
    scores: rows of `score`, with columns split, fold, model, condition, metric, value.
    variants: model and embedding by the name under which they were scored.
    reference: the embedding of which the gain is 0.
    level, n_bootstrap, seed: of the bootstrap.

    Returns
    -------
    One row for each metric, model and embedding; `gain` is positive where the embedding helps, whichever way the
    metric points, with its interval; outcome "beats", "ties", "loses" or "reference". Empty without the reference.
    """
    by_model: dict[str, list[str]] = {}
    for name, (model, _) in variants.items():
        by_model.setdefault(model, []).append(name)
    tables = []
    for names in by_model.values():
        rows = scores[scores["model"].isin(names)]
        base = [name for name in names if variants[name][1] == reference and (rows["model"] == name).any()]
        if base:
            tables.append(summarise(rows, base, level=level, n_bootstrap=n_bootstrap, seed=seed).table)
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.concat(tables, ignore_index=True)
    parts = [variants[name] for name in table["model"]]
    table["model"], table["embedding"] = (list(column) for column in zip(*parts, strict=True))
    renamed = {f"improvement{end}": f"gain{end}" for end in ("", "_low", "_high")}
    table = table.rename(columns=renamed).replace({"outcome": {IS_BEST: REFERENCE}})
    return table[list(COLUMNS)]
