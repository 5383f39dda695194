"""What can be said of every model: its card, and its fitted quantities with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.explanations.explanation import Part
from pajamo.models.base import Card

NORMAL_95 = 1.959964


def card_part(card: Card) -> Part:
    """What the model is, what it takes for granted, and where it must not be trusted."""
    lines = [
        f"source: {card.reference}",
        f"needs: {card.needs}",
        f"takes for granted: {card.assumed or 'nothing of how states follow from operations'}",
        f"limits: {card.limits}",
        *(f"{name}: {meaning}" for name, meaning in card.weights.items()),
    ]
    return Part("what it is", "\n".join(lines))


def with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """The table with z = value / se and a 95 % interval, the largest |z| first, then the largest value."""
    value, se = table["value"].to_numpy(dtype=float), table["se"].to_numpy(dtype=float)
    z = np.divide(value, se, out=np.full(len(table), np.nan), where=se > 0)
    wide = table.assign(low=value - NORMAL_95 * se, high=value + NORMAL_95 * se, z=z)
    order = np.lexsort((-np.abs(value), -np.nan_to_num(np.abs(z), nan=-1.0)))
    return wide.iloc[order].reset_index(drop=True)


def weights_part(weights: pd.DataFrame) -> Part:
    """The fitted quantities, the surest first."""
    if weights.empty:
        return Part("what it found", "It has no fitted quantity of its own.")
    columns = ("quantity", "of", "value", "low", "high", "z", "unit")
    text = "Fitted quantities with 95 % intervals, the surest first; quantities without an error come last."
    return Part("what it found", text, with_intervals(weights), "weights", columns)
