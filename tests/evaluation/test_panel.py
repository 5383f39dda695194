"""Counted cells: noise by the jackknife, the rank-sum test, emission of cells, and the panel of a fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats

from pajamo.data.conditions import Condition
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import pseudobulk, random_halves
from pajamo.data.screen import Screen
from pajamo.data.splits import Fold
from pajamo.errors import DataError
from pajamo.evaluation.panel import measures, sample
from pajamo.evaluation.panel.emission import Emitter
from pajamo.evaluation.panel.group import Group
from pajamo.evaluation.panel.metrics import normalised_error
from pajamo.evaluation.panel.panel import Panel
from pajamo.evaluation.panel.rank_test import RankTest
from pajamo.evaluation.panel.sample import sample_counts
from pajamo.evaluation.panel.side import Controls, Side
from pajamo.evaluation.scoring import score
from pajamo.evaluation.truth import TECHNICAL_DUPLICATE, Truth

CONTROL = Condition(())
ON_COUNTS = (
    "counts_discrimination", "counts_error", "direction_fidelity", "direction_reach", "significance_jaccard",
    "fold_error",
)  # fmt: skip


def group(counts: np.ndarray, library: np.ndarray | None = None) -> Group:
    values = np.asarray(counts, dtype=float)
    return Group(sp.csr_matrix(values), values.sum(axis=1) if library is None else library)


def poisson(means: np.ndarray, n: int, rng: np.random.Generator) -> Group:
    return group(rng.poisson(np.tile(means, (n, 1))))


def test_noise_is_the_jackknife_variance_of_the_profile() -> None:
    counts = np.random.default_rng(0).poisson(3.0, size=(7, 5)).astype(float)
    cells = group(counts)

    def profile(rows: np.ndarray) -> np.ndarray:
        return np.log1p(5e4 * rows.sum(axis=0) / rows.sum())

    without = np.array([profile(np.delete(counts, i, axis=0)) for i in range(7)])
    expected = 6 / 7 * ((without - without.mean(axis=0)) ** 2).sum()
    np.testing.assert_allclose(cells.profile, profile(counts), rtol=1e-12)
    assert cells.noise == pytest.approx(expected, rel=1e-9)
    assert cells[np.array([0])].noise == 0


def test_noise_foretells_the_spread_of_repeats() -> None:
    rng = np.random.default_rng(1)
    means = rng.gamma(2.0, 10.0, size=30)
    repeats = [poisson(means, 25, rng) for _ in range(300)]
    spread = np.array([cells.profile for cells in repeats]).var(axis=0, ddof=1).sum()
    assert np.mean([cells.noise for cells in repeats]) == pytest.approx(spread, rel=0.05)


def test_libraries_beyond_the_measured_genes_count() -> None:
    counts = np.array([[1.0, 3.0], [2.0, 2.0]])
    np.testing.assert_allclose(
        group(counts, np.array([100.0, 60.0])).profile, np.log1p(5e4 * counts.sum(0) / 160)
    )


@pytest.mark.parametrize("mean", [0.05, 1.0, 30.0])
def test_rank_test_equals_scipy_and_sees_every_tie(mean: float) -> None:
    rng = np.random.default_rng(2)
    one, two = rng.poisson(mean, (23, 40)), rng.poisson(1.4 * mean, (31, 40))
    one[:, 0] = two[:, 0] = 0
    one[:, 1] = two[:, 1] = 4
    # A quarter has ties across cells only when the division is exact in both.
    found = RankTest(sp.csr_matrix(two / 4.0)).p_values(sp.csr_matrix(one / 4.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = stats.mannwhitneyu(one, two, axis=0, method="asymptotic").pvalue
    np.testing.assert_allclose(found, np.where(np.isnan(expected), 1.0, expected), rtol=1e-9)
    assert found[0] == found[1] == 1


def test_rank_test_keeps_its_level_under_the_null() -> None:
    rng = np.random.default_rng(3)
    p = RankTest(sp.csr_matrix(rng.poisson(2.0, (60, 4000)))).p_values(
        sp.csr_matrix(rng.poisson(2.0, (40, 4000)))
    )
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.01)


def test_no_change_gives_control_cells() -> None:
    pool = poisson(np.array([0.3, 4.0, 20.0, 0.0]), 50, np.random.default_rng(4))
    emitter = Emitter(pool)
    made = emitter.of_mean(emitter.mean, 50, np.random.default_rng(0))
    assert sorted(map(tuple, made.counts.toarray())) == sorted(map(tuple, pool.counts.toarray()))
    np.testing.assert_allclose(np.sort(made.library), np.sort(pool.library))


@pytest.mark.parametrize("overdispersion", [0.0, 0.5])
def test_emitted_cells_have_the_predicted_mean_and_the_true_fold_change(overdispersion: float) -> None:
    rng = np.random.default_rng(5)
    base = rng.lognormal(-0.5, 1.6, size=200)
    factor = np.exp(rng.normal(0, 0.7, size=200))

    def drawn(means: np.ndarray, n: int) -> Group:
        rates = means * (
            rng.gamma(1 / overdispersion, overdispersion, (n, 200)) if overdispersion else np.ones((n, 1))
        )
        return group(rng.poisson(rates))

    pool, truth = drawn(base, 300), drawn(base * factor, 3000)
    target = Emitter(truth).mean
    made = Emitter(pool).of_mean(target, 3000, rng)
    before = np.abs(Emitter(pool).mean - target).mean()
    assert np.abs(Emitter(made).mean - target).mean() < 0.1 * before
    seen = truth.sums / 3000 > 0.5
    ratio = np.log(made.sums / made.library.sum())[seen] - np.log(truth.sums / truth.library.sum())[seen]
    assert np.abs(ratio).mean() < 0.08
    assert (made.counts.data == np.rint(made.counts.data)).all()
    # The share of zeros follows the mean, as it does in real cells.
    zeros = [1 - np.diff(x.counts.tocsc().indptr) / 3000 for x in (made, truth)]
    assert np.abs(zeros[0] - zeros[1])[seen].mean() < 0.05


def test_emitted_libraries_gain_what_cells_gain() -> None:
    rng = np.random.default_rng(6)
    counts = rng.poisson(5.0, size=(40, 10)).astype(float)
    rest = 1000.0
    emitter = Emitter(group(counts, counts.sum(axis=1) + rest))
    made = emitter.of_mean(emitter.mean + 0.3, 40, rng)
    held = np.asarray(made.counts.sum(axis=1)).ravel()
    np.testing.assert_allclose(made.library - held, rest)
    assert held.sum() > counts.sum()
    none = emitter.of_mean(np.zeros(10), 40, rng)
    assert none.counts.nnz == 0
    np.testing.assert_allclose(none.library, rest)


def test_drawn_cells_keep_their_shares() -> None:
    rng = np.random.default_rng(7)
    pool = poisson(np.full(6, 50.0), 30, rng)
    cells = np.log1p(1e4 * pool.counts.toarray() / pool.library[:, None])
    made = Emitter(pool).of_cells(cells, 30, rng)
    shares = [np.sort(x.per_million.toarray(), axis=0) for x in (made, pool)]
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-9)


def sides(seed: int = 0, cells: int = 60) -> tuple[Side, Side, np.ndarray]:
    """Six perturbations of strong effect, a first and a second sample of the same cells."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(2.0, 10.0, size=40)
    factors = np.exp(rng.normal(0, 0.6, size=(6, 40)))
    controls = Controls(poisson(base, 100, rng))
    one, two = (Side.of((poisson(base * f, cells, rng), controls) for f in factors) for _ in range(2))
    own = np.zeros((6, 40), dtype=bool)
    own[np.arange(6), np.arange(6)] = True
    return one, two, own


