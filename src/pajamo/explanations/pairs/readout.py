"""The output of a scheme for any rates, also for such as no energies of its own would give."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.mechanisms.activity import Activity
from pajamo.mechanisms.kinetics.passage import Passage, log_passage_rate
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.steady_state import SteadyState


def log_output_of_law(
    law: SteadyState, log_rates: Tensor, terms: Tensor, time: Tensor, output: int
) -> Tensor:
    """ln of an output of a scheme whose rates are free, shape (pairs,).

    The scheme sees the sequence by its rates alone, so that terms of any one pair stand for all else: what the given
    rates have beyond those of the terms goes in where concentrations do.

    Parameters
    ----------
    law: the scheme with its outputs.
    log_rates: of each transition, shape (pairs, transitions).
    terms: of one pair, shape (1, terms).
    time: ln of the time where fractions are recorded, shape (1, 1), else (1, 0).
    output: which of the outputs.
    """
    beyond = log_rates - law.log_transition_rates(terms)
    besides = torch.cat([beyond, time.expand(len(log_rates), -1)], dim=1)
    activity: Activity = law(terms.expand(len(log_rates), -1), besides)
    return activity.on("log", output)


def log_output_of_loop(scheme: Scheme, log_rates: Tensor, passage: Passage | None) -> Tensor:
    """ln of an output of an R-loop whose rates are free: its passage, or how much is bound; shape (pairs,).

    Every step of an R-loop has a rate of its own here, where the mechanism itself has one for all steps forward.

    Parameters
    ----------
    scheme: a chain of states, the last of which is the cut one.
    log_rates: of each transition, shape (pairs, transitions).
    passage: of a rate of first passage; None for the probability of being bound where nothing is cut.
    """
    if passage is not None:
        return log_passage_rate(scheme, log_rates, passage)
    ends = list(zip(scheme.states[:-2], scheme.states[1:-1], strict=True))
    onward = [scheme.transition(one, other) for one, other in ends]
    back = [scheme.transition(other, one) for one, other in ends]
    bound = torch.logsumexp((log_rates[:, onward] - log_rates[:, back]).cumsum(dim=1), dim=1)
    return torch.nn.functional.logsigmoid(bound)
