"""Graph-shift: its graph and kernel by hand, matched controls, and planted relatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.models.latent_parts.gene_graph import GeneGraph
from pajamo.models.latent_parts.matched_controls import matched_change, with_change
from pajamo.models.latent_parts.shift_kernel import PULL, TOGETHER, ShiftKernel, covariance, strengths
from pajamo.models.latent_parts.shift_regression import ShiftRegression
from pajamo.models.parts.variance_components import SCALES
from pajamo.models.registry import create

A, B, AB = Condition(("A",)), Condition(("B",)), Condition(("A", "B"))
VECTORS = {"A": np.array([2.0, 0.0]), "B": np.array([0.0, 2.0]), "near A": np.array([3.0, 0.2])}


@pytest.fixture
def graph() -> GeneGraph:
    return GeneGraph.of(["A", "B", "no vector"], VECTORS, 1)


def test_a_perturbed_gene_links_to_itself_and_a_relative_to_its_neighbour(graph):
    links = graph.links(graph.directions(["A", "B", "near A", "no vector", "unheard of"], VECTORS))
    np.testing.assert_allclose(links, [[1, 0], [0, 1], [1, 0], [0, 0], [0, 0]])


def test_links_are_a_covariance_for_any_genes():
    rng = np.random.default_rng(0)
    vectors = {f"G{i}": rng.normal(size=4) for i in range(30)}
    graph = GeneGraph.of([f"G{i}" for i in range(12)], vectors, 3)
    links = graph.links(graph.directions(sorted(vectors), vectors))
    assert np.linalg.eigvalsh(links @ links.T).min() > -1e-12
    assert ((links > 0).sum(axis=1) <= 3).all()


def test_kernel_of_singles_and_their_double_by_hand(graph):
    kernel = ShiftKernel(graph, VECTORS, {"A": 2.0, "B": 1.0})
    parameters = np.array([0.0, 0.0, 0.0, np.log(0.8), 0.0])
    blocks = kernel.blocks([A, B, AB], [A, B, AB])
    # A quarter each: common 1, own 1, vectors opposite each other after centring, links apart.
    single = np.array([[4 * 4, 2 * (1 - 1)], [2 * (1 - 1), 4]]) / 4
    double = single.sum() * 0.64 + TOGETHER * 2.0
    row = 0.8 * single.sum(axis=0)
    expected = np.block([[single, row[:, None]], [row, double]])
    np.testing.assert_allclose(covariance(blocks, parameters), expected, atol=1e-12)


def test_strengths_by_hand():
    change = np.array([[3.0, 3.0], [1.0, 1.0], [9.0, 9.0]])
    found = strengths(change, np.array([1.0, 1.0, 1.0]), [A, B, AB])
    # Powers beyond noise are 8 and 0, their mean 4; the double says nothing of either.
    assert found["A"] == pytest.approx(np.sqrt((2 + PULL) / (1 + PULL)))
    assert found["B"] == pytest.approx(np.sqrt(PULL / (1 + PULL)))


def relatives(table, seed: int = 0, noise: float = 0.05) -> tuple[TrainingSet, dict[str, np.ndarray]]:
    """Two families of perturbations; members of each respond alike and have vectors that lie together."""
    rng = np.random.default_rng(seed)
    programme = {"X": np.kron([1.0, 0.0], np.ones(10)), "Y": np.kron([0.0, -1.0], np.ones(10))}
    changes, vectors = {}, {}
    for i in range(24):
        name = f"{'XY'[i % 2]}{i}"
        vectors[name] = np.array([1.0, -1.0][i % 2] * np.array([1.0, 0.5]) + rng.normal(0, 0.1, 2))
        response = programme[name[0]] * rng.uniform(0.8, 1.2) + rng.normal(0, noise, 20)
        changes[Condition((name,))] = response.tolist()
    training = table(changes, control=3.0, variance=noise**2 * 50, cells=50)
    return replace(training, embedding=vectors), programme


def without(training: TrainingSet, names: tuple[str, ...]) -> TrainingSet:
    rows = [i for i, c in enumerate(training.conditions) if not set(names) & set(c.genes)]
    conditions = tuple(training.conditions[i] for i in rows)
    return replace(training, conditions=conditions, moments=training.moments[rows])


def test_an_unseen_perturbation_responds_as_its_neighbours(table):
    training, programme = relatives(table)
    model = create("graph-shift", {"axes": 3}).fit(without(training, ("X0", "Y1")))
    prediction = model.predict([Condition(("X0",)), Condition(("Y1",)), Condition(("STRANGER",))])
    np.testing.assert_allclose(prediction.delta[0], programme["X"], atol=0.25)
    np.testing.assert_allclose(prediction.delta[1], programme["Y"], atol=0.25)
    # Who has no relatives has the mean response at most, a wide error, and no trust.
    assert np.abs(prediction.delta[2]).max() < 0.7
    assert prediction.sd[2].mean() > 1.5 * prediction.sd[0].mean()
    assert prediction.trusted.tolist() == [1.0, 1.0, 0.0]


def test_vectors_that_say_nothing_are_not_believed(table):
    training, _ = relatives(table)
    rng = np.random.default_rng(1)
    meaningless = {name: rng.normal(size=2) for name in training.embedding}
    weight = {}
    for key, embedding in (("true", training.embedding), ("shuffled", meaningless)):
        model = create("graph-shift", {"axes": 3}).fit(replace(training, embedding=embedding))
        rows = model.weights().query("quantity == 'variance part'").set_index("of")["value"]
        weight[key] = rows["vector"] + rows["graph"]
    # Half of the responses' variance is their common mean, which no family explains.
    assert weight["true"] > 0.4
    assert weight["shuffled"] < 0.1


def test_measured_singles_and_the_share_of_a_sum(table):
    rng = np.random.default_rng(2)
    names = [f"P{i}" for i in range(12)]
    effect = {name: rng.normal(0, 0.4, 30) for name in names}
    changes = {Condition((name,)): effect[name].tolist() for name in names}
    pairs = [(names[i], names[j]) for i in range(12) for j in range(i)]
    doubles = [pairs[i] for i in rng.permutation(len(pairs))[:20]]
    truth = {Condition(pair): 0.7 * (effect[pair[0]] + effect[pair[1]]) for pair in doubles}
    changes |= {c: truth[c].tolist() for c in list(truth)[:15]}
    training = table(changes, control=4.0, variance=0.01, cells=50)
    model = create("graph-shift", {"axes": 12}).fit(training)
    singles = [Condition((name,)) for name in names]
    np.testing.assert_allclose(model.predict(singles).delta, [effect[n] for n in names], atol=0.06)
    share = model.weights().query("quantity == 'share of the sum'")["value"].item()
    assert share == pytest.approx(0.7, abs=0.05)
    held = list(truth)[15:]
    error = model.predict(held).delta - np.array([truth[c] for c in held])
    assert np.sqrt((error**2).mean()) < 0.12


def counted(offset: float) -> TrainingSet:
    """Controls in both of two batches, the condition in the second alone, where all rates are higher."""
    rng = np.random.default_rng(3)
    batch = np.repeat([0, 1, 1], 200)
    of = np.repeat([0, 0, 1], 200)
    rate = np.where(batch[:, None] == 1, 5.0 * np.exp(offset), 5.0) * np.where(of[:, None] == 1, 1.5, 1.0)
    counts = rng.poisson(rate, (600, 40)).astype(float)
    library = np.full(600, 1e4)
    table = CountTable(sp.csr_matrix(counts), library, (Condition(()), A), of, ("one", "two"), batch)
    logged = np.log1p(counts)

    def moments(rows: np.ndarray) -> Moments:
        return Moments(
            np.array([rows.sum()]), logged[rows].mean(axis=0)[None], logged[rows].var(axis=0, ddof=1)[None]
        )

    return TrainingSet(
        pd.Index([f"g{i}" for i in range(40)]), (A,), moments(of == 1), (A.setting,), moments(of == 0),
        counts=table,
    )  # fmt: skip


def test_controls_of_the_same_batch_take_its_effect_away():
    training = counted(offset=0.5)
    rows = training.counts.condition_of == 0
    own_batch = rows & (training.counts.batch_of == 1)
    logged = np.log1p(training.counts.counts.toarray())
    honest = logged[training.counts.condition_of == 1].mean(axis=0) - logged[own_batch].mean(axis=0)
    matched = matched_change(training)[0]
    np.testing.assert_allclose(matched, honest, atol=0.02)
    assert (training.delta[0] - honest > 0.15).all()
    np.testing.assert_allclose(with_change(training, matched[None]).delta[0], matched)


def test_without_a_batch_effect_controls_are_hardly_moved():
    training = counted(offset=0.0)
    np.testing.assert_allclose(matched_change(training), training.delta, atol=0.03)
    plain = replace(training, counts=None)
    assert matched_change(plain) is plain.delta


def test_few_conditions_and_one_phenotype_are_refused(table):
    model = create("graph-shift")
    assert "2 training conditions" in model.refusal(table({A: [1.0, 0.0], B: [0.0, 1.0]}), ())
    growth = TrainingSet.from_table({A: 0.1, B: 0.2, AB: 0.3})
    assert "one measured gene" in model.refusal(growth, ())


def test_left_out_residuals_are_those_of_dense_algebra():
    rng = np.random.default_rng(4)
    names = [f"P{i}" for i in range(6)]
    conditions = [Condition((name,)) for name in names]
    vectors = {name: rng.normal(size=2) for name in names}
    kernel = ShiftKernel(GeneGraph.of(names, vectors, 2), vectors, dict.fromkeys(names, 1.0))
    blocks = kernel.blocks(conditions, conditions)
    noise, change = np.diag(rng.uniform(0.1, 0.3, 6)), rng.normal(size=(6, 1))
    found = ShiftRegression.fit(change, np.ones((1, 1)), noise, blocks)
    along = covariance(blocks, found.parameters)
    scales = found.along.responsibility[0]
    residual, variance = np.zeros(6), np.zeros(6)
    for scale, weight in zip(SCALES, scales, strict=True):
        total = scale * along + noise
        for i in range(6):
            rest = [j for j in range(6) if j != i]
            gain = np.linalg.solve(total[np.ix_(rest, rest)], total[rest, i])
            residual[i] += weight * (change[i, 0] - gain @ change[rest, 0])
            variance[i] += weight * (total[i, i] - gain @ total[rest, i])
    # The one axis is the one gene, so that nothing but noise is left outside of it.
    left, expected = found.left_out()
    np.testing.assert_allclose(left[:, 0], residual, atol=1e-8)
    assert (expected[:, 0] >= variance).all()
