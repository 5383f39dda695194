"""Rates at the matched target, with what the data determine of them: each alone, or only a ratio or product."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.information import Information
from pajamo.explanations.assays.parameters import WEAK
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.spread import information_of, rate_directions
from pajamo.models.assays.model import AssayModel

ALONE = "determined by the data"
NO_INTERVAL = "no interval: a reader is no linear map"
NO_OPTIMUM = "no optimum: no interval"
KNOWN = "known: declared, not fitted"
LOOSE = 1.0
"""Decades of half an interval from which a rate counts as not determined, whatever its prior."""
LOG10 = 1 / math.log(10)


@dataclass(frozen=True)
class Combination:
    """A product of powers of rates, as k1, k1/k2 or k1*k2, by what it is in ln.

    Attributes
    ----------
    quantity: "rate", "ratio" or "product".
    of: the transitions, "a -> b" or "a -> b / b -> a".
    powers: of each rate, shape (transitions,).
    unit: of the product.
    """

    quantity: str
    of: str
    powers: Array
    unit: str


def matched_rates(
    model: AssayModel,
    assay: Assay,
    information: Information | None = None,
    *,
    experiment: str | None = None,
    level: float = 0.9,
) -> pd.DataFrame:
    """The rate of every transition at the matched target, and its ratio to that of the way back.

    A target without any difference has the constants of its ln rates alone, whatever the guide. Often a rate is not
    determined but its ratio to another is: where binding is faster than all that follows, only k_on / k_off is seen.
    A rate that its prior holds more than the data, or that is known to a decade at best, is called so, together with
    the ratio or product with another rate that the data do determine.

    Parameters
    ----------
    model: fitted, at its optimum.
    assay: that it was fitted to.
    information: of the model, where it is at hand.
    experiment: whose concentrations are meant; the first if not given.
    level: coverage of the intervals.

    Returns
    -------
    One row a rate and a ratio: `quantity`, `of`, `ln`, `log10`, `low`, `high` (of log10; equal tails of the Laplace
    posterior), `unit` (1/s; 1 for ratios), `level`, `held` (the share of its precision that is the priors'),
    `verdict`.
    """
    network = KineticNetwork.of(model, experiment, mean_inputs(assay, model, experiment))
    found = information_of(model, assay) if information is None else information
    own = network.log_rates(network.matched()).numpy()[0]
    directions = None if found is None else rate_directions(network, found, network.matched())[0]
    rows = [_row(each, own, network, found, directions, level) for each in combinations_of(network)]
    return pd.DataFrame(rows)


def combinations_of(network: KineticNetwork) -> list[Combination]:
    """Every rate, and for each transition that can be undone the ratio of the rates of both ways."""
    names, count = network.transitions, len(network.transitions)
    rates = [Combination("rate", name, np.eye(count)[row], "1/s") for row, name in enumerate(names)]
    ratios = [_pair(names, one, other, -1.0) for one, other in network.scheme.pairs if other is not None]
    return rates + ratios


def _pair(names: tuple[str, ...], one: int, other: int, power: float) -> Combination:
    powers = np.zeros(len(names))
    powers[one], powers[other] = 1.0, power
    quantity, sign, unit = ("ratio", "/", "1") if power < 0 else ("product", "*", "1/s^2")
    return Combination(quantity, f"{names[one]} {sign} {names[other]}", powers, unit)


def _row(
    each: Combination,
    own: Array,
    network: KineticNetwork,
    found: Information | None,
    directions: Array | None,
    level: float,
) -> dict[str, object]:
    value = float(each.powers @ own)
    half, held, verdict = _told(each, network, found, directions, level)
    return {
        "quantity": each.quantity,
        "of": each.of,
        "ln": value,
        "log10": value * LOG10,
        "low": (value - half) * LOG10,
        "high": (value + half) * LOG10,
        "unit": each.unit,
        "level": level,
        "held": held,
        "verdict": verdict,
    }


def _told(
    each: Combination,
    network: KineticNetwork,
    found: Information | None,
    directions: Array | None,
    level: float,
) -> tuple[float, float, str]:
    """Half of the interval of ln, the share that priors hold, and a verdict."""
    if found is None or directions is None:
        return math.nan, math.nan, NO_INTERVAL
    direction = each.powers @ directions
    if not direction.any():
        return 0.0, 0.0, KNOWN
    if not found.positive:
        return math.nan, math.nan, NO_OPTIMUM
    half, held = _half(direction, found, level), found.held(direction)
    weak = _weakness(half, held)
    if not weak:
        return half, held, ALONE
    return half, held, weak + _instead(each, network, found, directions, level)


def _half(direction: Array, found: Information, level: float) -> float:
    """Half of the interval of a linear function of the parameters."""
    return float(stats.norm.ppf((1 + level) / 2)) * found.error(direction)


def _weakness(half: float, held: float) -> str:
    """Why a number does not count as determined, or "" if it does."""
    if held >= WEAK:
        return f"held by priors ({100 * held:.0f} %)"
    return f"known to {half * LOG10:.1f} decades only" if half * LOG10 > LOOSE else ""


def _instead(
    each: Combination, network: KineticNetwork, found: Information, directions: Array, level: float
) -> str:
    """The ratio or product with another rate that the data determine best, if they determine one."""
    if each.quantity != "rate":
        return ", not by the data"
    own = int(np.argmax(each.powers))
    others = [
        _pair(network.transitions, min(own, other), max(own, other), power)
        for other in range(len(network.transitions))
        for power in (-1.0, 1.0)
        if other != own and directions[other].any()
    ]
    moves = [other.powers @ directions for other in others]
    halves = [_half(move, found, level) for move in moves]
    sure = [i for i, move in enumerate(moves) if not _weakness(halves[i], found.held(move))]
    if not sure:
        return ", not by the data"
    best = others[min(sure, key=lambda i: halves[i])]
    return f"; the data determine only its {best.quantity} {best.of}"


def mean_inputs(assay: Assay, model: AssayModel, experiment: str | None) -> dict[str, float]:
    """Means of an experiment's inputs over its rows."""
    name = next(iter(model.experiments)) if experiment is None else experiment
    given = [e.inputs for e in assay.experiments if e.name == name and e.n]
    return {key: float(values.mean()) for inputs in given for key, values in inputs.items()}
