"""Entropies against closed forms, their bias corrections and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma

from pajamo.errors import DataError
from pajamo.evaluation.information.entropies import (
    blur_repeated,
    entropy_of_counts,
    entropy_of_values,
    surprise_of_values,
)


@pytest.mark.parametrize("correction", ["plug-in", "Miller-Madow", "Grassberger"])
def test_many_draws_of_equal_categories_hold_their_logarithm(correction: str) -> None:
    assert entropy_of_counts([10**7] * 8, correction).bits == pytest.approx(3, abs=1e-5)


def test_plug_in_is_shannons_formula_and_empty_categories_do_not_count() -> None:
    estimate = entropy_of_counts([2, 0, 1, 1], "plug-in")
    assert estimate.bits == pytest.approx(1.5)
    assert estimate.observations == 4
    corrected = entropy_of_counts([2, 0, 1, 1])
    assert corrected.bits == pytest.approx(1.5 + 2 / (8 * np.log(2)))


def test_grassberger_of_single_draws() -> None:
    # All counts are one: G(1) = psi(1) - (psi(1) - psi(1/2)) / 2 = -gamma - ln 2, so that H = ln N + gamma + ln 2.
    assert entropy_of_counts([1] * 4, "Grassberger").bits == pytest.approx(
        2 + (np.euler_gamma + np.log(2)) / np.log(2)
    )


def test_corrections_remove_the_bias_of_few_draws() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(60, np.full(20, 0.05), size=300)
    bias = {
        name: np.mean([entropy_of_counts(counts, name).bits for counts in drawn]) - np.log2(20)
        for name in ("plug-in", "Miller-Madow", "Grassberger")
    }
    assert bias["plug-in"] < -0.2
    assert abs(bias["Miller-Madow"]) < 0.05
    assert abs(bias["Grassberger"]) < 0.05


def test_intervals_of_counts_cover() -> None:
    rng = np.random.default_rng(1)
    p = np.array([0.5, 0.25, 0.15, 0.1])
    true = -(p * np.log2(p)).sum()
    found = [entropy_of_counts(counts) for counts in rng.multinomial(300, p, size=400)]
    assert np.mean([each.low <= true <= each.high for each in found]) == pytest.approx(0.95, abs=0.035)


def test_unknown_correction_and_no_counts_are_refused() -> None:
    with pytest.raises(DataError, match="Grassberger"):
        entropy_of_counts([1, 2], "none")  # type: ignore[arg-type]
    with pytest.raises(DataError):
        entropy_of_counts([0, 0])


def test_normal_values_hold_the_normal_entropy() -> None:
    values = 3 * np.random.default_rng(2).normal(size=20_000) - 8
    estimate = entropy_of_values(values)
    true = 0.5 * np.log2(2 * np.pi * np.e * 9)
    assert abs(estimate.bits - true) < 3 * estimate.standard_error < 0.06


def test_uniform_values_of_unit_length_hold_nothing() -> None:
    estimate = entropy_of_values(np.random.default_rng(3).random(5000))
    assert abs(estimate.bits) < 3 * estimate.standard_error


def test_another_unit_adds_its_logarithm() -> None:
    values = np.random.default_rng(4).normal(size=300).round(1)
    shifted = entropy_of_values(8 * values + 5)
    assert shifted.bits == pytest.approx(entropy_of_values(values).bits + 3)


def test_share_of_each_value_equals_a_naive_search() -> None:
    values = np.random.default_rng(5).normal(size=60)
    distance = np.sort(np.abs(values[:, None] - values), axis=1)[:, 4]
    naive = (digamma(60) - digamma(4) + np.log(2 * distance)) / np.log(2)
    np.testing.assert_allclose(surprise_of_values(values, 4), naive)


def test_values_that_repeat_are_blurred_and_others_stay() -> None:
    values = np.array([0.0, 0.0, 1.0, 5.0])
    blurred = blur_repeated(values, 0)
    np.testing.assert_array_equal(blurred[2:], values[2:])
    assert len(np.unique(blurred)) == 4
    assert np.abs(blurred - values).max() < 0.05 * values.std()
    with pytest.raises(DataError, match="alike"):
        blur_repeated(np.ones(20), 0)


def test_values_on_a_grid_hold_its_entropy_and_that_of_the_blur() -> None:
    values = np.random.default_rng(6).integers(4, size=8000).astype(float)
    blur = np.log2(0.01 * values.std() * np.sqrt(2 * np.pi * np.e))
    assert entropy_of_values(values).bits == pytest.approx(2 + blur, abs=0.05)


def test_too_few_values_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        entropy_of_values([1.0, 2.0, 3.0])
