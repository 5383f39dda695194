"""The table of parameters of a fitted mechanism, with intervals that the data support."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from scipy import stats

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.bootstrap import Bootstrap
from pajamo.explanations.assays.information import Information
from pajamo.explanations.assays.profile import Profile
from pajamo.explanations.assays.quantities import Quantity, quantities
from pajamo.models.assays.model import AssayModel

WEAK = 0.5
"""Share of what holds a quantity that is the priors', from which it counts as not determined by the data."""


def parameter_table(
    model: AssayModel,
    assay: Assay,
    found: Information,
    *,
    level: float = 0.9,
    profiles: Mapping[str, Profile] | None = None,
    resampled: Bootstrap | None = None,
) -> pd.DataFrame:
    """Every quantity of the mechanism that a person would quote, with the best interval there is.

    A profile comes before a bootstrap, and that before Laplace's approximation, which is symmetric by construction
    and holds only where the posterior is nearly Gaussian.

    Parameters
    ----------
    model: at its optimum, in the frame in which it is reported.
    assay: that it was fitted to.
    found: its information.
    level: coverage of Laplace intervals; those of profiles and bootstrap have their own.
    profiles: by the name of the quantity.
    resampled: a bootstrap.

    Returns
    -------
    `quantity`, `of`, `value`, `unit`, `low`, `high` (infinite where the data set no end), `level`, `method`,
    `value_kT` for free energies, and `verdict`, in words.
    """
    rows = [
        _row(quantity, model, found, level, (profiles or {}).get(quantity.name), resampled)
        for quantity in quantities(model, assay)
    ]
    return pd.DataFrame(rows)


def _row(
    quantity: Quantity,
    model: AssayModel,
    found: Information,
    level: float,
    profiled: Profile | None,
    resampled: Bootstrap | None,
) -> dict[str, object]:
    value = quantity.value(model.assembly)
    row: dict[str, object] = {"quantity": quantity.quantity, "of": quantity.of, "value": value}
    row["unit"] = quantity.unit
    if profiled is not None:
        low, high, used, method, verdict = _profiled(profiled)
    elif resampled is not None:
        low, high, used, method, verdict = _resampled(resampled, quantity)
    else:
        low, high, used, method, verdict = _laplace(quantity, value, found, level)
    row |= {"low": low, "high": high, "level": used, "method": method}
    row["value_kT"] = value / quantity.scale if quantity.unit == "kcal/mol" else math.nan
    return row | {"verdict": verdict}


def _profiled(found: Profile) -> tuple[float, float, float, str, str]:
    return found.low, found.high, found.level, "profile", found.verdict


def _resampled(found: Bootstrap, quantity: Quantity) -> tuple[float, float, float, str, str]:
    table = found.table
    row = table[(table["quantity"] == quantity.quantity) & (table["of"] == quantity.of)].iloc[0]
    return float(row["low"]), float(row["high"]), found.level, f"{found.kind} bootstrap", found.verdict


def _laplace(
    quantity: Quantity, value: float, found: Information, level: float
) -> tuple[float, float, float, str, str]:
    direction = quantity.direction(found)
    half = float(stats.norm.ppf((1 + level) / 2)) * found.error(direction)
    if not found.positive:
        return math.nan, math.nan, level, "Laplace", "no optimum: no interval"
    share = found.held(direction)
    verdict = (
        "determined by the data" if share < WEAK else f"held by priors ({100 * share:.0f} %), not by the data"
    )
    return value - half, value + half, level, "Laplace", verdict
