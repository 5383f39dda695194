"""What each transition contributes to a change of the output, when several rates change at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pajamo.data.assays.alphabet import Codes
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.pairs.network import KineticNetwork

POINTS = 48
"""Of Gauss-Legendre quadrature along the path. The output bends where another step takes control: sharply, if rates
change by many e-folds."""
AT_ONCE = 4096
"""Pairs of which the path is followed together, to spare memory."""
NOTHING = 1e-9
"""Change of ln of the output below which no step is named."""
LOG10 = 1 / np.log(10)


@dataclass(frozen=True)
class Attribution:
    """Changes of log10 of the output, each shared out among the transitions whose rates changed.

    Attributes
    ----------
    transitions: names.
    effect: log10(output after / output before), shape (pairs,).
    shares: what each transition contributes to it, shape (pairs, transitions).
    """

    transitions: tuple[str, ...]
    effect: Array
    shares: Array

    @property
    def remainder(self) -> Array:
        """What quadrature left over, shape (pairs,): effect minus the sum of the shares."""
        return np.asarray(self.effect - self.shares.sum(axis=1))

    @property
    def steps(self) -> list[str]:
        """For each pair the transition that contributes most in the direction of the effect; "" without an effect."""
        along = self.shares * np.sign(self.effect)[:, None]
        return [
            self.transitions[int(row.argmax())] if abs(effect) > NOTHING and row.max() > 0 else ""
            for row, effect in zip(along, self.effect, strict=True)
        ]

    @property
    def leading(self) -> Array:
        """Share of that transition in the effect, shape (pairs,): above 1 where others work against it."""
        along = (self.shares * np.sign(self.effect)[:, None]).max(axis=1, initial=-np.inf)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = along / np.abs(self.effect)
        return np.where(np.abs(self.effect) > NOTHING, found, np.nan)

    def to_frame(self) -> pd.DataFrame:
        """`effect`, `unit`, `step`, `share`, one column a transition, `remainder`."""
        table = pd.DataFrame(
            {"effect": self.effect, "unit": "log10", "step": self.steps, "share": self.leading}
        )
        return pd.concat([table, pd.DataFrame(self.shares, columns=list(self.transitions))], axis=1).assign(
            remainder=self.remainder
        )


def attribute(network: KineticNetwork, before: Codes, after: Codes) -> Attribution:
    """Share out what a change of pairs does to the output among the transitions whose rates it changes.

    The ln rates go in a straight line from those of `before` to those of `after`; on the way a transition contributes
    its control coefficient times the change of its ln k. Along this path the contributions sum to the effect exactly
    (Aumann and Shapley 1974, Values of Non-Atomic Games; as integrated gradients, Sundararajan et al. 2017, ICML),
    and a transition whose rate does not change contributes nothing. What quadrature leaves over is kept apart.

    Parameters
    ----------
    network: of the pairs.
    before, after: codes, shape (pairs, length); `before` may be one pair for all.
    """
    other = network.log_rates(after)
    one = network.log_rates(before).expand(len(other), -1)
    blocks = [(one[i : i + AT_ONCE], other[i : i + AT_ONCE]) for i in range(0, len(other), AT_ONCE)]
    with torch.no_grad():
        effect = torch.cat([network.log_output(b) - network.log_output(a) for a, b in blocks])
    shares = torch.cat([_shares(network, a, b) for a, b in blocks])
    return Attribution(network.transitions, effect.numpy() * LOG10, shares.numpy() * LOG10)


def _shares(network: KineticNetwork, before: Tensor, after: Tensor) -> Tensor:
    """Contributions to ln of the output, shape (pairs, transitions)."""
    places, weights = np.polynomial.legendre.leggauss(POINTS)
    # Absent before and after is no change: both are -inf, and their difference would be nan.
    change = torch.where(before == after, 0.0, after - before)
    total = torch.zeros_like(change)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        total += float(weight) * network.control(before + float(place) * change)
    # Adding 0 makes zeros of either sign alike.
    return total * change + 0.0
