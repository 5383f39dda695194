"""A kinetic scheme in detailed balance is the thermodynamic model with its energies."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.kinetics.kinetic_schemes import chain, complete, drawn, ring

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.balanced import balanced
from pajamo.mechanisms.kinetics.cycles import cycle_affinities
from pajamo.mechanisms.kinetics.elimination import by_elimination
from pajamo.mechanisms.kinetics.fluxes import entropy_production, is_detailed_balance
from pajamo.mechanisms.kinetics.trees import by_trees


def energies_and_rates(scheme, spread):
    draw = torch.Generator().manual_seed(0)
    energies = spread * torch.randn(20, len(scheme.states), generator=draw, dtype=torch.float64)
    symmetric = spread * torch.randn(20, len(scheme.pairs), generator=draw, dtype=torch.float64)
    return energies, symmetric


@pytest.mark.parametrize("solve", [by_trees, by_elimination])
@pytest.mark.parametrize("scheme", [ring(4), complete(5), chain(6, closed=False)])
@pytest.mark.parametrize("spread", [1.0, 5.0, 100.0])
def test_occupancies_are_boltzmanns(scheme, solve, spread):
    energies, symmetric = energies_and_rates(scheme, spread)
    rates = balanced(scheme, energies, symmetric)
    expected = torch.log_softmax(-energies, dim=-1)
    torch.testing.assert_close(solve(scheme, rates), expected, rtol=0, atol=1e-12 * spread)


@pytest.mark.parametrize("scheme", [ring(4), complete(5)])
def test_nothing_is_driven(scheme):
    rates = balanced(scheme, *energies_and_rates(scheme, 3.0))
    assert cycle_affinities(scheme, rates).abs().max() < 1e-12
    assert is_detailed_balance(scheme, rates).all()
    assert entropy_production(scheme, rates).max() < 1e-18
    rates[:, 0] += 1e-3
    assert not is_detailed_balance(scheme, rates).any()
    assert is_detailed_balance(scheme, rates, tolerance=1e-2).all()


def test_all_rates_in_detailed_balance_can_be_written_so():
    scheme = chain(5, closed=False)  # without a cycle every choice of rates is in detailed balance
    rates = drawn(scheme, 3)
    energies = -by_trees(scheme, rates)
    symmetric = torch.stack([(rates[:, a] + rates[:, b]) / 2 for a, b in scheme.pairs], dim=-1)
    torch.testing.assert_close(balanced(scheme, energies, symmetric), rates)


def test_irreversible_transitions_and_wrong_shapes_are_refused():
    with pytest.raises(ModelError, match="irreversible") as caught:
        balanced(chain(4), torch.zeros(4), torch.zeros(4))
    assert caught.value.where == "s3 -> s0"
    with pytest.raises(ModelError, match="free energies of states: 4"):
        balanced(ring(4), torch.zeros(3), torch.zeros(4))
    with pytest.raises(ModelError, match="symmetric rates of pairs: 4"):
        balanced(ring(4), torch.zeros(4), torch.zeros(8))
