"""The mechanism of a blueprint as a module."""

from __future__ import annotations

import torch
from torch import nn

from pajamo.config.assays import KineticSettings, LatentSettings
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.latent import LatentTrait
from pajamo.mechanisms.states import PartitionFunction
from pajamo.mechanisms.steady_state import SteadyState
from pajamo.models.assays.blueprint import Blueprint


def build_law(blueprint: Blueprint) -> nn.Module:
    """The partition function, the scheme at steady state, or the latent trait itself."""
    if isinstance(blueprint.settings, LatentSettings):
        return LatentTrait()
    dtype = torch.get_default_dtype()
    incidence = torch.as_tensor(blueprint.incidence, dtype=dtype)
    log_rates = torch.as_tensor(blueprint.log_rates, dtype=dtype)
    rate_terms = torch.as_tensor(blueprint.rate_terms)
    if isinstance(blueprint.settings, KineticSettings):
        scheme = Scheme(blueprint.states, blueprint.transitions)
        makes = None if blueprint.makes is None else torch.as_tensor(blueprint.makes)
        return SteadyState(scheme, incidence, log_rates, rate_terms, makes)
    return PartitionFunction(incidence, log_rates, rate_terms)
