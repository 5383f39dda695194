"""I_var, I_pred and the bounds of I_int on data whose information is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pajamo.errors import DataError
from pajamo.evaluation.information.intrinsic import (
    intrinsic_lower_bound,
    intrinsic_lower_bound_of_reads,
    intrinsic_upper_bound,
    log_ratio,
)
from pajamo.evaluation.information.metrics import predictive_information, variational_information
from pajamo.evaluation.information.mutual import information_about_reads, information_about_values

RHO = 0.8
TRUE = -0.5 * np.log2(1 - RHO**2)


def normal_pair(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    phi = rng.normal(size=rows)
    return phi, RHO * phi + np.sqrt(1 - RHO**2) * rng.normal(size=rows)


def sorted_once(seed: int, rows: int, strength: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Probability of two bins, and the bin of one read of each row."""
    rng = np.random.default_rng(seed)
    upper = 1 / (1 + np.exp(-strength * rng.normal(size=rows)))
    p = np.column_stack([1 - upper, upper])
    return p, np.eye(2, dtype=int)[(rng.random(rows) < upper).astype(int)]


def true_of_two_bins(strength: float = 1.5) -> float:
    grid = np.linspace(-8, 8, 4001)
    upper = 1 / (1 + np.exp(-strength * grid))
    return 1 + float(
        stats.norm.pdf(grid)
        @ (upper * np.log2(upper) + (1 - upper) * np.log2(1 - upper))
        * (grid[1] - grid[0])
    )


def test_true_model_of_values_reaches_the_information() -> None:
    phi, values = normal_pair(0, 20_000)
    nll = -stats.norm.logpdf(values, RHO * phi, np.sqrt(1 - RHO**2))
    found = variational_information(nll, values)
    assert abs(found.bits - TRUE) < 3 * found.standard_error < 0.06


def test_wrong_noise_costs_its_divergence_and_leaves_the_prediction_alone() -> None:
    phi, values = normal_pair(1, 5000)
    scale = np.sqrt(1 - RHO**2)
    right = variational_information(-stats.norm.logpdf(values, RHO * phi, scale), values).bits
    wrong = variational_information(-stats.norm.logpdf(values, RHO * phi, 2 * scale), values).bits
    divergence = np.log2(2) - 0.375 / np.log(2)
    assert right - wrong == pytest.approx(divergence, abs=0.03)
    assert wrong < predictive_information(phi, values).bits


def test_values_in_another_unit_have_the_same_variational_information() -> None:
    phi, values = normal_pair(2, 500)
    scale = np.sqrt(1 - RHO**2)
    plain = variational_information(-stats.norm.logpdf(values, RHO * phi, scale), values)
    tenfold = variational_information(
        -stats.norm.logpdf(10 * values, 10 * RHO * phi, 10 * scale), 10 * values
    )
    assert tenfold.bits == pytest.approx(plain.bits)


def test_intervals_of_reads_cover() -> None:
    covered, true = [], true_of_two_bins()
    for seed in range(300):
        p, reads = sorted_once(seed, 400)
        found = variational_information(-np.log((p * reads).sum(axis=1)), reads)
        covered.append(found.low <= true <= found.high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.035)


def test_intervals_of_values_cover() -> None:
    covered = []
    for seed in range(200):
        phi, values = normal_pair(seed, 400)
        nll = -stats.norm.logpdf(values, RHO * phi, np.sqrt(1 - RHO**2))
        found = variational_information(nll, values)
        covered.append(found.low <= TRUE <= found.high)
    assert np.mean(covered) == pytest.approx(0.94, abs=0.05)


def test_rows_count_by_their_reads_and_rows_without_do_not() -> None:
    reads = np.array([[3, 1], [0, 2], [0, 0], [1, 1], [5, 0]])
    p = np.array([[0.7, 0.3], [0.2, 0.8], [np.nan, np.nan], [0.5, 0.5], [0.9, 0.1]])
    depth = np.maximum(reads.sum(axis=1), 1)
    found = variational_information(-(reads * np.log(p)).sum(axis=1) / depth, reads)
    row, column = np.repeat(np.nonzero(reads), reads[np.nonzero(reads)], axis=1)
    single = variational_information(-np.log(p[row, column]), np.eye(2, dtype=int)[column])
    assert found.bits == pytest.approx(single.bits)
    assert found.observations == single.observations == 13


def test_model_that_knows_only_the_bins_tells_nothing() -> None:
    reads = np.eye(3, dtype=int)[np.random.default_rng(3).integers(3, size=3000)]
    nll = np.full(3000, -np.log(1 / 3))
    assert variational_information(nll, reads).bits == pytest.approx(0, abs=1e-3)


