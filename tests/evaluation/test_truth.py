"""The truth keeps its own controls, and a shared control sample is shown to inflate correlations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.data.cells import sample_halves
from pajamo.data.conditions import Condition
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Moments, Pseudobulk, pseudobulk
from pajamo.data.screen import Screen
from pajamo.data.splits import Fold
from pajamo.data.training_set import TrainingSet
from pajamo.errors import DataError
from pajamo.evaluation.cell_space import CellSpace
from pajamo.evaluation.scoring import score
from pajamo.evaluation.truth import TECHNICAL_DUPLICATE, Truth

CONTROL = Condition(())


def null_bulk(n_perturbed: int, n_control: int, conditions: int, genes: int, seed: int) -> Pseudobulk:
    """A screen in which no perturbation does anything, drawn from the distribution of its means."""
    rng = np.random.default_rng(seed)
    every = (CONTROL, *(Condition((f"P{i:02d}",)) for i in range(conditions)))
    cells = np.array([n_control] + [n_perturbed] * conditions) // 2

    def half() -> Moments:
        mean = rng.normal(size=(len(every), genes)) / np.sqrt(cells)[:, None]
        return Moments(cells, mean, np.ones_like(mean))

    return Pseudobulk(pd.Index([f"g{i}" for i in range(genes)]), every, (half(), half()))


def null_correlation(n_perturbed: int, n_control: int, shared: bool) -> float:
    """Mean Pearson delta when the response of one perturbation without effect predicts another's."""
    bulk = null_bulk(n_perturbed, n_control, conditions=20, genes=4000, seed=5)
    train, test = bulk.conditions[1:11], bulk.conditions[11:]
    seen = TrainingSet.from_pseudobulk(bulk, train, shared_control=shared)
    truth = Truth.of(bulk, Fold("f", train, test), shared_control=shared)
    guess = Prediction("other", bulk.genes, test, seen.delta, np.zeros_like(seen.delta), truth.control)
    return float(score(guess, truth, names=["pearson_delta"], duplicate=False)["value"].mean())


@pytest.mark.parametrize(("n_perturbed", "n_control"), [(40, 40), (200, 50), (40, 160)])
def test_shared_controls_correlate_nothing_with_nothing(n_perturbed: int, n_control: int) -> None:
    expected = n_perturbed / (n_perturbed + n_control)
    assert null_correlation(n_perturbed, n_control, shared=True) == pytest.approx(expected, abs=0.02)
    assert null_correlation(n_perturbed, n_control, shared=False) == pytest.approx(0, abs=0.02)


def test_arrays_are_what_the_halves_say(make_bulk) -> None:
    a, b = Condition(("g1",)), Condition(("g2",))
    rng = np.random.default_rng(0)
    bulk = make_bulk({CONTROL: np.zeros(8), a: rng.normal(size=8), b: rng.normal(size=8)}, cells=30)
    truth = Truth.of(bulk, Fold("f", (a,), (b,)), top_genes=3, exclude_targets=True)
    np.testing.assert_allclose(truth.delta[0], bulk.whole.mean[2] - bulk.halves[1].mean[0])
    np.testing.assert_allclose(truth.centre, bulk.whole.mean[1] - bulk.halves[1].mean[0])
    np.testing.assert_allclose(truth.centre_seen, bulk.whole.mean[1] - bulk.halves[0].mean[0])
    assert truth.top.sum() == 3
    assert not truth.counted[0, 2]
    assert not truth.top[0, 2]
    assert not truth.significant[0, 2]
    shared = Truth.of(bulk, Fold("f", (a,), (b,)), shared_control=True)
    np.testing.assert_allclose(shared.delta[0], bulk.whole.mean[2] - bulk.whole.mean[0])
    assert shared.counted.all()


def test_top_and_changed_genes_are_the_planted_ones(make_bulk) -> None:
    effect = np.zeros(50)
    effect[[3, 17, 31]] = [5.0, -5.0, 4.0]
    a, b = Condition(("A",)), Condition(("B",))
    bulk = make_bulk({CONTROL: np.zeros(50), a: np.zeros(50), b: effect})
    truth = Truth.of(bulk, Fold("f", (a,), (b,)), top_genes=3)
    assert set(np.flatnonzero(truth.top[0])) == {3, 17, 31}
    assert set(np.flatnonzero(truth.significant[0])) >= {3, 17, 31}


