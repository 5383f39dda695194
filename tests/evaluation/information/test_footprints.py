"""A planted site is found, in information and in expression; the rest stays at chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.errors import DataError
from pajamo.evaluation.information.footprints import information_footprint
from pajamo.evaluation.information.shifts import expression_shift

WILD_TYPE = np.array([0, 1, 2, 3, 0, 1, 2, 3], dtype=np.uint8)
SITE = (2, 3)
LIBRARY = {"alphabet": "ACGT", "wild_type": WILD_TYPE}


def library(seed: int, rows: int, rate: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Mutants of eight bases, and their energy: each mutation in the site costs one unit, C in it two."""
    rng = np.random.default_rng(seed)
    step = rng.integers(1, 4, size=(rows, 8)) * (rng.random((rows, 8)) < rate)
    codes = ((WILD_TYPE + step) % 4).astype(np.uint8)
    site = codes[:, SITE]
    return codes, (1.0 * (site != WILD_TYPE[list(SITE)]) + (site == 1)).sum(axis=1)


def reads_of(energy: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    upper = 1 / (1 + np.exp(2 * energy - 1))
    high = rng.binomial(1, upper)
    return np.column_stack([1 - high, high])


def pick(table: pd.DataFrame, comparison: str, column: str = "bits") -> np.ndarray:
    return table.loc[table["comparison"] == comparison].sort_values("position")[column].to_numpy()


def test_planted_site_stands_out_and_the_rest_is_chance() -> None:
    codes, energy = library(0, 3000)
    found = information_footprint(codes, reads_of(energy, 1), **LIBRARY)
    for comparison in ("any", "mutated"):
        bits, chance = pick(found, comparison), pick(found, comparison, "chance")
        outside = np.setdiff1d(np.arange(8), SITE)
        assert (bits[list(SITE)] > 5 * chance[list(SITE)]).all()
        assert (bits[outside] < 3 * chance[outside]).all()
    assert list(found.columns) == ["position", "wild_type", "comparison", "bits", "standard_error", "chance"]
    assert "".join(found.loc[found["comparison"] == "any", "wild_type"]) == "ACGTACGT"


def test_information_of_a_deterministic_base_is_its_entropy() -> None:
    codes, _ = library(2, 4000, rate=0.5)
    reads = np.eye(4, dtype=int)[codes[:, 5]]
    found = information_footprint(codes, reads, permutations=20, **LIBRARY)
    share = np.bincount(codes[:, 5]) / 4000
    assert pick(found, "any")[5] == pytest.approx(-(share * np.log2(share)).sum(), abs=0.005)
    letter = share[2]
    binary = -letter * np.log2(letter) - (1 - letter) * np.log2(1 - letter)
    assert pick(found, "G")[5] == pytest.approx(binary, abs=0.005)


def test_values_are_sorted_into_classes() -> None:
    codes, energy = library(3, 2000)
    noisy = -energy + 0.3 * np.random.default_rng(4).normal(size=2000)
    found = information_footprint(codes, noisy, permutations=20, **LIBRARY)
    mapped = information_footprint(codes, np.exp(noisy), permutations=20, **LIBRARY)
    pd.testing.assert_frame_equal(found, mapped)
    assert set(np.argsort(pick(found, "mutated"))[-2:]) == set(SITE)


def test_copies_of_reads_raise_what_chance_reaches_and_not_the_bits() -> None:
    codes, _ = library(5, 800)
    single = np.eye(3, dtype=int)[np.random.default_rng(6).integers(3, size=800)]
    depth = np.random.default_rng(7).integers(1, 30, size=800)
    once, copied = (
        information_footprint(codes, reads, **LIBRARY) for reads in (single, single * depth[:, None])
    )
    assert np.mean(pick(copied, "any", "chance")) > np.mean(pick(once, "any", "chance"))
    assert abs(np.mean(pick(copied, "any"))) < 0.003
    # One table of chance for both if every sequence has the same number of copies.
    same = information_footprint(codes, 7 * single, **LIBRARY)
    np.testing.assert_allclose(same["bits"], once["bits"], atol=1e-12)
    np.testing.assert_allclose(same["standard_error"], once["standard_error"])


def test_chance_is_exceeded_as_often_as_it_says() -> None:
    above, cover = [], []
    for seed in range(25):
        codes, _ = library(seed, 400)
        reads = np.eye(3, dtype=int)[np.random.default_rng(seed + 100).integers(3, size=400)]
        found = information_footprint(codes, reads, permutations=60, seed=seed, **LIBRARY)
        above.append(np.mean(pick(found, "mutated") > pick(found, "mutated", "chance")))
        cover.append(np.mean(np.abs(pick(found, "mutated")) < 2.5 * pick(found, "mutated", "standard_error")))
    assert np.mean(above) == pytest.approx(0.05, abs=0.045)
    assert np.mean(cover) > 0.9


def test_errors_of_the_footprint_cover() -> None:
    codes, energy = library(8, 200_000)
    true = pick(information_footprint(codes, reads_of(energy, 9), permutations=2, **LIBRARY), "mutated")[2]
    inside = []
    for seed in range(60):
        codes, energy = library(seed + 10, 800)
        found = information_footprint(codes, reads_of(energy, seed), permutations=8, **LIBRARY)
        error = pick(found, "mutated", "standard_error")[2]
        inside.append(abs(pick(found, "mutated")[2] - true) < 1.96 * error)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.08)


