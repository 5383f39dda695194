"""The variance of a difference: against simulation, its limits, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.errors import DataError
from pajamo.protocols.errors import (
    Variances,
    disproportion,
    is_proportional,
    noise_floor,
    variance_of_difference,
    within_batch,
)

VARIANCES = Variances(cell=1.0, batch=0.2, batch_by_perturbation=0.02, control_cell=0.5)
ALLOCATIONS = {
    "proportional": ([20, 20, 20, 20], [40, 40, 40, 40]),
    "control in one batch": ([20, 20, 20, 20], [160, 0, 0, 0]),
    "perturbed in one batch": ([80, 0, 0, 0], [40, 40, 40, 40]),
    "unbalanced": ([50, 20, 8, 2], [10, 40, 60, 50]),
}


def simulated(perturbed: list[int], control: list[int], number: int, seed: int = 0) -> np.ndarray:
    """Differences of the means within each batch, and of the pooled means; shape (number, batches + 1)."""
    random = np.random.default_rng(seed)
    shift = random.normal(0, np.sqrt(VARIANCES.batch), (number, len(perturbed)))
    sides = []
    for cells, variance in ((perturbed, VARIANCES.cell), (control, VARIANCES.of_controls)):
        n = np.array(cells, dtype=float)
        interaction = random.normal(0, np.sqrt(VARIANCES.batch_by_perturbation), shift.shape)
        noise = random.normal(size=shift.shape) * np.sqrt(variance / np.maximum(n, 1))
        means = shift + interaction + noise
        sides.append(np.concatenate([means, (means @ n / n.sum())[:, None]], axis=1))
    return sides[0] - sides[1]


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_formula_agrees_with_simulation(name: str) -> None:
    perturbed, control = ALLOCATIONS[name]
    formula = variance_of_difference(perturbed, control, VARIANCES).total[0]
    assert simulated(perturbed, control, 100_000)[:, -1].var() == pytest.approx(formula, rel=0.02)


def test_within_batch_agrees_with_simulation_and_beats_pooling_where_batches_are_unbalanced() -> None:
    perturbed, control = ALLOCATIONS["unbalanced"]
    best = within_batch(perturbed, control, VARIANCES)
    assert best.weights.sum() == pytest.approx(1.0)
    combined = simulated(perturbed, control, 100_000)[:, :-1] @ best.weights[0]
    assert combined.var() == pytest.approx(best.variance[0], rel=0.02)
    assert best.variance[0] < variance_of_difference(perturbed, control, VARIANCES).total[0]
    other = np.array([0.25, 0.25, 0.25, 0.25])
    each = 1 / np.array(perturbed) + 0.5 / np.array(control) + 2 * VARIANCES.batch_by_perturbation
    assert best.variance[0] < (other**2 * each).sum()


def test_batch_term_vanishes_if_and_only_if_proportional() -> None:
    perturbed = np.array([[10, 20, 30], [1, 2, 3], [10, 20, 31]])
    found = variance_of_difference(perturbed, [5, 10, 15], VARIANCES)
    np.testing.assert_allclose(found.batch[:2], 0.0, atol=1e-15)
    assert found.batch[2] > 0
    assert is_proportional(perturbed[:2], [5, 10, 15])
    assert not is_proportional(perturbed, [5, 10, 15])
    assert disproportion([1, 0], [0, 1])[0] == pytest.approx(2.0)


def test_parts_add_up_and_guides_average() -> None:
    variances = Variances(cell=1.0, batch=0.1, batch_by_perturbation=0.05, guide=0.3)
    found = variance_of_difference([10, 0], [0, 10], variances, guides=3)
    assert found.cells[0] == pytest.approx(0.2)
    assert found.batch[0] == pytest.approx(0.2)
    assert found.batch_by_perturbation[0] == pytest.approx(0.1)
    assert found.guide[0] == pytest.approx(0.1)
    assert found.total[0] == pytest.approx(0.6)


def test_each_perturbation_may_have_a_control_of_its_own() -> None:
    found = variance_of_difference([[10, 0], [0, 10]], [[10, 0], [0, 5]], VARIANCES)
    np.testing.assert_allclose(found.batch, 0.0)
    np.testing.assert_allclose(found.cells, [0.1 + 0.05, 0.1 + 0.1])


def test_without_a_common_batch_nothing_can_be_compared_within_batches() -> None:
    alone = within_batch([10, 0], [0, 10], VARIANCES)
    assert np.isinf(alone.variance[0])
    np.testing.assert_array_equal(alone.weights, 0.0)


def test_noise_floor_is_the_expected_squared_difference_of_nothing() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(0, 2, (4000, 8)).mean(axis=1), random.normal(0, 2, (4000, 20)).mean(axis=1)
    floor = noise_floor([4.0], [8], [20])
    assert floor.shape == (1, 1)
    assert ((a - b) ** 2).mean() == pytest.approx(float(floor[0, 0]), rel=0.08)


@pytest.mark.parametrize(
    ("perturbed", "control", "words"),
    [
        ([5, 5], [0, 0], "no control cells"),
        ([[5, 5], [0, 0]], [1, 1], "no perturbed cells"),
        ([5, -1], [1, 1], "negative"),
        ([5, np.nan], [1, 1], "not a number"),
        ([5, 5, 5], [1, 1], "do not fit"),
    ],
)
def test_impossible_allocations_are_refused(perturbed: list, control: list, words: str) -> None:
    with pytest.raises(DataError, match=words):
        variance_of_difference(perturbed, control, VARIANCES)


def test_impossible_variances_are_refused() -> None:
    for wrong in ({"cell": -1.0}, {"cell": 0.0}, {"cell": 1.0, "batch": np.nan}):
        with pytest.raises(DataError, match="variance"):
            Variances(**wrong)
    with pytest.raises(DataError, match="control cells"):
        noise_floor([1.0], [3], [0])
