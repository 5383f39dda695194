"""The mechanism of a blueprint as a module."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.config.assays import KineticSettings, LatentSettings, RLoopSettings
from pajamo.config.assays.kinetic import LOOP
from pajamo.config.assays.reading import TIME
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.latent import LatentTrait
from pajamo.mechanisms.r_loop import RLoop
from pajamo.mechanisms.states import PartitionFunction
from pajamo.mechanisms.steady_state import SteadyState
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compiling.differing import enters


def build_law(blueprint: Blueprint) -> nn.Module:
    """The partition function, the scheme at steady state, or the latent trait itself."""
    if isinstance(blueprint.settings, LatentSettings):
        return LatentTrait()
    dtype = torch.get_default_dtype()
    incidence = torch.as_tensor(blueprint.incidence, dtype=dtype)
    log_rates = torch.as_tensor(blueprint.log_rates, dtype=dtype)
    rate_terms = torch.as_tensor(blueprint.rate_terms)
    if isinstance(blueprint.settings, RLoopSettings):
        steps = sum(term.encoder == LOOP for term in blueprint.terms)
        more = [term.name.partition(" in ")[0] for term in blueprint.terms[steps + 3 :] if term.unit]
        own = torch.as_tensor(
            np.reshape([enters(what, steps) for what in more], (len(more), steps + 3)), dtype=dtype
        )
        less = tuple(place for place, term in enumerate(blueprint.terms) if term.fixed)
        scheme = Scheme(blueprint.states, blueprint.transitions)
        return RLoop(scheme, incidence, log_rates, steps, own, less)
    if isinstance(blueprint.settings, KineticSettings):
        scheme = Scheme(blueprint.states, blueprint.transitions)
        makes = None if blueprint.makes is None else torch.as_tensor(blueprint.makes)
        return SteadyState(
            scheme,
            incidence,
            log_rates,
            rate_terms,
            makes,
            passages=tuple(blueprint.passages.values()),
            fractions=tuple(blueprint.fractions.values()),
        )
    return PartitionFunction(incidence, log_rates, rate_terms)


def with_time(log_concentrations: Tensor, blueprint: Blueprint, inputs: Mapping[str, Tensor]) -> Tensor:
    """ln of what multiplies each rate, shape (sequences, rows), and behind it ln of the time where one is given."""
    if not blueprint.fractions or TIME not in inputs:
        return log_concentrations
    return torch.cat([log_concentrations, inputs[TIME].to(log_concentrations).log()[:, None]], dim=1)
