"""RNA and DNA counts of barcodes: equal to scipy's laws, DNA of zero, recovery of the scale."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from pajamo.errors import DataError
from pajamo.measurements.scalar.beta_binomial import BetaBinomialBarcodes
from pajamo.measurements.scalar.negative_binomial import NegativeBinomialBarcodes

KINDS = [NegativeBinomialBarcodes, BetaBinomialBarcodes]


def counts(rna, dna) -> dict[str, torch.Tensor]:
    return {"rna": torch.tensor(rna, dtype=torch.float64), "dna": torch.tensor(dna, dtype=torch.float64)}


def started(kind, spread: float):
    measurement = kind().double()
    measurement.start(torch.zeros(2, dtype=torch.float64), counts([3.0, 9.0], [2.0, 4.0]))
    with torch.no_grad():
        measurement.spread.fill_(math.log(spread))
        measurement.log_scale.fill_(0.1)
    return measurement


ACTIVITY = torch.tensor([-1.0, 0.5, 2.0, 0.0], dtype=torch.float64)
RECORDED = counts([0.0, 7.0, 90.0, 3.0], [3.0, 5.0, 11.0, 1.0])
RATIO = 2.0 * np.exp(0.1 + ACTIVITY.numpy())


@pytest.mark.parametrize("dispersion", [1e-4, 0.3, 5.0])
def test_negative_binomial_is_scipys(dispersion):
    mean = RATIO * RECORDED["dna"].numpy()
    size = 1 / dispersion
    expected = stats.nbinom.logpmf(RECORDED["rna"].numpy(), size, size / (size + mean))
    found = started(NegativeBinomialBarcodes, dispersion).log_likelihood(ACTIVITY, RECORDED)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("concentration", [0.5, 20.0, 1e4])
def test_beta_binomial_is_scipys(concentration):
    share = RATIO / (1 + RATIO)
    total = (RECORDED["rna"] + RECORDED["dna"]).numpy()
    expected = stats.betabinom.logpmf(
        RECORDED["rna"].numpy(), total, concentration * share, concentration * (1 - share)
    )
    found = started(BetaBinomialBarcodes, concentration).log_likelihood(ACTIVITY, RECORDED)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-6)


def test_a_barcode_without_dna_has_no_denominator():
    found = started(NegativeBinomialBarcodes, 0.3).log_likelihood(
        ACTIVITY[:2], counts([0.0, 5.0], [0.0, 0.0])
    )
    assert found.tolist() == [0.0, 0.0]


def test_among_both_counts_rna_without_dna_is_evidence_and_nothing_is_none():
    found = started(BetaBinomialBarcodes, 20.0).log_likelihood(ACTIVITY[:2], counts([0.0, 5.0], [0.0, 0.0]))
    assert found[0] == 0.0
    assert found[1] < 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_finite_at_extremes(kind, second_derivatives):
    activity = torch.tensor([-500.0, -30.0, 0.0, 30.0, 500.0], dtype=torch.float64)
    recorded = counts([0.0, 5.0, 0.0, 1e4, 3.0], [0.0, 2.0, 1.0, 3.0, 0.0])
    assert all(
        torch.isfinite(part).all() for part in second_derivatives(started(kind, 0.3), activity, recorded)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_agree_with_finite_differences(kind, assert_differentiable):
    assert_differentiable(started(kind, 2.0), ACTIVITY, RECORDED)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_have_the_mean_and_keep_what_is_given(kind):
    measurement, n = started(kind, 2.0), 20000
    activity = torch.full((n,), -0.5, dtype=torch.float64)
    recorded = counts([6.0] * n, [4.0] * n)
    drawn = measurement.draw(activity, recorded, torch.Generator().manual_seed(0))
    ratio = measurement.expected(activity)[0].detach().item()
    mean = 4 * ratio if kind is NegativeBinomialBarcodes else 10 * ratio / (1 + ratio)
    error = drawn["rna"].std().item() / math.sqrt(n)
    assert drawn["rna"].mean().item() == pytest.approx(mean, abs=4 * error)
    kept = drawn["dna"] if kind is NegativeBinomialBarcodes else drawn["rna"] + drawn["dna"]
    assert (kept == (4 if kind is NegativeBinomialBarcodes else 10)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_scale_and_spread_are_recovered(kind):
    random = np.random.default_rng(5)
    activity = torch.as_tensor(random.normal(0.0, 1.0, 3000))
    truth = started(kind, 0.8)
    dna = torch.as_tensor(random.poisson(20.0, 3000).astype(float))
    recorded = truth.draw(activity, {"rna": 2 * dna, "dna": dna}, torch.Generator().manual_seed(3))
    fitted = kind().double()
    fitted.start(activity, recorded)
    optimiser = torch.optim.LBFGS(fitted.parameters(), max_iter=40, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = fitted.penalty() - fitted.log_likelihood(activity, recorded).sum()
        total.backward()
        return total

    optimiser.step(loss)
    assert fitted.spread.item() == pytest.approx(math.log(0.8), abs=0.12)
    at = torch.zeros(1, dtype=torch.float64)
    assert fitted.log_ratio(at).item() == pytest.approx(truth.log_ratio(at).item(), abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("absent", ["rna", "dna"])
def test_no_counts_at_all(kind, absent):
    recorded = counts([1.0, 2.0], [3.0, 4.0]) | {absent: torch.zeros(2, dtype=torch.float64)}
    with pytest.raises(DataError, match=f"all {absent.upper()} counts are zero"):
        kind().start(torch.zeros(2), recorded)