def test_prediction_is_judged_by_what_was_recorded() -> None:
    phi, values = normal_pair(4, 300)
    reads = np.eye(2, dtype=int)[(values > 0).astype(int)]
    assert predictive_information(phi, values) == information_about_values(phi, values)
    assert predictive_information(phi, reads) == information_about_reads(phi, reads)
    with pytest.raises(DataError, match="3 dimensions"):
        predictive_information(phi, np.ones((300, 2, 2)))


def test_loss_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="rows"):
        variational_information(np.ones(3), np.ones(4))
    with pytest.raises(DataError, match="likelihood"):
        variational_information(np.full(30, np.inf), np.arange(30.0))


def measured(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True values of variance one, their replicates and errors of their own."""
    rng = np.random.default_rng(seed)
    errors = rng.choice([0.3, 0.6], size=rows)
    truth = rng.normal(size=rows)
    return truth + errors * rng.normal(size=rows), truth + errors * rng.normal(size=rows), errors


def test_bounds_enclose_the_intrinsic_information() -> None:
    first, second, errors = measured(5, 6000)
    # A normal mixture: H[y] by quadrature, less the mean entropy of the noise.
    grid = np.linspace(-8, 8, 4001)
    density = 0.5 * (stats.norm.pdf(grid, 0, np.sqrt(1.09)) + stats.norm.pdf(grid, 0, np.sqrt(1.36)))
    entropy = -float((density * np.log2(density)).sum() * (grid[1] - grid[0]))
    true = entropy - np.mean(0.5 * np.log2(2 * np.pi * np.e * np.array([0.3, 0.6]) ** 2))
    above, below = intrinsic_upper_bound(first, errors), intrinsic_lower_bound(first, second)
    assert abs(above.bits - true) < 3 * above.standard_error
    assert below.high < above.low
    assert below.bits > 0.5 * true
    # Errors that leave half of the noise out bound from above by half a bit more.
    assert intrinsic_upper_bound(first, errors / np.sqrt(2)).bits == pytest.approx(above.bits + 0.5)


def test_errors_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match=r"row 2: 0\.0"):
        intrinsic_upper_bound(np.arange(30.0), [1.0, 1, 0, *[1] * 27])


def test_two_reads_of_a_sequence_bound_the_information_of_one() -> None:
    rng = np.random.default_rng(6)
    upper = rng.choice([0.05, 0.95], size=4000)
    depth = 2 + rng.poisson(1, 4000)
    high = rng.binomial(depth, upper)
    found = intrinsic_lower_bound_of_reads(np.column_stack([depth - high, high]))
    # Two reads agree with probability .905: the channel holds 1 - h(.095) of them, and one read 1 - h(.05).
    true = 1 + 0.905 * np.log2(0.905) + 0.095 * np.log2(0.095)
    assert abs(found.bits - true) < 3 * found.standard_error < 0.06


def test_reads_by_chance_bound_nothing() -> None:
    rng = np.random.default_rng(7)
    found = intrinsic_lower_bound_of_reads(rng.multinomial(2, np.full(6, 1 / 6), size=800))
    assert found.low < 0 < found.high


def test_single_reads_are_no_replicates() -> None:
    with pytest.raises(DataError, match="multiplicity"):
        intrinsic_lower_bound_of_reads(np.eye(5, dtype=int))


def test_log_ratio_of_counts_scatters_as_its_error_says() -> None:
    rng = np.random.default_rng(8)
    selected, unselected = rng.poisson(40, 4000), rng.poisson(80, 4000)
    values, errors = log_ratio(selected, unselected)
    assert values.mean() == pytest.approx(np.log2(41 / 81), abs=0.03)
    assert values.std() == pytest.approx(errors.mean(), rel=0.05)
    natural, _ = log_ratio(selected, unselected, base=np.e)
    np.testing.assert_allclose(natural, values * np.log(2))


def test_bound_of_gb1_is_the_published_one(dev_data: Path) -> None:
    columns = ["set", "selected_ct", "input_ct", "y"]
    table = pd.read_csv(dev_data / "cisreg" / "mavenn_gb1.csv.gz", usecols=columns)
    table = table[table["set"] == "test"]
    _, errors = log_ratio(table["selected_ct"], table["input_ct"])
    found = intrinsic_upper_bound(table["y"], errors)
    assert found.bits == pytest.approx(3.215, abs=0.03)
