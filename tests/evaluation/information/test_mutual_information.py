"""Information of predictions: closed forms, naive references, invariance, multiplicity and coverage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import digamma

from pajamo.errors import DataError
from pajamo.evaluation.information.classes import equal_classes, information_in_classes, table_information
from pajamo.evaluation.information.mixed_neighbours import OrderedReads
from pajamo.evaluation.information.mutual import information_about_reads, information_about_values
from pajamo.evaluation.information.order import normal_scores, ranks

CENTRES = np.linspace(-2, 2, 5)


def probability_of_bin(phi: np.ndarray) -> np.ndarray:
    weight = np.exp(-0.5 * ((phi[:, None] - CENTRES) / 0.8) ** 2)
    return weight / weight.sum(axis=1, keepdims=True)


def true_information() -> float:
    """Of five overlapping bins and a standard normal phi, by quadrature."""
    grid = np.linspace(-8, 8, 4001)
    weight = stats.norm.pdf(grid) * (grid[1] - grid[0])
    p = probability_of_bin(grid)
    return float(weight @ (p * np.log2(p / (weight @ p))).sum(axis=1))


def sorted_reads(rng: np.random.Generator, phi: np.ndarray, depth: np.ndarray | int = 1) -> np.ndarray:
    return rng.multinomial(depth, probability_of_bin(phi))


def naive_information(phi: np.ndarray, reads: np.ndarray, k: int, seed: int) -> float:
    """Ross's estimator, read by read, with neighbours sought among all reads of other rows."""
    ordered = OrderedReads.of(ranks(phi, seed), reads, seed)
    place, bins, own = ordered.place, ordered.bins, ordered.first
    shares = []
    for read in range(len(bins)):
        others = np.flatnonzero(own != own[read])
        distance = np.abs(place[others] - place[read])
        hits = np.sort(distance[bins[others] == bins[read]])
        wanted = min(k, len(hits))
        if wanted == 0:
            shares.append(0.0)
            continue
        within = (distance < hits[wanted - 1]).sum() + 1
        shares.append(digamma(len(others) + 1) - digamma(len(hits) + 1) + digamma(wanted) - digamma(within))
    return float(np.mean(shares) / np.log(2))


@pytest.mark.parametrize("depth", [1, 4])
def test_information_about_reads_equals_the_naive_search(depth: int) -> None:
    rng = np.random.default_rng(depth)
    phi = rng.normal(size=61).round(1)
    reads = sorted_reads(rng, phi, 1 + rng.poisson(depth - 1, 61))
    found = information_about_reads(phi, reads, neighbours=3, seed=7)
    assert found.bits == pytest.approx(naive_information(phi, reads, 3, 7))
    assert found.observations == reads.sum()


def test_reads_are_laid_out_as_rows_repeated_by_their_counts() -> None:
    reads = np.array([[2, 1], [0, 3], [1, 0]])
    ordered = OrderedReads.of(np.array([1, 0, 2]), reads, 0)
    np.testing.assert_array_equal(ordered.first, [0, 0, 0, 3, 3, 3, 6])
    np.testing.assert_array_equal(ordered.last, [3, 3, 3, 6, 6, 6, 7])
    np.testing.assert_array_equal(np.sort(ordered.bins[3:6]), [0, 0, 1])
    np.testing.assert_array_equal(ordered.bins[[0, 1, 2, 6]], [1, 1, 1, 0])


def test_rows_split_into_single_reads_say_the_same_but_for_their_own_copies() -> None:
    rng = np.random.default_rng(2)
    phi = rng.normal(size=1500)
    reads = sorted_reads(rng, phi, 2)
    row, column = np.repeat(np.nonzero(reads), reads[np.nonzero(reads)], axis=1)
    expanded = np.eye(5, dtype=int)[column]
    whole = information_about_reads(phi, reads)
    assert whole.bits == pytest.approx(information_about_reads(phi[row], expanded).bits, abs=0.03)
    classes = [
        information_in_classes(phi, reads, classes=10),
        information_in_classes(phi[row], expanded, classes=10),
    ]
    assert classes[0].bits == pytest.approx(classes[1].bits, abs=0.02)


