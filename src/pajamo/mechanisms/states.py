"""States in quasi-equilibrium: Boltzmann weights, occupancies and activity, in the log domain."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.mechanisms.activity import Activity
from pajamo.mechanisms.average import StateAverage


class PartitionFunction(StateAverage):
    """P_s = exp(-G_s) mu_s / Z, with G_s the sum of the free energies that state s holds, in kT.

    Activity t = sum over s of r_s P_s (Bintu et al. 2005; Tareen and Kinney 2019, layers two and three). Everything
    is a sum of exponentials taken in the log domain, so that energies of hundreds of kT neither overflow nor vanish.

    Attributes
    ----------
    incidence: how often each free energy enters each state, shape (states, terms).
    """

    incidence: Tensor

    def __init__(self, incidence: Tensor, log_rates: Tensor, rate_terms: Tensor | None = None) -> None:
        super().__init__(log_rates, rate_terms)
        self.register_buffer("incidence", incidence)

    def log_weights(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of each state's Boltzmann weight: terms (sequences, terms) in kT to (sequences, states).

        `log_concentrations` is ln of the product of the concentrations of what is bound, (sequences, states); -inf
        removes a state.
        """
        weights = -terms @ self.incidence.T
        return weights if log_concentrations is None else weights + log_concentrations

    def log_occupancies(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of the probability of each state, shape (sequences, states)."""
        return torch.log_softmax(self.log_weights(terms, log_concentrations), dim=-1)

    def forward(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Activity:
        """Activity of each output."""
        return self.averaged(self.log_weights(terms, log_concentrations), terms)
