"""Power on counts: the delta method where it holds, the exact test where it does not, many tests."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from pajamo.errors import DataError
from pajamo.protocols.errors import (
    bonferroni,
    cells_needed,
    detectable_effect,
    false_discovery_level,
    power,
    variance_of_log_ratio,
)
from pajamo.protocols.errors.exact import exact_power

DISPERSION = 0.3


def counts(random: np.random.Generator, mean: float, cells: int, number: int) -> np.ndarray:
    """Sums of counts over so many cells, simulated cell by cell."""
    size = 1 / DISPERSION
    return random.negative_binomial(size, size / (size + mean), (number, cells)).sum(axis=1)


@pytest.mark.parametrize(("mean", "close"), [(0.3, 0.15), (2.0, 0.03)])
def test_delta_method_agrees_with_simulation_in_its_range(mean: float, close: float) -> None:
    """At the edge of its range, 11 expected molecules, the formula is a seventh too small."""
    random = np.random.default_rng(0)
    here, there = counts(random, mean * np.exp(-0.5), 60, 20_000), counts(random, mean, 120, 20_000)
    simulated = np.log(np.maximum(here, 0.5) / 60 / (there / 120)).var()
    formula = float(variance_of_log_ratio(mean, DISPERSION, 60, 120, effect=-0.5))
    assert formula == pytest.approx(simulated, rel=close)
    found, delta = power(mean, DISPERSION, -0.5, 60, 120)
    assert delta.all()
    z = (np.log(np.maximum(here, 0.5) / 60 / (there / 120))) / np.sqrt(formula)
    assert float(found[0]) == pytest.approx((np.abs(z) > 1.96).mean(), abs=0.03)


def test_below_ten_molecules_the_exact_test_takes_over() -> None:
    found, delta = power([0.05, 0.2, 5.0], DISPERSION, -1.0, 60, 120)
    assert delta.tolist() == [False, False, True]
    assert found[0] < found[1] < found[2]
    exact = [exact_power(mean, DISPERSION, -1.0, 60, 120) for mean in (0.05, 0.2)]
    np.testing.assert_allclose(found[:2], exact, rtol=0.15)  # rare genes share a grid of means


def test_exact_power_agrees_with_simulation_and_keeps_its_level() -> None:
    mean, here, there, effect = 0.08, 50, 150, 1.2
    random = np.random.default_rng(1)
    size = (there / DISPERSION, here / DISPERSION)

    def rejected(change: float) -> float:
        first, second = (
            counts(random, mean * np.exp(change), here, 4000),
            counts(random, mean, there, 4000),
        )
        total = first + second
        # Both sums have one scale, so the conditional law is beta-binomial: an independent way to the p value.
        lower = scipy.stats.betabinom.cdf(first, total, size[1], size[0])
        upper = scipy.stats.betabinom.sf(first - 1, total, size[1], size[0])
        return float((2 * np.minimum(lower, upper) <= 0.05).mean())

    assert exact_power(mean, DISPERSION, effect, here, there) == pytest.approx(rejected(effect), abs=0.03)
    level = exact_power(mean, DISPERSION, 0.0, here, there)
    assert level <= 0.05
    assert level == pytest.approx(rejected(0.0), abs=0.012)


def test_exact_test_of_poisson_counts_is_the_binomial_one() -> None:
    here, there, mean = 10, 30, 0.1
    first, second = np.arange(40)[:, None], np.arange(60)[None]
    total = first + second
    lower = scipy.stats.binom.cdf(first, total, 0.25)
    upper = scipy.stats.binom.sf(first - 1, total, 0.25)
    joint = scipy.stats.poisson.pmf(first, here * mean * np.e) * scipy.stats.poisson.pmf(second, there * mean)
    expected = (joint * (2 * np.minimum(lower, upper) <= 0.05)).sum()
    assert exact_power(mean, 0.0, 1.0, here, there) == pytest.approx(float(expected), abs=1e-6)


def test_more_variance_between_guides_and_batches_lowers_either_power() -> None:
    for mean in (0.1, 5.0):
        plain, _ = power(mean, DISPERSION, -0.8, 60, 120)
        noisy, _ = power(mean, DISPERSION, -0.8, 60, 120, between=0.3)
        assert noisy[0] < plain[0]


@pytest.mark.parametrize("down", [True, False])
def test_detectable_effect_has_the_power_wanted(down: bool) -> None:
    mean = np.array([1.0, 3.0, 10.0])
    effect = detectable_effect(mean, DISPERSION, 80, 160, down=down, level=0.01, wanted=0.8, between=0.01)
    assert ((effect < 0) == down).all()
    found, delta = power(mean, DISPERSION, effect, 80, 160, level=0.01, between=0.01)
    assert delta.all()
    np.testing.assert_allclose(found, 0.8, atol=1e-4)


def test_effects_of_rare_genes_are_not_claimed() -> None:
    assert np.isnan(detectable_effect([0.01, 1e-3], 0.0, 50, 100)).all()


def test_cells_needed_give_the_power_wanted() -> None:
    mean, number = np.array([1.0, 4.0]), 25
    each = cells_needed(mean, DISPERSION, -0.7, number, level=0.001, wanted=0.9, between=0.01)
    for mu, n in zip(mean, each, strict=True):
        found, _ = power(mu, DISPERSION, -0.7, n, n * 5, level=0.001, between=0.01)
        assert float(found[0]) == pytest.approx(0.9, abs=1e-3)
    # Facing the same mean on both sides this is (z + z)^2 (1/mu + phi) (1 + 1/sqrt(K)) / delta^2.
    small = cells_needed(1000.0, DISPERSION, 1e-3, number)
    reach = scipy.stats.norm.isf(0.025) + scipy.stats.norm.ppf(0.8)
    assert float(small) == pytest.approx(reach**2 * (0.001 + DISPERSION) * 1.2 / 1e-6, rel=1e-3)
    assert np.isinf(cells_needed(1.0, 0.1, 0.1, 5, between=1.0))


def test_levels_of_many_tests() -> None:
    assert bonferroni(0.05, 1000) == pytest.approx(5e-5)
    assert false_discovery_level(0.1, 1.0, lambda _: 1.0) == pytest.approx(0.1)
    level = false_discovery_level(0.05, 0.1, lambda _: 0.5)
    assert level == pytest.approx(0.05 * 0.1 * 0.5 / (1 - 0.05 * 0.9), rel=1e-3)
    assert false_discovery_level(0.05, 0.1, lambda _: 0.0) == 0.0


def test_false_discovery_level_is_where_the_procedure_cuts() -> None:
    random = np.random.default_rng(0)
    tests, changed, signal, level = 20_000, 0.2, 3.0, 0.1
    z = random.normal(size=tests) + signal * (np.arange(tests) < changed * tests)
    p = 2 * scipy.stats.norm.sf(np.abs(z))
    ordered = np.sort(p)
    cut = ordered[np.flatnonzero(ordered <= level * np.arange(1, tests + 1) / tests).max()]
    found = false_discovery_level(
        level, changed, lambda t: float(scipy.stats.norm.sf(scipy.stats.norm.isf(t / 2) - signal))
    )
    assert found == pytest.approx(cut, rel=0.05)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(DataError, match="mean count"):
        power([0.0], 0.1, -1.0, 10, 10)
    with pytest.raises(DataError, match="dispersion"):
        power([1.0], -0.1, -1.0, 10, 10)
    with pytest.raises(DataError, match="no comparison"):
        power([1.0], 0.1, -1.0, 10, 0)
    with pytest.raises(DataError, match="between 0 and 1"):
        power([1.0], 0.1, -1.0, 10, 10, level=0.0)
    with pytest.raises(DataError, match="effect of zero"):
        cells_needed(1.0, 0.1, 0.0, 5)
    with pytest.raises(DataError, match="tests cannot be corrected"):
        bonferroni(0.05, 0)
    with pytest.raises(DataError, match="share of changed"):
        false_discovery_level(0.05, 0.0, lambda _: 1.0)
