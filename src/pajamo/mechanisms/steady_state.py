"""A kinetic scheme whose log rates are sums of terms, at steady state."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.mechanisms.activity import Activity
from pajamo.mechanisms.average import StateAverage, log_sum
from pajamo.mechanisms.kinetics.occupancy import log_occupancy
from pajamo.mechanisms.kinetics.scheme import Scheme


class SteadyState(StateAverage):
    """ln k = sum of the terms that each transition holds; occupancies follow from the rates (King and Altman 1956).

    An output is an average of the states' rates, or the flux through the transitions that make it: the sum of
    k times the occupancy of the state that each leaves, per unit of time (Tareen and Kinney 2019, kinetic models).

    Attributes
    ----------
    scheme: states and transitions.
    incidence: how each term enters ln of each rate, shape (transitions, terms).
    makes: whether a passage makes an output, shape (outputs, transitions).
    """

    incidence: Tensor
    makes: Tensor

    def __init__(
        self,
        scheme: Scheme,
        incidence: Tensor,
        log_rates: Tensor,
        rate_terms: Tensor | None = None,
        makes: Tensor | None = None,
    ) -> None:
        super().__init__(log_rates, rate_terms)
        self.scheme = scheme
        none = torch.zeros(len(log_rates), len(incidence), dtype=torch.bool)
        self.register_buffer("incidence", incidence)
        self.register_buffer("makes", none if makes is None else makes)
        self.flowing = bool(self.makes.any())
        # A flux has the unit of a rate, and no upper bound.
        self.bounded = self.bounded and not self.flowing
        self.two_level = self.two_level and not self.flowing

    def log_transition_rates(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of each transition's rate: terms (sequences, terms) to (sequences, transitions).

        `log_concentrations` holds what else multiplies the rates, as ln; -inf removes a transition.
        """
        rates = terms @ self.incidence.T
        return rates if log_concentrations is None else rates + log_concentrations

    def log_occupancies(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of the share of time in each state, shape (sequences, states)."""
        return log_occupancy(self.scheme, self.log_transition_rates(terms, log_concentrations))

    def forward(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Activity:
        """Activity of each output."""
        rates = self.log_transition_rates(terms, log_concentrations)
        occupancies = log_occupancy(self.scheme, rates)
        average = self.averaged(occupancies, terms)
        if not self.flowing:
            return average
        passages = rates + occupancies[:, list(self.scheme.sources)]
        flux = log_sum(passages[:, None, :].masked_fill(~self.makes, -torch.inf))
        return Activity(torch.where(self.makes.any(dim=1), flux, average.value))