def test_duplicate_is_half_against_half(make_bulk) -> None:
    a, b = Condition(("A",)), Condition(("B",))
    bulk = make_bulk({CONTROL: np.zeros(9), a: np.ones(9), b: np.arange(9.0)}, cells=31)
    truth = Truth.of(bulk, Fold("f", (a,), (b,)))
    copy, half = truth.duplicate.prediction, truth.duplicate.truth
    assert copy.model == TECHNICAL_DUPLICATE
    np.testing.assert_allclose(copy.delta[0], bulk.halves[0].mean[2] - bulk.halves[0].mean[0])
    np.testing.assert_allclose(half.delta[0], bulk.halves[1].mean[2] - bulk.halves[1].mean[0])
    np.testing.assert_array_equal(half.top, truth.top)
    assert half.n_cells[0] == 15


def test_duplicate_leaves_out_conditions_with_one_cell(make_bulk) -> None:
    means = {CONTROL: np.zeros(4), Condition(("A",)): np.zeros(4), Condition(("B",)): np.ones(4)}
    bulk = make_bulk(means, cells=6)
    bulk.halves[1].n_cells[2] = 0
    bulk.halves[1].mean[2] = bulk.halves[1].variance[2] = np.nan
    held = (Condition(("A",)), Condition(("B",)))
    truth = Truth.of(bulk, Fold("f", held[:1], held))
    assert truth.duplicate.truth.conditions == (Condition(("A",)),)
    assert np.isfinite(truth.delta).all()


def test_too_few_cells_are_refused(make_bulk) -> None:
    a, b = Condition(("A",)), Condition(("B",))
    bulk = make_bulk({CONTROL: np.zeros(4), a: np.zeros(4), b: np.zeros(4)}, cells=6)
    bulk.halves[1].n_cells[0] = 0
    bulk.halves[1].mean[0] = np.nan
    with pytest.raises(DataError, match="too few control cells: control"):
        Truth.of(bulk, Fold("f", (a,), (b,)))
    for half in bulk.halves:
        half.n_cells[2] = 0
    with pytest.raises(DataError, match="without cells: B"):
        Truth.of(bulk, Fold("f", (a,), (b,)))


def small_screen(seed: int = 0) -> Screen:
    rng = np.random.default_rng(seed)
    conditions = (CONTROL, Condition(("A",)), Condition(("B",)))
    of = np.repeat(np.arange(3), [21, 13, 8])
    rng.shuffle(of)
    counts = rng.poisson(3.0, size=(42, 6)).astype(float)
    sizes = pd.DataFrame({"library_size": counts.sum(axis=1) + 1})
    return Screen(
        MemoryMatrix(sp.csr_matrix(counts)), "counts", pd.Index(list("ABCDEF")), conditions, of, sizes
    )


def test_distributions_are_scored_with_their_duplicate() -> None:
    screen = small_screen()
    _, a, b = screen.conditions
    cells = sample_halves(screen, seed=0)
    space = CellSpace.fit({a: np.concatenate(cells[a])})
    bulk = pseudobulk(screen, seed=0)
    truth = Truth.of(bulk, Fold("f", (a,), (b,)), cells=cells, space=space)
    guess = Prediction("m", bulk.genes, (b,), truth.delta, np.ones((1, 6)), truth.control)
    table = score(guess, truth, cells={"m": {b: np.concatenate(cells[b])}}).set_index(["metric", "model"])
    # The truth's own cells lie closer than chance to themselves: between-cell distances include zeros.
    assert table.loc[("energy_distance", "m"), "value"] < 0
    assert np.isfinite(table.loc[("mmd", TECHNICAL_DUPLICATE), "value"])


def test_each_context_has_its_own_controls_and_the_centre_carries_over(make_bulk) -> None:
    rng = np.random.default_rng(0)
    base = {"x": np.zeros(6), "y": np.full(6, 5.0)}
    effect = rng.normal(size=6)
    means = {Condition((), c): base[c] for c in base} | {Condition(("A",), c): base[c] + effect for c in base}
    bulk = make_bulk(means, cells=400, sd=0.1)
    held = (Condition(("A",), "y"),)
    truth = Truth.of(bulk, Fold("context=y", (Condition(("A",), "x"),), held))
    np.testing.assert_allclose(truth.delta[0], effect, atol=0.05)
    np.testing.assert_allclose(truth.centre, effect, atol=0.05)
    np.testing.assert_allclose(truth.control[0], base["y"], atol=0.05)