def test_the_truth_itself_is_perfect_and_a_repeat_is_near() -> None:
    made, true, own = sides()
    names = np.arange(40)
    for of, atol in ((true, 0.0), (made, 0.35)):
        for value in (
            measures.discrimination(of, true, own),
            measures.direction_fidelity(of, true, own),
            measures.direction_reach(of, true, own, names),
            measures.significance_jaccard(of, true, own),
            1.0 - measures.fold_error(of, true, own),
        ):
            np.testing.assert_allclose(value, 1.0, atol=atol)
    # A repeat has error zero on average, once the noise of both samples is taken off.
    ratio = measures.squared_error(made, true, own).sum() / measures.squared_effect(true, own).sum()
    assert ratio == pytest.approx(0.0, abs=0.02)


def test_control_cells_as_prediction_have_error_one_and_fold_error_one() -> None:
    _, true, own = sides()
    still = replace(true, profile=true.origin, noise=true.origin_noise, log_fold=np.zeros_like(true.log_fold))
    ratio = measures.squared_error(still, true, own).sum() / measures.squared_effect(true, own).sum()
    # No two predictions differ, so none of the noise may be claimed; the control's own noise stays.
    assert ratio == pytest.approx(1 + true.origin_noise.sum() / 39 / measures.squared_effect(true, own).sum())
    np.testing.assert_allclose(measures.fold_error(still, true, own), 1.0)
    np.testing.assert_allclose(measures.direction_fidelity(still, true, own), 0.0)
    np.testing.assert_allclose(measures.discrimination(still, true, own), 0.5)


