"""Variance components: the forms against dense projections, planted truth, what a design cannot tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.data.conditions import Condition
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.screen import Screen
from pajamo.errors import DataError
from pajamo.protocols.errors import batch_test, variance_components
from pajamo.protocols.errors.components import components_of
from pajamo.protocols.errors.forms import BATCH, GUIDE, INTERACTION, Layout, forms_of, values_of
from pajamo.protocols.errors.groups import group_sums, groups_of

TRUTH = np.array([1.0, 0.09, 0.04, 0.0625])


def screen_of(
    values: np.ndarray, condition: np.ndarray, batch: np.ndarray, guide: np.ndarray | None = None
) -> Screen:
    """A screen of logarithms; condition 0 is the control."""
    names = [f"P{k}" for k in range(int(condition.max()) + 1)]
    cells = pd.DataFrame({"library_size": np.nan, "batch": [f"b{k}" for k in batch]})
    if guide is not None:
        cells["guide"] = [f"{names[c]}_{g}" for c, g in zip(condition, guide, strict=True)]
    conditions = (Condition(()), *(Condition((name,)) for name in names[1:]))
    genes = pd.Index([f"G{k}" for k in range(values.shape[1])])
    return Screen(MemoryMatrix(sp.csr_matrix(values)), "log1p", genes, conditions, condition, cells)


def planted(
    seed: int, *, cells: int = 1200, genes: int = 40, batches: int = 6, truth: np.ndarray = TRUTH
) -> Screen:
    """Unbalanced cells of eight conditions, three guides and some batches, with the components planted."""
    random = np.random.default_rng(seed)
    condition = random.choice(8, cells, p=random.dirichlet(np.full(8, 4.0)))
    batch = random.choice(batches, cells, p=random.dirichlet(np.full(batches, 4.0)))
    guide = np.where(condition == 0, 0, random.choice(3, cells, p=[0.5, 0.3, 0.2]))
    sd = np.sqrt(truth)
    values = random.normal(0, sd[0], (cells, genes)) + random.normal(0, 2, (8, genes))[condition]
    values += random.normal(0, sd[1], (batches, genes))[batch]
    values += random.normal(0, sd[2], (8, batches, genes))[condition, batch]
    values += (condition > 0)[:, None] * random.normal(0, sd[3], (8, 3, genes))[condition, guide]
    return screen_of(values, condition, batch, guide)


def projection(*labels: np.ndarray) -> np.ndarray:
    """Projection onto the space of the groups that each label makes."""
    columns = [np.eye(int(label.max()) + 1)[label] for label in labels]
    dense = np.concatenate(columns, axis=1)
    return dense @ np.linalg.pinv(dense)


def crossing(*labels: np.ndarray) -> np.ndarray:
    return np.unique(np.stack(labels, axis=1), axis=0, return_inverse=True)[1].ravel()


def test_forms_and_their_expectations_equal_dense_projections() -> None:
    screen = planted(0, cells=120, genes=3, batches=4)
    groups = groups_of(screen)
    layout = Layout.of(groups)
    p, b, g = groups.condition[groups.of_cell], groups.batch[groups.of_cell], groups.guide[groups.of_cell]
    pb, pg, pbg = crossing(p, b), crossing(p, g), crossing(p, b, g)
    matrices = [
        np.eye(len(p)) - projection(pbg),
        projection(p, b) - projection(p),
        projection(pb) - projection(p, b),
        projection(pg) - projection(p),
    ]
    incidence = [np.eye(len(p)), *(np.eye(int(label.max()) + 1)[label] for label in (b, pb, pg))]
    expected = [[np.trace(z.T @ m @ z) for z in incidence] for m in matrices]
    np.testing.assert_allclose(forms_of(layout).coefficients, expected, atol=1e-8)

    values = screen.matrix.rows(np.arange(len(p))).toarray()
    forms = [np.einsum("ig,ij,jg->g", values, m, values) for m in matrices]
    (sums,) = group_sums(screen, groups)
    np.testing.assert_allclose(values_of(layout, sums), forms, rtol=1e-9, atol=1e-8)


def test_planted_components_are_recovered_without_bias_and_with_coverage() -> None:
    found = [variance_components(planted(seed)) for seed in range(30)]
    means = np.array([one.estimate.mean(axis=0) for one in found])
    error = means.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(means.mean(axis=0) - TRUTH) < 4 * error).all()
    gene = np.mean([(one.low <= TRUTH) & (one.high >= TRUTH) for one in found], axis=(0, 1))
    assert ((gene > 0.9) & (gene < 0.98)).all()
    low, high = (np.array([one.pooled[end] for one in found]) / 40 for end in ("sum_low", "sum_high"))
    pooled = ((low <= TRUTH) & (high >= TRUTH)).mean(axis=0)
    assert (pooled >= 0.8).all()


def test_a_balanced_design_gives_the_textbook_analysis_of_variance() -> None:
    # Two conditions, two batches, two cells each: on paper, SS batch = 8, SS interaction = 2, SS cells = 4.
    values = np.array([0.0, 2.0, 3.0, 3.0, 0.0, 0.0, 0.0, 2.0])[:, None] + 1.0
    condition, batch = np.repeat([0, 1], 4), np.tile([0, 0, 1, 1], 2)
    found = variance_components(screen_of(values, condition, batch))
    means = values.reshape(2, 2, 2).mean(axis=2)
    within = ((values.reshape(2, 2, 2) - means[..., None]) ** 2).sum()
    of_batch = means.mean(axis=0)
    between = 4 * ((of_batch - of_batch.mean()) ** 2).sum()
    rest = 2 * ((means - means.mean(axis=1, keepdims=True) - of_batch + of_batch.mean()) ** 2).sum()
    assert found.estimate[0, 0] == pytest.approx(within / 4)
    assert found.estimate[0, INTERACTION] == pytest.approx((rest - within / 4) / 2)
    assert found.estimate[0, BATCH] == pytest.approx((between - rest) / 4)
    assert np.isnan(found.estimate[0, GUIDE])
    assert found.unknown == ("guide",)


def test_genes_read_in_several_passes_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = planted(3, cells=300, genes=7)
    whole = variance_components(screen)
    monkeypatch.setattr("pajamo.protocols.errors.groups.MOST_VALUES", 3 * len(groups_of(screen)))
    parts = variance_components(screen)
    np.testing.assert_allclose(parts.estimate, whole.estimate)
    np.testing.assert_allclose(parts.pooled.to_numpy(), whole.pooled.to_numpy())
    assert list(parts.to_frame().index) == list(screen.genes)


def test_what_a_design_cannot_tell_is_not_estimated() -> None:
    random = np.random.default_rng(0)
    condition = np.repeat([0, 1, 2], 20)
    nested = variance_components(screen_of(random.normal(size=(60, 2)), condition, condition))
    assert nested.unknown == ("batch", "batch_by_perturbation", "guide")
    only_control = np.where(condition == 0, np.arange(60) % 2, 0)
    crossed = variance_components(screen_of(random.normal(size=(60, 2)), condition, only_control))
    assert crossed.unknown == ("batch_by_perturbation", "guide")
    # Each guide lies in a batch of its own, the control in one of them: what guides do is what batches do.
    batch = np.where(condition == 0, 0, np.arange(60) % 2)
    mixed = variance_components(screen_of(random.normal(size=(60, 2)), condition, batch, batch))
    assert mixed.unknown == ("guide",)
    assert nested.variances().batch == 0.0


def test_unknown_components_leave_the_others_alone() -> None:
    screen = planted(5)
    without = components_of(screen, groups_of(screen, guides=False))
    assert without.unknown == ("guide",)
    assert without.pooled.loc["batch", "sum"] / 40 == pytest.approx(TRUTH[BATCH], rel=0.6)


def test_batch_share_stands_out_from_dealt_batches_only_if_there_is_one() -> None:
    real = batch_test(planted(1), permutations=20)
    assert real.z > 10
    assert real.p == pytest.approx(1 / 21)
    none = batch_test(planted(1, truth=np.array([1.0, 0, 0, 0])), permutations=20)
    assert abs(none.z) < 4
    assert none.null.mean() == pytest.approx(0.0, abs=0.005)


def test_screens_without_batches_or_without_two_cells_are_refused() -> None:
    screen = planted(0, cells=60, genes=2)
    with pytest.raises(DataError, match="batches are not known"):
        groups_of(Screen(screen.matrix, "log1p", screen.genes, screen.conditions, screen.condition_of,
                         screen.cells.drop(columns="batch")))  # fmt: skip
    lone = screen_of(np.ones((2, 1)), np.array([0, 1]), np.array([0, 0]))
    with pytest.raises(DataError, match="no two cells share"):
        variance_components(lone)
    with pytest.raises(DataError, match="logarithms, not counts"):
        variance_components(screen, values="linear")
    with pytest.raises(DataError, match="two batches"):
        batch_test(screen_of(np.eye(6), np.repeat([0, 1], 3), np.repeat([0, 1], 3)))
    with pytest.raises(DataError, match="permutations"):
        batch_test(screen, permutations=1)
