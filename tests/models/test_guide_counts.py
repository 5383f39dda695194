"""The guide model: the mixture against brute force, planted efficiencies and effects, honest errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.screen import Screen
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.measurements.counts import log_prob, sample
from pajamo.models.parts.guide_mixture import ControlScores, EfficiencyGrid, GuideCells, log_ratio
from pajamo.models.parts.guide_prior import prior_variance
from pajamo.models.parts.guide_response import ReportedMean, mixture_effect, mixture_slope
from pajamo.models.registry import create

GENES = 30
EFFICIENCY = {"A": (0.9, 0.5, 0.1), "B": (0.7, 0.3), "C": (0.8, 0.8)}
DISPERSION = 0.2


def effects_of(seed: int) -> dict[str, np.ndarray]:
    """Strong edits of A and B on half of the genes; C does nothing."""
    rng = np.random.default_rng([seed, 1])
    strong = {name: rng.normal(0, 1.0, GENES) * (rng.random(GENES) < 0.5) for name in "AB"}
    return {**strong, "C": np.zeros(GENES)}


def screen(
    seed: int = 0, cells: int = 150, *, states: bool = False, guides: bool = True, draw: int = 0
) -> Screen:
    """Guides with planted efficiencies, two batches, a double; with `states`, all cells are in one of two states."""
    fixed, rng = np.random.default_rng(seed), np.random.default_rng([seed, 2, draw])
    effects = effects_of(seed)
    rows: list[tuple[tuple[str, ...], str]] = [((), "nt")] * (4 * cells)
    for gene, efficiencies in EFFICIENCY.items():
        rows += [((gene,), f"{gene}g{j}") for j in range(len(efficiencies)) for _ in range(cells)]
    rows += [(("A", "B"), "Ag0+Bg0")] * cells
    base = np.log(fixed.uniform(5e-4, 5e-3, GENES))
    state, shift = fixed.normal(0, 0.9, GENES) * states, fixed.normal(0, 0.2, GENES)
    batch = rng.random(len(rows)) < 0.5
    eta = base + np.outer(batch - 0.5, shift) + np.outer(rng.random(len(rows)) < 0.3, state)
    for i, (genes, guide) in enumerate(rows):
        for gene, own in zip(genes, guide.split("+"), strict=False):
            if rng.random() < EFFICIENCY[gene][int(own[-1])]:
                eta[i] += effects[gene]
    library = rng.lognormal(7.5, 0.3, len(rows))
    counts = sample(library[:, None] * np.exp(eta), np.array(DISPERSION), rng)
    conditions = (Condition(()), *(Condition(tuple(g)) for g in ("A", "B", "C", "AB")))
    of = np.array([conditions.index(Condition(genes)) for genes, _ in rows])
    table = pd.DataFrame({"library_size": library, "batch": np.where(batch, "b", "a")})
    if guides:
        table["guide"] = [guide for _, guide in rows]
    matrix = MemoryMatrix(sp.csr_matrix(counts.astype(float)))
    names = pd.Index([f"g{i}" for i in range(GENES)])
    return Screen(matrix, "counts", names, conditions, of, table, simulated=True)


def training_of(seen: Screen, names: str = "ABC") -> TrainingSet:
    conditions = [Condition((name,)) for name in names]
    counts = CountTable.from_screen(seen, conditions)
    return TrainingSet.from_pseudobulk(pseudobulk(seen), conditions, counts=counts)


@pytest.fixture(scope="module")
def fitted():
    return create("guide-counts").fit(training_of(screen()))


def random_cells(seed: int = 0, cells: int = 7, guides: int = 2) -> tuple[GuideCells, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = GuideCells(
        sp.csr_matrix(rng.poisson(2.0, (cells, 4)).astype(float)), rng.uniform(500, 2000, cells),
        rng.integers(0, guides, cells), guides, np.zeros(cells, dtype=np.intp), np.full((1, 4), np.log(1e-3)),
        np.array([0.0, 1e-6, 0.3, 2.0]),
    )  # fmt: skip
    return group, rng.normal(0, 1, 4)


def log_nb(counts, mean, dispersion):
    return log_prob(*(torch.tensor(np.asarray(x, dtype=float)) for x in (counts, mean, dispersion))).numpy()


def test_log_ratio_is_the_difference_of_two_likelihoods():
    cells, effect = random_cells()
    mean = cells.library[:, None] * np.exp(cells.rates)
    both = [log_nb(cells.counts.toarray(), m, cells.dispersion) for m in (mean * np.exp(effect), mean)]
    np.testing.assert_allclose(cells.log_ratio(effect), (both[0] - both[1]).sum(axis=1), atol=1e-6)
    assert (log_ratio(cells.counts.toarray(), mean, np.zeros(4), cells.dispersion) == 0).all()


def test_posterior_is_the_product_over_cells_written_out():
    cells, effect = random_cells()
    grid = EfficiencyGrid.beta(2.0, 1.0)
    ratio = cells.log_ratio(effect)
    for guide in range(2):
        likelihood = np.ones_like(grid.value)
        for s in ratio[cells.guide_of == guide]:
            likelihood *= grid.value * np.exp(s) + 1 - grid.value
        expected = grid.value * likelihood
        np.testing.assert_allclose(cells.posterior(ratio, grid)[guide], expected / expected.sum(), rtol=1e-9)


def test_edit_probability_is_bayes_rule_with_the_efficiency_summed_out():
    cells, effect = random_cells()
    grid, ratio = EfficiencyGrid.beta(1.5, 2.0), cells.log_ratio(effect)
    posterior = cells.posterior(ratio, grid)
    found = cells.edited(ratio, posterior, grid)
    for i, s in enumerate(ratio):
        bayes = grid.value * np.exp(s) / (grid.value * np.exp(s) + 1 - grid.value)
        assert found[i] == pytest.approx(posterior[cells.guide_of[i]] @ bayes)


def test_steps_climb_to_a_stationary_point_of_the_exact_posterior():
    """Without inflation, the fixed point has no slope of log p(effect) + log of the evidence, both by differences."""
    cells, _ = random_cells(3, cells=60)
    grid, precision, effect = EfficiencyGrid.beta(2.0, 1.0), np.full(4, 2.0), np.zeros(4)

    def objective(x):
        mixture = grid.log_mixture(cells.log_ratio(x))
        sums = np.array([mixture[cells.guide_of == g].sum(axis=0) for g in range(2)]) + grid.log_prior
        return np.logaddexp.reduce(sums, axis=1).sum() - 0.5 * precision @ x**2

    values = [objective(effect)]
    for _ in range(200):
        effect, _ = cells.step(effect, precision, grid, 1.0)
        values.append(objective(effect))
    assert (np.diff(values) > -1e-9).all()
    slope = [(objective(effect + h) - objective(effect - h)) / 2e-5 for h in 1e-5 * np.eye(4)]
    np.testing.assert_allclose(slope, 0.0, atol=1e-3)


def test_dividing_an_efficiency_divides_its_mean():
    grid, rng = EfficiencyGrid.beta(2.0, 1.0), np.random.default_rng(0)
    probability = rng.dirichlet(np.ones(len(grid.value)), 3)
    half = grid.divided(probability, 2.0)
    np.testing.assert_allclose(half.sum(axis=1), 1.0)
    np.testing.assert_allclose(half @ grid.value, probability @ grid.value / 2.0, rtol=1e-3)
    np.testing.assert_allclose(grid.divided(probability, 1.0), probability, atol=1e-12)
    assert (grid.divided(probability, 1e-3)[:, -1] > 0.99).all()
    np.testing.assert_allclose(EfficiencyGrid.complete().divided(np.ones((2, 1)), 1.5), 1.0)


def test_complete_grid_edits_every_cell():
    cells, effect = random_cells()
    grid, ratio = EfficiencyGrid.complete(), cells.log_ratio(effect)
    np.testing.assert_allclose(cells.edited(ratio, cells.posterior(ratio, grid), grid), 1.0)
    np.testing.assert_allclose(grid.log_mixture(ratio)[:, 0], ratio)


def test_efficiencies_come_back_with_honest_intervals():
    inside, errors = [], []
    for seed in range(5):
        table = create("guide-counts").fit(training_of(screen(seed))).efficiencies()
        told = table[table["perturbation"] != "C"]
        truth = np.array([EFFICIENCY[g[0]][int(g[-1])] for g in told["guide"]])
        inside += list((told["low"] <= truth) & (truth <= told["high"]))
        errors += list((told["efficiency"] - truth) / told["sd"])
    assert np.mean(inside) >= 0.8
    assert 0.5 < np.sqrt(np.mean(np.square(errors))) < 1.7


def test_effects_of_edited_cells_come_back(fitted):
    truth, found = effects_of(0), fitted.fitted
    for row, name in enumerate("AB"):
        z = (found.effects[row] - truth[name]) / np.sqrt(found.effect_variance[row])
        assert np.corrcoef(found.effects[row], truth[name])[0, 1] > 0.95
        assert 0.5 < np.sqrt(np.mean(z**2)) < 1.8
    assert np.abs(found.effects[2]).max() < 0.3


def test_without_efficiency_effects_are_diluted(fitted):
    diluted = create("guide-counts", {"complete": True}).fit(training_of(screen()))
    truth = effects_of(0)["A"]
    slopes = [model.fitted.effects[0] @ truth / (truth @ truth) for model in (fitted, diluted)]
    assert slopes[0] == pytest.approx(1.0, abs=0.12)
    assert slopes[1] < 0.7


def test_a_perturbation_that_does_nothing_says_nothing_of_its_guides(fitted):
    table = fitted.efficiencies().set_index("perturbation")
    assert (table.loc["C", "apart"] < 1).all()
    assert (table.loc["C", "high"] - table.loc["C", "low"] > 0.3).all()
    assert (table.loc["A", "apart"] > 2).all()


def test_states_of_control_cells_do_not_pass_for_edits(monkeypatch):
    """Two states move all genes together in every cell; C still does nothing, and would seem to without the guard."""
    training = training_of(screen(states=True))
    guarded = create("guide-counts").fit(training)
    monkeypatch.setattr(ControlScores, "inflation", lambda self, effect: 1.0)
    naive = create("guide-counts").fit(training)
    assert np.abs(naive.fitted.effects[2]).mean() > 5 * np.abs(guarded.fitted.effects[2]).mean()
    assert np.abs(guarded.fitted.effects[2]).max() < 0.4


def test_inflation_is_the_ratio_of_score_variances():
    rng = np.random.default_rng(0)
    together = rng.normal(0, 1, (4000, 1)) + rng.normal(0, 1, (4000, 3))
    scores = ControlScores(together, np.full(3, 2.0))
    assert scores.inflation(np.ones(3)) == pytest.approx(12 / 6, rel=0.1)
    assert scores.inflation(np.array([1.0, -1.0, 0.0])) == 1.0
    assert scores.inflation(np.zeros(3)) == 1.0
    assert scores.apart(np.ones(3)) == pytest.approx(np.sqrt(6 / 2), rel=0.05)


def test_edited_cells_are_told_from_unedited_ones(fitted):
    table = training_of(screen()).counts
    assert table is not None
    probability = fitted.edit_probability(table)
    control = np.array([c.is_control for c in table.conditions])[table.condition_of]
    assert (probability[control] == 0).all()
    guides = np.array(table.guides)[table.guide_of]
    for j, efficiency in enumerate(EFFICIENCY["A"]):
        own = probability[guides == f"Ag{j}"]
        assert own.mean() == pytest.approx(efficiency, abs=0.12)
        assert ((own < 0.1) | (own > 0.9)).mean() > 0.7


def test_likelihood_of_held_out_cells_is_better_with_efficiency(fitted):
    diluted = create("guide-counts", {"complete": True}).fit(training_of(screen()))
    fresh = screen(0, draw=1)
    table = CountTable.from_screen(fresh, fresh.conditions)
    a = table.condition_of == table.conditions.index(Condition(("A",)))
    gain = fitted.cell_log_likelihood(table)[a] - diluted.cell_log_likelihood(table)[a]
    assert gain.mean() > 5 * gain.std() / np.sqrt(a.sum())
    double = table.condition_of == table.conditions.index(Condition(("A", "B")))
    assert np.isnan(fitted.cell_log_likelihood(table)[double]).all()


def test_prediction_is_the_mixture_that_was_measured_and_its_error_is_honest():
    """Against a long simulation of an average guide."""
    asked = [Condition((name,)) for name in "ABC"]
    z = []
    for seed in range(5):
        seen = screen(seed)
        prediction = create("guide-counts").fit(training_of(seen)).predict(asked)
        z.append((prediction.delta - _truth(seen, seed)) / prediction.sd)
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.5


def _truth(seen: Screen, seed: int) -> np.ndarray:
    """Change of ln(1 + CP10K) of an average guide, from 10,000 fresh cells of each kind in the average batch."""
    rng = np.random.default_rng([seed, 7])
    base = np.log(np.random.default_rng(seed).uniform(5e-4, 5e-3, GENES))
    library = rng.choice(seen.cells["library_size"].to_numpy(), 10_000)[:, None]

    def mean(eta):
        return np.log1p(sample(library * np.exp(eta), np.array(DISPERSION), rng) * 1e4 / library).mean(axis=0)

    control, effects = mean(base), effects_of(seed)
    return np.array([np.mean(EFFICIENCY[g]) * (mean(base + effects[g]) - control) for g in "ABC"])


def test_combination_is_the_mean_over_which_edits_a_cell_carries():
    reported = ReportedMean(np.array([1000.0, 3000.0]), np.full(4, 0.3))
    baseline, effects = np.log(np.full(4, 1e-3)), np.random.default_rng(0).normal(0, 1, (2, 4))
    found = reported.of_mixture(baseline, effects, [0.7, 0.4])
    expected = (
        0.7 * 0.4 * reported(baseline + effects.sum(axis=0))
        + 0.7 * 0.6 * reported(baseline + effects[0])
        + 0.3 * 0.4 * reported(baseline + effects[1])
        + 0.3 * 0.6 * reported(baseline)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_fully_edited_cells_change_more(fitted):
    full = create("guide-counts", {"fully_edited": True}).fit(training_of(screen()))
    asked = [Condition(("A",))]
    moved = np.abs(effects_of(0)["A"]) > 0.3
    ratio = full.predict(asked).delta[0, moved] / fitted.predict(asked).delta[0, moved]
    assert np.median(ratio) == pytest.approx(2.0, abs=0.4)


def test_a_ladder_leaves_it_out_where_no_guides_were_recorded():
    conditions = [Condition(("A",))]
    assert "no guides" in create("guide-counts").refusal(training_of(screen(guides=False)), conditions)
    assert create("guide-counts").refusal(training_of(screen()), conditions) is None


def test_without_guides_each_perturbation_is_one():
    model = create("guide-counts").fit(training_of(screen(guides=False)))
    table = model.efficiencies()
    assert list(table["guide"]) == ["A", "B", "C"]
    assert table["efficiency"][0] == pytest.approx(0.5, abs=0.12)


def test_refuses_without_counts_without_singles_and_for_too_many_at_once(table):
    a, b = Condition(("A",)), Condition(("B",))
    assert "no raw counts" in create("guide-counts").refusal(table({a: [1.0]}), [a])
    training = training_of(screen(cells=10), "A")
    assert "B" in create("guide-counts").refusal(training, [a, b])
    many = Condition(tuple("ABCDEFGHI"))
    assert "9" in create("guide-counts").refusal(training, [many])
    with pytest.raises(ModelError, match="cannot predict"):
        create("guide-counts").fit(training).predict([b])


def test_prior_width_follows_the_perturbation_and_the_gene():
    rng = np.random.default_rng(0)
    part, gene = np.array([0.01, 0.1, 1.0] * 10), rng.choice([0.1, 1.0], 200)
    effects = rng.normal(0, np.outer(part, gene))
    found = prior_variance(effects, np.zeros_like(effects))
    strong = found[part == 1.0]
    assert strong.mean() / found[part == 0.1].mean() > 10
    assert strong[:, gene == 1.0].mean() / strong[:, gene == 0.1].mean() > 5
    assert (found >= 1e-4).all()


def test_mixture_effect_and_its_slope():
    effect = np.array([-2.0, 0.0, 1.5])
    np.testing.assert_allclose(np.exp(mixture_effect(effect, 0.3)), 0.3 * np.exp(effect) + 0.7)
    difference = (mixture_effect(effect + 1e-6, 0.3) - mixture_effect(effect - 1e-6, 0.3)) / 2e-6
    np.testing.assert_allclose(mixture_slope(effect, 0.3), difference, rtol=1e-6)