def test_own_genes_change_nothing() -> None:
    made, true, own = sides()
    wild = replace(
        made,
        profile=np.where(own, 99.0, made.profile),
        log_fold=np.where(own, -99.0, made.log_fold),
        adjusted=np.where(own, 0.0, made.adjusted),
    )
    for measure in (measures.discrimination, measures.significance_jaccard, measures.fold_error,
                    measures.direction_fidelity, measures.squared_error):  # fmt: skip
        np.testing.assert_allclose(measure(wild, true, own), measure(made, true, own))


def test_deepest_pure_prefix_fits_on_paper() -> None:
    true, made = (
        Side(*(np.zeros((1, 12)), np.zeros(1), np.zeros((1, 12)), np.zeros(1)), log_fold=fold, p=p, adjusted=p,
             tested=np.ones((1, 12), dtype=bool))
        for fold, p in (
            (np.ones((1, 12)), np.full((1, 12), 0.001)),
            (np.where(np.arange(12) < 10, 1.0, -1.0)[None, :], np.linspace(0.001, 0.9, 12)[None, :]),
        )
    )  # fmt: skip
    own = np.zeros((1, 12), dtype=bool)
    # Ten right, then two wrong: 10 of 11 is 91 %, 10 of 12 is 83 %.
    assert measures.direction_reach(made, true, own, np.arange(12))[0] == pytest.approx(11 / 12)
    turned = replace(made, p=made.p[:, ::-1], adjusted=made.p[:, ::-1])
    assert measures.direction_reach(turned, true, own, np.arange(12))[0] == 0


def screen(effect: float = 1.0, seed: int = 0, cells: int = 60) -> Screen:
    rng = np.random.default_rng(seed)
    conditions = (CONTROL, *(Condition((f"g{i}",)) for i in range(6)))
    base = rng.gamma(2.0, 5.0, size=30)
    factors = np.vstack([np.ones(30), np.exp(effect * rng.normal(size=(6, 30)))])
    of = np.repeat(np.arange(7), [2 * cells, *[cells] * 6])
    rng.shuffle(of)
    counts = rng.poisson(base * factors[of]).astype(float)
    sizes = pd.DataFrame({"library_size": counts.sum(axis=1)})
    genes = pd.Index([f"g{i}" for i in range(30)])
    return Screen(MemoryMatrix(sp.csr_matrix(counts)), "counts", genes, conditions, of, sizes)


def truth_of(of: Screen) -> tuple[Truth, Panel]:
    fold = Fold("f", of.conditions[1:3], of.conditions[3:])
    panel, replicate = Panel.of(sample_counts(of, fold.test, seed=0), of.genes)
    return Truth.of(pseudobulk(of, 0), fold, counts=(panel, replicate)), panel


def test_samples_are_the_halves_of_the_means() -> None:
    of = screen()
    halves = sample_counts(of, of.conditions[3:], seed=5)
    assert set(halves) == {CONTROL, *of.conditions[3:]}
    side = random_halves(of.condition_of, 7, 5)
    for condition, pair in halves.items():
        for number, cells in enumerate(pair):
            rows = np.flatnonzero((of.condition_of == of.conditions.index(condition)) & (side == number))
            np.testing.assert_array_equal(cells.counts.toarray(), of.matrix.rows(rows).toarray())


