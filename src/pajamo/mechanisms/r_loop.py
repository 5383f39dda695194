"""An R-loop that zips up from the PAM, one base pair a step, until the nuclease cuts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pajamo.mechanisms.activity import Activity
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.steady_state import SteadyState


class RLoop(SteadyState):
    """A chain of states: unbound, bound at the PAM, R-loops of 1, 2, ... base pairs, cut after the last.

    Every step forward has one rate, whatever the base: binding, zipping, cutting. Every step back has the rate that
    the free energy of the step demands (detailed balance), so that a mismatch acts where it is, by its energy alone.

    cleavage: ln of one over the mean time from unbound to cut. For a chain it is a double sum over states,
    T = sum over s of exp(G_s) / k_s times the sum over j <= s of exp(-G_j) (van Kampen, Stochastic Processes in
    Physics and Chemistry, on one-step processes), G_s being the free energy of a state and k_s its rate forward: all
    summands are positive, and nothing is lost in logarithms.
    binding: probability of being bound where nothing is cut (a dead nuclease), at equilibrium.

    The energy landscape is that of Klein et al. 2018 (Cell Rep 22, 1413) and Eslami-Mossallam et al. 2022 (Nat Commun
    13, 1367); here energies depend on kind and place of each mismatch and bulge.
    """

    own: Tensor

    def __init__(
        self,
        scheme: Scheme,
        incidence: Tensor,
        log_rates: Tensor,
        steps: int,
        own: Tensor | None = None,
        less: tuple[int, ...] = (),
    ) -> None:
        """`steps` have free energies: they are the first terms, ln of three rates follow.

        `own` says how each further term enters these, shape (further terms, steps + 3). `less` are the places of
        terms that say how many base pairs fewer than all the guide of a pair has, so that it is cut after its own
        last one.
        """
        super().__init__(scheme, incidence, log_rates)
        self.steps, self.less, self.bounded, self.two_level = steps, less, False, False
        self.register_buffer("own", incidence.new_zeros(0, steps + 3) if own is None else own)

    def lacking(self, terms: Tensor) -> Tensor:
        """How many base pairs fewer than the longest the R-loop of each pair has, shape (pairs,)."""
        return terms[:, list(self.less)].sum(dim=1).round()

    def shorter_by(self, fewer: int) -> RLoop:
        """The same law with the states of a guide that has so many base pairs fewer: its scheme, and its rates."""
        if not fewer:
            return self
        *held, cut = self.scheme.states
        states = (*held[: self.steps + 1 - fewer], cut)
        onward, back = list(range(self.steps + 1)), list(range(self.steps + 1, 2 * self.steps + 1))
        rows = [*onward[: self.steps - fewer], self.steps, *back[: self.steps - fewer]]
        ends = [self.scheme.transitions[row] for row in rows]
        ends[self.steps - fewer] = (states[-2], cut)
        columns = [self.scheme.states.index(state) for state in states]
        log_rates = self.log_rates[:, columns]
        return RLoop(
            Scheme(states, tuple(ends)), self.incidence[rows], log_rates, self.steps, self.own, self.less
        )

    def _joined(self, terms: Tensor) -> Tensor:
        """Free energies of the steps and ln of the rates, those of an experiment's own added; (pairs, steps + 3)."""
        shared = self.steps + 3
        more = terms[:, shared : shared + len(self.own)]
        return terms[:, :shared] + more @ self.own if len(self.own) else terms[:, :shared]

    def forward(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Activity:
        """Terms (pairs, steps + 3 or more) to binding, and the cleavage rate in the unit of the rates.

        The terms are the free energies of the steps in kT, that of binding first, then ln of the rates of binding,
        zipping and cutting. The first of `log_concentrations` is that of binding: ln of the nuclease's concentration.
        """
        free, forward = self.energies(terms, log_concentrations), self.log_forward(terms, log_concentrations)
        cleavage = -log_time_to_cut(free, forward)
        bound = torch.logsumexp(self._present(-free, terms)[:, 1:], dim=1)
        occupied = torch.nn.functional.logsigmoid(bound)
        empty = torch.nn.functional.logsigmoid(-bound)
        return Activity(
            torch.stack([occupied, cleavage], dim=1), torch.stack([empty, torch.zeros_like(empty)], dim=1)
        )

    def log_occupancies(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of the probability of each state where nothing is cut, shape (pairs, states)."""
        held = torch.log_softmax(self._present(-self.energies(terms, log_concentrations), terms), dim=1)
        # A shorter chain has the states of its own scheme only, all of which come first.
        return torch.nn.functional.pad(held[:, : len(self.scheme.states) - 1], (0, 1), value=-torch.inf)

    def _present(self, weights: Tensor, terms: Tensor) -> Tensor:
        """ln of the weights of states (pairs, steps + 1), -inf for base pairs that a shorter guide lacks."""
        return weights.masked_fill(self._beyond(terms), -torch.inf) if self.less else weights

    def _beyond(self, terms: Tensor) -> Tensor:
        last = self.steps - self.lacking(terms)
        return torch.arange(self.steps + 1) > last[:, None]

    def energies(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """Free energy of each state but the cut one, relative to unbound, in kT; shape (pairs, steps + 1)."""
        total = self._joined(terms)[:, : self.steps].cumsum(dim=1)
        if log_concentrations is not None:
            total = total - log_concentrations[:, :1]
        return torch.nn.functional.pad(total, (1, 0))

    def log_forward(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Tensor:
        """ln of the rate at which each state goes forward, shape (pairs, steps + 1)."""
        binding, zipping, cutting = self._joined(terms)[:, self.steps :].unbind(dim=1)
        if log_concentrations is not None:
            binding = binding + log_concentrations[:, 0]
        inner = zipping[:, None].expand(-1, self.steps - 1)
        forward = torch.cat([binding[:, None], inner, cutting[:, None]], dim=1)
        if not self.less:
            return forward
        # The last base pair of a shorter guide is cut, and no time is spent beyond it.
        last = torch.arange(self.steps + 1) == self.steps - self.lacking(terms)[:, None]
        ended = torch.where(last, cutting[:, None], forward)
        return ended.masked_fill(self._beyond(terms), torch.inf)


def log_time_to_cut(free: Tensor, forward: Tensor) -> Tensor:
    """ln of the mean time from the first state of a chain to beyond its last, shape (pairs,).

    Parameters
    ----------
    free: free energy of each state in kT, shape (pairs, states).
    forward: ln of the rate at which each goes forward, shape (pairs, states).
    """
    found: Tensor = _LogTime.apply(free, forward)
    return found


class _LogTime(torch.autograd.Function):
    """The double sum with slopes in closed form: differentiating cumulative sums of exponentials is slow."""

    generate_vmap_rule = True

    @staticmethod
    def forward(free: Tensor, forward: Tensor) -> Tensor:
        return torch.logsumexp(_waiting(free, forward), dim=-1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        del output
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        free, forward = ctx.saved_tensors
        waiting = _waiting(free, forward)
        share = torch.softmax(waiting, dim=-1)
        after = torch.logcumsumexp((free - forward).flip(-1), dim=-1).flip(-1)
        back = (after - free - torch.logsumexp(waiting, dim=-1, keepdim=True)).exp()
        slope = gradients[0][..., None]
        return slope * (share - back), -slope * share


def _waiting(free: Tensor, forward: Tensor) -> Tensor:
    """ln of the time that is spent in each state, over all visits."""
    return free - forward + torch.logcumsumexp(-free, dim=-1)
