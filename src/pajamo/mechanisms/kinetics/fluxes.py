"""What flows at steady state, what drives it, and which rate controls it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.occupancy import log_occupancy
from pajamo.mechanisms.kinetics.scheme import Scheme


def log_flux(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """Logarithm of how often each transition happens, per unit of time of the rates, shape (..., transitions).

    One way, not net: ln p_i + ln k_ij. Arguments and errors are those of `log_occupancy`.
    """
    sources = torch.tensor(scheme.sources, dtype=torch.long, device=log_rates.device)
    return log_occupancy(scheme, log_rates).index_select(-1, sources) + log_rates


def log_output(scheme: Scheme, log_rates: torch.Tensor, outputs: Sequence[tuple[str, str]]) -> torch.Tensor:
    """Natural logarithm of how often any of the output transitions happens (a transcript is made), shape (...).

    Parameters
    ----------
    outputs: (source, target) of the transitions that make the product.

    Raises
    ------
    ModelError: no output. StudyError: a transition that the scheme does not have.
    """
    if not outputs:
        raise ModelError("a scheme has no output", fix="name at least one transition")
    chosen = torch.tensor([scheme.transition(*ends) for ends in outputs], device=log_rates.device)
    return torch.logsumexp(log_flux(scheme, log_rates).index_select(-1, chosen), dim=-1)


def control_coefficients(
    scheme: Scheme, log_rates: torch.Tensor, outputs: Sequence[tuple[str, str]]
) -> torch.Tensor:
    """By how many percent the output rises if one rate rises by one percent, shape (..., transitions).

    They sum to 1 (Kacser and Burns 1973, Symp. Soc. Exp. Biol. 27:65): if all rates double, so does every
    flux. Arguments and errors are those of `log_output`. They can be differentiated.
    """
    return torch.func.grad(lambda rates: log_output(scheme, rates, outputs).sum())(log_rates)


def entropy_production(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """Entropy produced at steady state, in k_B per unit of time of the rates, shape (...).

    The same number is the heat given off, in kT per unit of time. It is sum over pairs of (J_ij - J_ji)
    ln(J_ij / J_ji) (Schnakenberg 1976, Rev. Mod. Phys. 48:571): 0 in detailed balance, +inf if a
    transition without reverse happens at all. Arguments and errors are those of `log_occupancy`.
    """
    forward, backward = _both_ways(scheme, log_rates)
    drive, silent = _drive(forward, backward)
    net = torch.exp(torch.maximum(forward, backward)) * -torch.expm1(-drive)
    return torch.where(silent, 0.0, net * drive).sum(-1)


def is_detailed_balance(scheme: Scheme, log_rates: torch.Tensor, tolerance: float = 1e-9) -> torch.Tensor:
    """Whether every transition happens as often as its reverse, shape (...): the scheme is at thermal equilibrium.

    Parameters
    ----------
    tolerance: by how much the logarithms of the two fluxes may differ, in kT.
    """
    drive, silent = _drive(*_both_ways(scheme, log_rates))
    return (silent | (drive <= tolerance)).all(-1)


def _both_ways(scheme: Scheme, log_rates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log fluxes of each pair, first as listed and then reversed, each of shape (..., pairs)."""
    padded = torch.nn.functional.pad(log_flux(scheme, log_rates), (0, 1), value=-torch.inf)
    none = len(scheme.transitions)
    listed = torch.tensor([first for first, _ in scheme.pairs], dtype=torch.long, device=padded.device)
    reverse = [none if second is None else second for _, second in scheme.pairs]
    back = torch.tensor(reverse, dtype=torch.long, device=padded.device)
    return padded.index_select(-1, listed), padded.index_select(-1, back)


def _drive(forward: torch.Tensor, backward: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """|ln(J_ij / J_ji)|, and whether neither happens."""
    silent = forward.isneginf() & backward.isneginf()
    return (torch.where(silent, 0.0, forward) - torch.where(silent, 0.0, backward)).abs(), silent
