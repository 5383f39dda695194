"""What of a planted scheme a fit or a search has found: its states and transitions, its windows, its rates."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

import pandas as pd

from pajamo.config.assays import KineticSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError
from pajamo.explanations.pairs.rates import ALONE, matched_rates
from pajamo.explanations.simulations.planting import Planted
from pajamo.explanations.simulations.schemes import Row, as_table, topology, windows
from pajamo.models.assays.model import AssayModel

FEW = 2.0
"""Half intervals beyond which a rate counts as missed."""


def recovery(model: AssayModel, assay: Assay, planted: Planted, *, level: float = 0.9) -> pd.DataFrame:
    """Everything that was found of a truth: the scheme, the window of each rate, rates at the matched target.

    Parameters
    ----------
    model: fitted; the scheme that was declared or that a search chose.
    assay: that it was fitted to.
    planted: the truth.
    level: coverage of the intervals of rates.

    Returns
    -------
    COLUMNS; `score` is 1 or 0 for the scheme, intersection over union for windows, and for rates the distance from
    the truth in units of half an interval. The last column is a sentence.

    Raises
    ------
    ModelError: the model is not fitted, or no kinetic scheme.
    """
    if not isinstance(model.mechanism, KineticSettings):
        raise ModelError(
            f"{model.name} is no kinetic scheme",
            why="states, windows and rates are compared with those of a scheme",
            fix='give a model of a mechanism of kind = "kinetic"',
        )
    scheme = topology(planted.settings, model.mechanism)
    parts = [scheme, windows(planted.settings, model.mechanism, assay.length)]
    if set(planted.settings.transitions) == set(model.mechanism.transitions):
        parts.append(rates(matched_rates(model, assay, level=level), planted.matched))
    return pd.concat(parts, ignore_index=True)


def rates(found: pd.DataFrame, truth: Mapping[str, float]) -> pd.DataFrame:
    """How far rates and ratios at the matched target are from the truth, in units of half an interval; COLUMNS.

    A rate that the data do not determine is neither right nor wrong: its sentence says so, and its score is nan.

    Parameters
    ----------
    found: of `matched_rates`.
    truth: ln of each rate by its transition, "open -> intermediate".
    """
    rows: list[Row] = []
    for row in found.to_dict("records"):
        one, _, other = str(row["of"]).partition(" / ")
        if one not in truth or (other and other not in truth):
            continue
        true = (truth[one] - (truth[other] if other else 0.0)) / math.log(10)
        half = (row["high"] - row["low"]) / 2
        told = row["verdict"] == ALONE and half > 0
        score = abs(row["log10"] - true) / half if told else math.nan
        shown = f"{row['log10']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        rows.append((row["quantity"], row["of"], f"{true:.2f}", shown, score, _rate_verdict(row, score)))
    return as_table(rows)


def _rate_verdict(row: Mapping[Hashable, object], score: float) -> str:
    what = f"log10 of {row['of']}"
    if math.isnan(score):
        return f"{what} cannot be judged: {row['verdict']}."
    if score <= 1:
        return f"{what} was found: the truth lies within its interval."
    return f"{what} {'was missed' if score > FEW else 'was narrowly missed'}: {score:.1f} half intervals off."
