"""Planted instruments come back from controls in every batch; what cannot be told is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.errors import DataError
from pajamo.measurements.instrument import Instrument
from pajamo.measurements.instrument_estimates import (
    ambient_profile,
    ambient_share,
    batch_efficiency,
)

BATCHES, GENES, CELLS = 4, 40, 150
AMBIENT = np.array([0.02, 0.05, 0.1, 0.2])
UNEXPRESSED = np.arange(GENES) < 5


def planted(seed: int, spread: float = 0.3):
    """Sums of controls, sums of empty droplets, and the true ln kappa."""
    rng = np.random.default_rng(seed)
    state = rng.lognormal(0, 1, GENES) * ~UNEXPRESSED
    kappa = np.exp(rng.normal(0, spread, (BATCHES, GENES)))
    profile = rng.dirichlet(np.full(GENES, 3.0), BATCHES)
    dispersion = np.full(GENES, 0.2)
    instrument = Instrument(*map(torch.tensor, (kappa, AMBIENT, profile, dispersion, np.zeros(GENES))))
    batch = torch.arange(BATCHES).repeat_interleave(CELLS)
    library = torch.tensor(rng.lognormal(7.0, 0.3, BATCHES * CELLS))
    cells = torch.tensor(np.tile(state, (len(batch), 1)))
    counts = instrument.sample(cells, library, batch, torch.Generator().manual_seed(seed)).numpy()
    sums = counts.reshape(BATCHES, CELLS, GENES).sum(axis=1)
    droplets = rng.poisson(profile * 20_000)
    return sums, droplets, np.log(kappa)


def estimated(seed: int, spread: float = 0.3):
    sums, droplets, truth = planted(seed, spread)
    profile = ambient_profile(droplets)
    ambient = ambient_share(sums, profile, UNEXPRESSED)
    cells = np.full(BATCHES, CELLS)
    found = batch_efficiency(sums, cells, np.full(GENES, 0.2), ambient.value, profile)
    return ambient, found, truth


def differences(kappa):
    """What is there to be found: differences between batches, up to the factor of each batch."""
    seen = kappa[:, ~UNEXPRESSED]
    seen = seen - seen.mean(axis=0)
    return seen - seen.mean(axis=1, keepdims=True)


def test_profile_is_the_share_of_the_droplets():
    np.testing.assert_allclose(ambient_profile(np.array([[3.0, 1.0]]), prior=0.0), [[0.75, 0.25]])
    assert (ambient_profile(np.zeros((1, 4))) == 0.25).all()


def test_ambient_share_comes_back_with_its_error():
    z = [(a.value - AMBIENT) / a.se for a in (estimated(seed)[0] for seed in range(12))]
    assert np.abs(np.mean(z, axis=0)).max() < 1.5
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.6


def test_efficiencies_come_back():
    for seed in range(3):
        _, found, truth = estimated(seed)
        value, expected = differences(found.value), differences(truth)
        assert np.corrcoef(value.ravel(), expected.ravel())[0, 1] > 0.9
        z = (value - expected) / found.se[:, ~UNEXPRESSED]
        assert 0.6 < np.sqrt(np.mean(z**2)) < 1.4


def test_equal_batches_are_shrunk_to_no_difference():
    _, found, _ = estimated(0, spread=0.0)
    assert np.abs(found.value[:, ~UNEXPRESSED]).max() < 0.12


def test_ambient_molecules_are_not_taken_for_efficiency():
    sums, droplets, _ = planted(1)
    profile, cells, phi = ambient_profile(droplets), np.full(BATCHES, CELLS), np.full(GENES, 0.2)
    _, found, truth = estimated(1)
    ignored = batch_efficiency(sums, cells, phi, np.zeros(BATCHES), profile)
    error = [np.abs(differences(e.value) - differences(truth)).mean() for e in (found, ignored)]
    assert error[0] < 0.8 * error[1]


def test_what_cannot_be_told_is_refused():
    sums, droplets, _ = planted(0)
    profile = ambient_profile(droplets)
    with pytest.raises(DataError, match="ambient share"):
        ambient_share(sums, profile, np.zeros(GENES, dtype=bool))
    sums[2] = 0
    with pytest.raises(DataError, match="without controls"):
        batch_efficiency(sums, np.full(BATCHES, CELLS), np.full(GENES, 0.2), AMBIENT, profile)
