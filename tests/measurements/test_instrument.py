"""The measurement operator: what cancels, what thinning does, limits, gradients, samples."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from pajamo.errors import DataError
from pajamo.measurements.counts import log_prob
from pajamo.measurements.instrument import Instrument, thin

BATCHES, GENES = 3, 5


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def random_instrument(seed: int = 0, *, ambient: float = 0.2, empty: float = 0.0) -> Instrument:
    rng = np.random.default_rng(seed)
    return Instrument(
        tensor(rng.lognormal(0, 0.4, (BATCHES, GENES))),
        tensor([ambient] * BATCHES),
        tensor(rng.dirichlet(np.ones(GENES), BATCHES)),
        tensor(rng.uniform(0, 0.5, GENES)),
        tensor([empty] * GENES),
    )


STATE = tensor(np.random.default_rng(1).lognormal(0, 1, (4, GENES)))
BATCH = torch.tensor([0, 1, 2, 0])
LIBRARY = tensor([50.0, 200.0, 1000.0, 20.0])


def test_shares_sum_to_one_and_do_not_see_the_size_of_a_cell():
    instrument = random_instrument()
    share = instrument.share(STATE, BATCH)
    np.testing.assert_allclose(share.sum(-1), 1.0)
    np.testing.assert_allclose(instrument.share(STATE * LIBRARY[:, None], BATCH), share)


def test_one_factor_of_a_batch_cancels():
    instrument = random_instrument()
    scaled = Instrument(
        instrument.efficiency * tensor([[2.0], [0.1], [30.0]]), instrument.ambient, instrument.profile,
        instrument.dispersion, instrument.empty,
    )  # fmt: skip
    np.testing.assert_allclose(scaled.share(STATE, BATCH), instrument.share(STATE, BATCH))


def test_share_equals_the_formula_written_out():
    instrument = random_instrument()
    kappa, rho, a = (x.numpy() for x in (instrument.efficiency, instrument.ambient, instrument.profile))
    for i, b in enumerate(BATCH.tolist()):
        total = sum(kappa[b, h] * STATE[i, h].item() for h in range(GENES))
        for g in range(GENES):
            expected = (1 - rho[b]) * kappa[b, g] * STATE[i, g].item() / total + rho[b] * a[b, g]
            assert instrument.share(STATE, BATCH)[i, g].item() == pytest.approx(expected, rel=1e-12)


def test_plain_instrument_is_the_negative_binomial_of_the_share():
    phi = tensor([0.0, 1e-12, 0.1, 1.0, 3.0])
    counts = torch.arange(20, dtype=torch.float64).reshape(4, GENES)
    expected = log_prob(counts, LIBRARY[:, None] * STATE / STATE.sum(-1, keepdim=True), phi)
    found = Instrument.plain(BATCHES, phi).log_prob(counts, STATE, LIBRARY, BATCH)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("empty", [0.0, 0.3])
def test_probabilities_sum_to_one(empty):
    instrument = random_instrument(empty=empty)
    counts = torch.arange(0, 4000, dtype=torch.float64)
    grid = counts[:, None].expand(-1, GENES)
    for cell in range(4):
        rows = [x[cell].expand(len(counts), *x[cell].shape) for x in (STATE, LIBRARY, BATCH)]
        np.testing.assert_allclose(instrument.log_prob(grid, *rows).exp().sum(0), 1.0, atol=1e-7)


def test_extra_zeros_only_add_zeros():
    with_zeros, without = random_instrument(empty=0.3), random_instrument()
    counts = tensor([[0.0, 1.0, 4.0, 0.0, 9.0]] * 4)
    expected = np.log(
        0.7 * without.log_prob(counts, STATE, LIBRARY, BATCH).exp().numpy() + 0.3 * (counts.numpy() == 0)
    )
    np.testing.assert_allclose(with_zeros.log_prob(counts, STATE, LIBRARY, BATCH), expected, atol=1e-10)


def test_gradients_reach_the_state_even_at_zero():
    instrument = random_instrument(empty=0.1)
    counts = tensor([[0.0, 3.0, 1.0, 0.0, 2.0]] * 4)
    state = STATE.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda s: instrument.log_prob(counts, s, LIBRARY, BATCH), (state,))
    empty_gene = STATE.clone()
    empty_gene[:, 0] = 0.0
    empty_gene.requires_grad_()
    plain = Instrument.plain(BATCHES, tensor([0.0] * GENES))
    plain.log_prob(counts, empty_gene, LIBRARY, BATCH).sum().backward()
    assert torch.isfinite(empty_gene.grad).all()


@pytest.mark.parametrize("empty", [0.0, 0.25])
def test_samples_have_the_moments(empty):
    instrument, n = random_instrument(empty=empty), 100_000
    state, library, batch = (x[1].expand(n, *x[1].shape) for x in (STATE, LIBRARY, BATCH))
    drawn = instrument.sample(state, library, batch, torch.Generator().manual_seed(0))
    mean = (library[0] * instrument.share(STATE, BATCH)[1]).numpy()
    within = mean + instrument.dispersion.numpy() * mean**2
    variance = (1 - empty) * (within + empty * mean**2)
    error = np.sqrt(variance / n)
    assert (np.abs(drawn.mean(0).numpy() - (1 - empty) * mean) < 5 * error).all()
    np.testing.assert_allclose(drawn.var(0), variance, rtol=0.05)


def test_same_generator_same_samples():
    instrument = random_instrument()
    draws = [instrument.sample(STATE, LIBRARY, BATCH, torch.Generator().manual_seed(4)) for _ in range(2)]
    assert torch.equal(*draws)


@pytest.mark.parametrize("dispersion", [0.0, 0.4])
@pytest.mark.parametrize("capture", [0.1, 0.7])
def test_thinned_negative_binomial_is_negative_binomial_of_the_same_dispersion(dispersion, capture):
    """Summed over all counts before thinning, exactly: sum_n NB(n; m, phi) Bin(k; n, c) = NB(k; c m, phi)."""
    before = np.arange(600)
    phi = tensor(dispersion)
    weight = log_prob(tensor(before.astype(float)), tensor(7.0), phi).exp().numpy()
    for kept in range(12):
        expected = log_prob(tensor(float(kept)), tensor(7.0 * capture), phi).exp().item()
        found = (weight * scipy.stats.binom.pmf(kept, before, capture)).sum()
        assert found == pytest.approx(expected, rel=1e-9)


def test_thinning_keeps_some_and_never_adds():
    counts = torch.poisson(torch.full((20_000,), 8.0, dtype=torch.float64), torch.Generator().manual_seed(0))
    kept = thin(counts, 0.25, torch.Generator().manual_seed(1))
    assert (kept <= counts).all()
    assert (kept >= 0).all()
    assert kept.mean().item() == pytest.approx(2.0, abs=5 * np.sqrt(2 / 20_000))
    assert kept.var().item() == pytest.approx(2.0, rel=0.05)
    assert torch.equal(thin(counts, 1.0, torch.Generator()), counts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("efficiency", -1.0),
        ("ambient", 1.0),
        ("profile", 0.9),
        ("dispersion", -0.1),
        ("empty", 1.0),
    ],
)
def test_an_impossible_instrument_is_named(name, value):
    parts = dict(vars(random_instrument()))
    parts[name] = torch.full_like(parts[name], value)
    with pytest.raises(DataError, match=name):
        Instrument(**parts)
    with pytest.raises(DataError, match="capture"):
        thin(tensor([1.0]), 1.5, torch.Generator())
