"""Rates that obey detailed balance whatever their parameters are."""

from __future__ import annotations

import torch

from pajamo.errors import ModelError, shorten
from pajamo.mechanisms.kinetics.scheme import Scheme


def balanced(scheme: Scheme, state_energies: torch.Tensor, log_symmetric_rates: torch.Tensor) -> torch.Tensor:
    """Log rates with ln k_ij = m_ij + (G_i - G_j) / 2, shape (..., transitions).

    At steady state every transition then happens as often as its reverse, and the occupancies are
    Boltzmann's, p_i proportional to exp(-G_i): the kinetic scheme is the thermodynamic model with these
    energies. Every choice of rates in detailed balance can be written in this way.

    Parameters
    ----------
    state_energies: free energy G of each state, in kT, shape (..., states).
    log_symmetric_rates: m, logarithm of the geometric mean of both rates of each pair in `scheme.pairs`, per
        unit of time, shape (..., pairs).

    Raises
    ------
    ModelError: a transition has no reverse, or the shapes are not those of the scheme.
    """
    _refuse_irreversible(scheme)
    _refuse_shape("free energies of states", state_energies, len(scheme.states))
    _refuse_shape("symmetric rates of pairs", log_symmetric_rates, len(scheme.pairs))
    pair = {transition: i for i, ends in enumerate(scheme.pairs) for transition in ends}
    of_pair = [pair[transition] for transition in range(len(scheme.transitions))]
    source, target = torch.tensor(scheme.ends, device=state_energies.device).reshape(-1, 2).long().mT
    drop = state_energies.index_select(-1, source) - state_energies.index_select(-1, target)
    return log_symmetric_rates[..., of_pair] + drop / 2


def _refuse_irreversible(scheme: Scheme) -> None:
    alone = [
        f"{source} -> {target}"
        for (source, target), reverse in zip(scheme.transitions, scheme.reverses, strict=True)
        if reverse is None
    ]
    if alone:
        raise ModelError(
            "a scheme with irreversible transitions cannot be in detailed balance",
            where=shorten(alone),
            fix="add the reverse of each, or let the rates be free",
        )


def _refuse_shape(what: str, values: torch.Tensor, count: int) -> None:
    if values.shape[-1:] != (count,):
        raise ModelError(
            f"{what}: {count} are needed",
            where=f"an array of shape {tuple(values.shape)}",
            fix="the last axis is that of the scheme, in its order",
        )