def test_position_that_never_varies_has_no_figure() -> None:
    codes, energy = library(11, 300)
    codes[:, 0] = WILD_TYPE[0]
    found = information_footprint(codes, -energy, permutations=5, **LIBRARY)
    assert found.loc[found["position"] == 0, ["bits", "standard_error", "chance"]].isna().all().all()
    assert found.loc[found["position"] > 0, "bits"].notna().all()
    shift = expression_shift(codes, -energy, **LIBRARY)
    assert shift.loc[shift["position"] == 0, "shift"].isna().all()


def test_shift_is_the_planted_cost_of_a_mutation() -> None:
    codes, energy = library(12, 6000)
    found = expression_shift(codes, -energy + np.random.default_rng(13).normal(size=6000), **LIBRARY)
    for letter, cost in (("A", -1), ("C", -2), ("T", -1)):
        row = found[(found["position"] == 2) & (found["comparison"] == letter)].iloc[0]
        assert abs(row["shift"] - cost) < 3 * row["standard_error"] < 0.3
        assert row["sequences"] == (codes[:, 2] == "ACGT".index(letter)).sum()
    outside = found[(~found["position"].isin(SITE)) & (found["comparison"] == "mutated")]
    assert (np.abs(outside["shift"]) < 3.5 * outside["standard_error"]).all()


def test_shift_equals_a_naive_difference_of_means() -> None:
    codes, energy = library(14, 250)
    values = energy + np.random.default_rng(15).normal(size=250)
    found = expression_shift(codes, values, **LIBRARY)
    assert set(found.loc[found["position"] == 1, "comparison"]) == {"mutated", "A", "G", "T"}
    mutated = codes[:, 4] != WILD_TYPE[4]
    row = found[(found["position"] == 4) & (found["comparison"] == "mutated")].iloc[0]
    assert row["shift"] == pytest.approx(values[mutated].mean() - values[~mutated].mean())
    naive = np.sqrt(sum(values[side].var(ddof=1) / side.sum() for side in (mutated, ~mutated)))
    assert row["standard_error"] == pytest.approx(naive)


def test_shift_of_reads_weighs_rows_and_leaves_the_library_out() -> None:
    codes, _ = library(16, 300)
    rng = np.random.default_rng(17)
    sorted_reads = rng.poisson(0.8, (300, 3))
    reads = np.column_stack([rng.poisson(2, 300), sorted_reads])
    worth = np.array([np.nan, 1.0, 2.0, 4.0])
    found = expression_shift(codes, reads, bin_values=worth, **LIBRARY)
    mutated = codes[:, 0] != WILD_TYPE[0]
    mean = [(sorted_reads[side] @ worth[1:]).sum() / sorted_reads[side].sum() for side in (mutated, ~mutated)]
    row = found[(found["position"] == 0) & (found["comparison"] == "mutated")].iloc[0]
    assert row["shift"] == pytest.approx(mean[0] - mean[1])
    # Copies of every read change nothing: errors are taken over sequences.
    copied = expression_shift(codes, 5 * reads, bin_values=worth, **LIBRARY)
    np.testing.assert_allclose(copied["standard_error"], found["standard_error"])


def test_errors_of_the_shift_cover() -> None:
    inside = []
    for seed in range(200):
        codes, energy = library(seed, 150)
        values = -energy + np.random.default_rng(seed + 500).normal(size=150)
        found = expression_shift(codes, values, **LIBRARY)
        row = found[(found["position"] == 3) & (found["comparison"] == "mutated")].iloc[0]
        # A mutation costs one, and a second if it makes C, which a third of them do.
        inside.append(abs(row["shift"] + 4 / 3) < 1.98 * row["standard_error"])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.045)


def test_input_that_does_not_fit_is_refused() -> None:
    codes, energy = library(18, 50)
    with pytest.raises(DataError, match="row 0, position 0"):
        information_footprint(codes + 4, energy, **LIBRARY)
    with pytest.raises(DataError, match="wild type"):
        expression_shift(codes[:, :5], energy, **LIBRARY)
    with pytest.raises(DataError, match="49 rows"):
        expression_shift(codes, energy[:49], **LIBRARY)
    with pytest.raises(DataError, match="integers"):
        information_footprint(codes.astype(float), energy, **LIBRARY)
    with pytest.raises(DataError, match="twice"):
        information_footprint(codes, energy, alphabet="ACGA", wild_type=WILD_TYPE)
    with pytest.raises(DataError, match="classes"):
        information_footprint(codes, energy, classes=99, **LIBRARY)
    with pytest.raises(DataError, match="permutations"):
        information_footprint(codes, energy, permutations=1, **LIBRARY)
    with pytest.raises(DataError, match="bin values"):
        expression_shift(codes, np.ones((50, 3)), bin_values=[1.0, 2.0], **LIBRARY)
