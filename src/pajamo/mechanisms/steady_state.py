"""A kinetic scheme whose log rates are sums of terms: what it does at steady state, and on the way there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pajamo.mechanisms.activity import Activity
from pajamo.mechanisms.average import StateAverage, log_sum
from pajamo.mechanisms.kinetics.occupancy import log_occupancy
from pajamo.mechanisms.kinetics.passage import Passage, log_passage_rate
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.transient import log_arrived


class SteadyState(StateAverage):
    """ln k = sum of the terms that each transition holds; occupancies follow from the rates (King and Altman 1956).

    The first outputs are averages of the states' rates, or the flux through the transitions that make them: the sum
    of k times the occupancy of the state that each leaves, per unit of time (Tareen and Kinney 2019, kinetic models).
    Then come rates of first passage, one over the mean time that a molecule needs, and last the fractions of
    molecules that have arrived by a time: these are no matter of the steady state, and a scheme that has only such
    outputs may end in a state that is never left.

    Attributes
    ----------
    scheme: states and transitions.
    incidence: how each term enters ln of each rate, shape (transitions, terms).
    makes: whether a passage makes an output, shape (outputs, transitions).
    passages, fractions: from where to where, of the outputs after the others.
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
        *,
        passages: Sequence[Passage] = (),
        fractions: Sequence[Passage] = (),
    ) -> None:
        super().__init__(log_rates, rate_terms)
        self.scheme, self.passages, self.fractions = scheme, tuple(passages), tuple(fractions)
        none = torch.zeros(len(log_rates), len(incidence), dtype=torch.bool)
        self.register_buffer("incidence", incidence)
        self.register_buffer("makes", none if makes is None else makes)
        self.lasting = len(log_rates) - len(self.passages) - len(self.fractions)
        self.flowing = bool(self.makes.any())
        # A flux has the unit of a rate, and no upper bound; neither has a passage.
        self.bounded = self.bounded and not self.flowing and not self.passages
        self.two_level = self.two_level and self.bounded and not self.fractions

    def log_transition_rates(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of each transition's rate: terms (sequences, terms) to (sequences, transitions).

        `log_concentrations` holds what else multiplies the rates, as ln; -inf removes a transition.
        """
        rates = terms @ self.incidence.T
        return rates if log_concentrations is None else rates + log_concentrations[..., : rates.shape[-1]]

    def log_occupancies(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of the share of time in each state, shape (sequences, states)."""
        return log_occupancy(self.scheme, self.log_transition_rates(terms, log_concentrations))

    def forward(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Activity:
        """Activity of each output.

        Where molecules arrive by a time, ln of the time stands in `log_concentrations` as one more column, behind
        those of the transitions; it is one unit of time where that column is missing.
        """
        rates = self.log_transition_rates(terms, log_concentrations)
        values, rests = self._at_rest(rates, terms)
        values += [log_passage_rate(self.scheme, rates, passage)[:, None] for passage in self.passages]
        if not self.fractions:
            return Activity(torch.cat(values, dim=1), torch.cat(rests, dim=1) if rests else None)
        # What has no upper bound has nothing left to it, so that its logit is its logarithm.
        rests = rests or [torch.zeros_like(value) for value in values]
        time = self._time(rates, log_concentrations)
        for passage in self.fractions:
            arrived, waiting = log_arrived(self.scheme, rates, passage.start, passage.targets, time)
            values.append(arrived[:, None])
            rests.append(waiting[:, None])
        return Activity(torch.cat(values, dim=1), torch.cat(rests, dim=1))

    def _at_rest(self, rates: Tensor, terms: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """ln of the outputs at steady state, and ln of what is left to 1 where all outputs are bounded."""
        if not self.lasting:
            return [], []
        occupancies = log_occupancy(self.scheme, rates)
        average = self.averaged(occupancies, terms)
        rests = [] if average.rest is None else [average.rest[:, : self.lasting]]
        if not self.flowing:
            return [average.value[:, : self.lasting]], rests
        passages = rates + occupancies[:, list(self.scheme.sources)]
        flux = log_sum(passages[:, None, :].masked_fill(~self.makes, -torch.inf))
        value = torch.where(self.makes.any(dim=1), flux, average.value)
        return [value[:, : self.lasting]], rests

    @staticmethod
    def _time(rates: Tensor, log_concentrations: Tensor | None) -> Tensor:
        transitions = rates.shape[-1]
        if log_concentrations is None or log_concentrations.shape[-1] == transitions:
            return torch.ones_like(rates[..., 0])
        return log_concentrations[..., transitions].exp()