def test_copies_of_a_read_are_no_information() -> None:
    rng = np.random.default_rng(3)
    reads = 8 * np.eye(4, dtype=int)[rng.integers(4, size=400)]
    for estimate in (information_about_reads, information_in_classes):
        found = estimate(rng.normal(size=400), reads)
        assert found.low < 0.02
        assert found.bits < 0.06


def test_rows_without_reads_do_not_count() -> None:
    rng = np.random.default_rng(4)
    phi = rng.normal(size=200)
    reads = sorted_reads(rng, phi)
    more = np.concatenate([phi, rng.normal(size=50)]), np.concatenate([reads, np.zeros((50, 5))])
    assert information_about_reads(*more) == information_about_reads(phi, reads)
    assert information_in_classes(*more) == information_in_classes(phi, reads)


@pytest.mark.parametrize("estimate", [information_about_reads, information_in_classes])
def test_estimates_find_the_true_information(estimate) -> None:
    rng = np.random.default_rng(5)
    phi = rng.normal(size=6000)
    found = estimate(phi, sorted_reads(rng, phi))
    assert found.standard_error < 0.02
    assert abs(found.bits - true_information()) < 2.5 * found.standard_error


@pytest.mark.parametrize("estimate", [information_about_reads, information_in_classes])
def test_noiseless_bins_hold_their_entropy(estimate) -> None:
    phi = np.random.default_rng(6).random(4000)
    reads = np.eye(4, dtype=int)[np.floor(4 * phi).astype(int)]
    # A class that straddles the limit of two bins loses a little.
    assert estimate(phi, reads).bits == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("estimate", [information_about_reads, information_in_classes])
def test_only_the_order_of_predictions_counts(estimate) -> None:
    rng = np.random.default_rng(7)
    phi = rng.normal(size=300).round(2)
    reads = sorted_reads(rng, phi)
    first = estimate(phi, reads)
    assert estimate(np.exp(3 * phi), reads) == first
    mirrored = estimate(-phi, reads)
    assert mirrored.bits == pytest.approx(first.bits, abs=first.standard_error)


def test_intervals_cover_and_chance_holds_nothing() -> None:
    true, phi_of = true_information(), [np.random.default_rng(seed) for seed in range(50)]
    covered, chance = [], []
    for seed, rng in enumerate(phi_of):
        phi = rng.normal(size=500)
        reads = sorted_reads(rng, phi)
        found = information_about_reads(phi, reads, seed=seed)
        covered.append(found.low <= true <= found.high)
        chance.append(information_about_reads(rng.normal(size=500), reads, halves=2).bits)
    assert np.mean(covered) >= 0.86
    assert abs(np.mean(chance)) < 3 * np.std(chance) / np.sqrt(50)


def test_bin_that_is_read_once_says_nothing() -> None:
    reads = np.zeros((40, 2), dtype=int)
    reads[:, 0], reads[0] = 1, [0, 1]
    found = information_about_reads(np.arange(40.0), reads)
    assert abs(found.bits) < 0.05


def test_correlated_normal_values() -> None:
    rng = np.random.default_rng(8)
    both = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=4000)
    found = information_about_values(both[:, 0], both[:, 1])
    assert abs(found.bits + 0.5 * np.log2(1 - 0.64)) < 2.5 * found.standard_error
    assert found.standard_error < 0.04
    mapped = information_about_values(np.exp(both[:, 0]), both[:, 1] ** 3)
    assert mapped == found