def test_samples_are_bounded_and_need_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    of = screen()
    monkeypatch.setattr(sample, "CELLS_PER_HALF", 7)
    monkeypatch.setattr(sample, "MOST_CONDITIONS", 2)
    halves = sample_counts(of, of.conditions[1:], seed=0)
    assert sum(not c.is_control for c in halves) == 2
    assert {len(part) for c, pair in halves.items() if not c.is_control for part in pair} == {7}
    assert sample_counts(replace(of, scale="log1p"), of.conditions[1:], seed=0) == {}


@pytest.mark.parametrize(("kept", "there"), [(3, False), (4, True)])
def test_conditions_with_too_few_cells_are_left_out(kept: int, there: bool) -> None:
    of = screen()
    spare = np.flatnonzero(of.condition_of == 3)[kept:]
    labels = of.condition_of.copy()
    labels[spare] = 4
    halves = sample_counts(replace(of, condition_of=labels), of.conditions[3:], seed=0)
    assert (of.conditions[3] in halves) == there
    assert of.conditions[4] in halves


def test_without_controls_there_is_no_panel() -> None:
    of = screen()
    labels = np.where(of.condition_of == 0, 1, of.condition_of)
    assert sample_counts(replace(of, condition_of=labels), of.conditions[3:], seed=0) == {}


def test_predictions_are_scored_on_counts_beside_the_replicate() -> None:
    truth, panel = truth_of(screen())
    made = Prediction(
        "exact", truth.genes, truth.conditions, truth.delta, np.ones_like(truth.delta), truth.control
    )
    still = replace(made, model="still", delta=np.zeros_like(truth.delta))
    means = score([made, still], truth, names=ON_COUNTS).groupby(["metric", "model"])["value"].mean()
    assert means["counts_discrimination", "exact"] == 1
    assert means["counts_discrimination", TECHNICAL_DUPLICATE] == 1
    assert means["counts_error", "exact"] < 0.1
    assert means["counts_error", "still"] == pytest.approx(1.0, abs=0.2)
    assert means["counts_error", TECHNICAL_DUPLICATE] == pytest.approx(0.0, abs=0.1)
    assert means["fold_error", "exact"] < 0.3 < means["fold_error", "still"]
    for name in ("direction_fidelity", "direction_reach", "significance_jaccard"):
        assert means[name, "exact"] > 0.7 > means[name, "still"]
    assert panel.own.sum() == 4


def test_scores_do_not_depend_on_the_order_of_genes_and_conditions() -> None:
    truth, _ = truth_of(screen())
    made = Prediction(
        "m", truth.genes, truth.conditions, 0.5 * truth.delta, np.ones_like(truth.delta), truth.control
    )
    order = np.random.default_rng(0).permutation(len(truth.genes))
    turned = Prediction("m", truth.genes[order], truth.conditions[::-1], *(
        x[::-1][:, order] for x in (made.delta, made.sd, made.control)
    ))  # fmt: skip
    tables = [score(x, truth, names=ON_COUNTS, duplicate=False) for x in (made, turned)]
    pd.testing.assert_frame_equal(*tables)


def test_a_panel_without_effect_is_refused_and_not_a_number() -> None:
    # Of panels without any effect, about half have a sum below zero.
    weak = next(
        (truth, panel) for seed in range(20)
        for truth, panel in [truth_of(screen(effect=0.0, seed=seed, cells=12))] if panel.underpowered
    )  # fmt: skip
    truth, panel = weak
    with pytest.raises(DataError, match="change no more than noise does") as caught:
        normalised_error(panel.measured, panel)
    assert "more cells" in caught.value.fix
    still = Prediction(
        "m", truth.genes, truth.conditions, np.zeros_like(truth.delta), truth.delta, truth.control
    )
    table = score(still, truth, names=["counts_error", "significance_jaccard"], duplicate=False)
    by_metric = table.set_index("metric")["value"]
    assert by_metric["counts_error"].isna().all()
    assert by_metric["significance_jaccard"].notna().all()


def test_without_counts_there_are_no_such_rows() -> None:
    of = screen()
    truth = Truth.of(pseudobulk(of, 0), Fold("f", of.conditions[1:3], of.conditions[3:]))
    made = Prediction(
        "m", truth.genes, truth.conditions, truth.delta, np.ones_like(truth.delta), truth.control
    )
    assert not set(score(made, truth)["metric"]) & set(ON_COUNTS)
