"""The activity of a mechanism whose states have probabilities: an average over them, in the log domain."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.mechanisms.activity import Activity


class StateAverage(nn.Module):
    """t = sum over states of rate times probability, for each output.

    Attributes
    ----------
    log_rates: ln of each state's known rate (-inf for silent ones), shape (outputs, states).
    rate_terms: term that is ln of the state's rate where it is fitted, else -1; shape (outputs, states).
    bounded: whether no rate exceeds 1 and none is fitted, so that the activity is a probability.
    two_level: whether rates are 0 and 1 only.
    """

    log_rates: Tensor
    rate_terms: Tensor

    def __init__(self, log_rates: Tensor, rate_terms: Tensor | None = None) -> None:
        super().__init__()
        fitted = torch.full(log_rates.shape, -1) if rate_terms is None else rate_terms
        self.register_buffer("log_rates", log_rates)
        self.register_buffer("rate_terms", fitted)
        self.bounded = bool((fitted < 0).all() and (log_rates <= 0).all())
        self.two_level = self.bounded and bool(((log_rates == 0) | log_rates.isneginf()).all())

    def averaged(self, log_weights: Tensor, terms: Tensor) -> Activity:
        """Activity of each output.

        Parameters
        ----------
        log_weights: ln of the states' probabilities up to a constant for each sequence, (sequences, states).
        terms: all terms, among them ln of fitted rates, (sequences, terms).
        """
        total = log_sum(log_weights)[:, None]
        active = self._summed(log_weights, self._rates(terms))
        if not self.bounded:
            return Activity(active - total)
        silent = self._summed(log_weights, torch.log1p(-self.log_rates.exp())[None])
        return Activity(active - total, silent - total)

    def _rates(self, terms: Tensor) -> Tensor:
        """ln of the rate of each output and state, shape (1 or sequences, outputs, states)."""
        if self.bounded or not (self.rate_terms >= 0).any():
            return self.log_rates[None]
        fitted = terms[:, self.rate_terms.clamp(min=0)]
        return torch.where(self.rate_terms >= 0, fitted, self.log_rates)

    @staticmethod
    def _summed(log_weights: Tensor, log_rates: Tensor) -> Tensor:
        """ln of the sum over states of weight times rate, without gradients through states of rate zero."""
        silent = log_rates.isneginf()
        summands = log_weights[:, None, :] + log_rates.masked_fill(silent, 0.0)
        return log_sum(summands.masked_fill(silent, -torch.inf))


def log_sum(logarithms: Tensor) -> Tensor:
    """ln of the sum of exponentials over the last axis: -inf, with derivatives of 0, where every summand is 0."""
    empty = logarithms.isneginf().all(dim=-1, keepdim=True)
    total = torch.logsumexp(logarithms.masked_fill(empty, 0.0), dim=-1)
    return total.masked_fill(empty[..., 0], -torch.inf)