def test_information_about_values_equals_the_naive_search() -> None:
    rng = np.random.default_rng(9)
    first = rng.normal(size=80)
    second = first + rng.normal(size=80)
    x, y = (normal_scores(ranks(column, 0)) for column in (first, second))
    across, along = np.abs(x[:, None] - x), np.abs(y[:, None] - y)
    reach = np.sort(np.maximum(across, along), axis=1)[:, 5]
    # Each score itself is nearer than its reach and stands for the 1 in psi(n + 1).
    counts = [(distance < reach[:, None] * (1 - 1e-12)).sum(axis=1) for distance in (across, along)]
    naive = digamma(5) + digamma(80) - np.mean(digamma(counts[0]) + digamma(counts[1]))
    assert information_about_values(first, second).bits == pytest.approx(naive / np.log(2))


def test_independent_values_hold_nothing_even_if_they_repeat() -> None:
    rng = np.random.default_rng(10)
    for second in (rng.normal(size=2000), rng.poisson(2, 2000), np.zeros(2000)):
        found = information_about_values(rng.normal(size=2000), second)
        assert found.low < 0 < found.high
    constants = information_about_values(np.zeros(2000), np.zeros(2000))
    assert constants.low < 0 < constants.high


def test_coverage_of_values() -> None:
    true, covered = -0.5 * np.log2(1 - 0.36), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        phi = rng.normal(size=300)
        found = information_about_values(phi, 0.6 * phi + 0.8 * rng.normal(size=300), seed=seed)
        covered.append(found.low <= true <= found.high)
    assert np.mean(covered) >= 0.85


def test_table_information_of_closed_forms() -> None:
    assert table_information(np.eye(4)) == pytest.approx(2)
    assert table_information(np.outer([1, 2], [3, 4, 5]).astype(float)) == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(table_information(np.array([[[1.0, 0], [0, 1]], [[1, 1], [1, 1]]])), [1, 0])


def test_classes_are_of_equal_size() -> None:
    classes = equal_classes(np.array([5.0, 1, 1, 1, 2, 9, 9]), 3, 0)
    np.testing.assert_array_equal(np.bincount(classes), [3, 2, 2])
    assert classes[0] == 1


@pytest.mark.parametrize("estimate", [information_about_reads, information_in_classes])
def test_reads_that_cannot_be_used_are_refused(estimate) -> None:
    with pytest.raises(DataError, match="too few"):
        estimate([1.0], [[1, 2]])
    with pytest.raises(DataError, match="not finite"):
        estimate([np.nan] * 40, np.ones((40, 2)))
    with pytest.raises(DataError, match="40 rows beside 39"):
        estimate(np.arange(39.0), np.ones((40, 2)))


def test_one_class_is_refused() -> None:
    with pytest.raises(DataError, match="two or more"):
        information_in_classes(np.arange(40.0), np.ones((40, 2)), classes=1)


def test_lac_promoter_holds_the_published_information(dev_data: Path) -> None:
    # Kinney's matrices in the model of four states, with chemical potentials chosen on the training rows.
    folder, thermal = dev_data / "cisreg", 0.616
    table = pd.read_csv(folder / "mavenn_sortseq.csv.gz")
    table = table[table["set"] == "test"]
    codes = np.array([["ACGT".index(base) for base in sequence] for sequence in table["x"]])
    energy = {}
    for name, start, length in (("crp", 1, 26), ("rnap", 34, 41)):
        matrix = pd.read_csv(folder / f"{name}_tau_final_all.{length}.txt", sep=r"\s+").to_numpy()[:, 1:]
        energy[name] = matrix[np.arange(length), codes[:, start : start + length]].sum(axis=1)
    crp, rnap = np.exp((5 - energy["crp"]) / thermal), np.exp((9 - energy["rnap"]) / thermal)
    both = crp * rnap * np.exp(3 / thermal)
    rate = (rnap + both) / (1 + crp + rnap + both)
    reads = table.filter(like="ct_").to_numpy()
    neighbours, classes = information_about_reads(rate, reads), information_in_classes(rate, reads)
    # Published 0.694 +- 0.015, by another estimator and with Kinney's own chemical potentials.
    assert 0.68 < classes.bits < 0.76
    assert 0.68 < neighbours.bits < 0.76
    assert classes.standard_error < 0.02
