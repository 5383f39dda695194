"""RENGE: the formula against the paper's loops, and a planted network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.parts.network_hops import Inputs, NetworkHops, regulators_of, time_scale
from pajamo.models.parts.training_rows import with_rows
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

GENES = [f"G{i}" for i in range(7)]
TIMES = (1.0, 2.0, 3.0, 4.0)


def logistic(value: float) -> float:
    return 1.0 / (1.0 + np.exp(-value))


def by_loops(network, alpha, beta, gamma, strength, condition, time, hops):
    """E - b of Ishikawa et al. 2023, eqs. 1 and 2, one hop and one perturbed gene at a time."""
    mask = np.array([0.0 if gene in condition.genes else 1.0 for gene in GENES])
    total = np.zeros(len(GENES))
    for name in condition.genes:
        state = np.zeros(len(GENES))
        state[GENES.index(name)] = strength[name]
        for hop in range(hops):
            state = network @ (state if hop == 0 else state * mask)
            total += logistic(alpha[name] + beta * time - gamma * hop) * state
    return total


def random_network(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    network = rng.normal(0, 0.5, (7, 7)) * (rng.random((7, 7)) < 0.4)
    np.fill_diagonal(network, 0.0)
    return network


@pytest.fixture
def course(table):
    """Knockouts of all genes at four times, from a planted network; targets' levels fall to zero."""
    network, alpha = random_network(1), dict.fromkeys(GENES, 0.5)
    strength = dict.fromkeys(GENES, -2.0)
    conditions = [Condition((gene,), time=time) for gene in GENES for time in TIMES]
    changes = {}
    for c in conditions:
        changes[c] = by_loops(network, alpha, 3.0, 1.0, strength, c, (c.time - 2.5) / 3.0, 3)
        changes[c][GENES.index(c.genes[0])] = -2.0
    return network, table(changes, control=2.0, variance=1e-4, cells=200, genes=GENES)


def test_hops_agree_with_the_papers_loops():
    rng = np.random.default_rng(0)
    network, hops = random_network(2), 4
    conditions = [
        Condition(("G1",), time=1.0),
        Condition(("G2", "G5"), time=3.0),
        Condition(("G4",), time=3.0),
    ]
    names, strength = ["G1", "G2", "G5"], {gene: float(rng.normal()) for gene in GENES}
    at = {gene: i for i, gene in enumerate(GENES)}
    module = NetworkHops(2, 7, torch.arange(7), len(names), 1, hops)
    with torch.no_grad():
        module.raw[1] = torch.from_numpy(network) + torch.eye(7)
        module.alpha[1] = torch.tensor([0.3, -0.4, 0.7])
    inputs = Inputs.of(conditions, at, at, {g: i for i, g in enumerate(names)}, strength, (2.0, 2.0))
    found = module(inputs)[1].detach().numpy()
    # The planted diagonal is ignored, and G4, never perturbed in training, has the mean delay.
    alpha = {"G1": 0.3, "G2": -0.4, "G5": 0.7, "G4": 0.2}
    beta = gamma = float(np.log(2.0))
    for row, c in enumerate(conditions):
        expected = by_loops(network, alpha, beta, gamma, strength, c, (c.time - 2.0) / 2.0, hops)
        np.testing.assert_allclose(found[row], expected, atol=1e-7)


def test_penalties_are_those_of_powers():
    network = random_network(3)
    module = NetworkHops(1, 7, torch.arange(7), 1, 1, 3)
    with torch.no_grad():
        module.raw[0] = torch.from_numpy(network)
    absolute, squares = module.penalties()
    powers = [np.linalg.matrix_power(network, k) for k in (1, 2, 3)]
    assert absolute.item() == pytest.approx(3 * np.abs(network).sum())
    assert squares.item() == pytest.approx(sum((power**2).sum() for power in powers))


def test_few_regulators_are_columns_of_the_whole_network():
    """With regulators that are all there is to regulate, leaving the other columns out changes nothing."""
    network, at = random_network(4), {gene: i for i, gene in enumerate(GENES)}
    network[:, [0, 3, 6]] = 0.0
    some = ["G1", "G2", "G4", "G5"]
    condition, strength = [Condition(("G2",))], dict.fromkeys(GENES, 1.0)
    whole, part = (
        NetworkHops(1, 7, torch.arange(7), 1, 1, 3),
        NetworkHops(1, 7, torch.tensor([1, 2, 4, 5]), 1, 1, 3),
    )
    with torch.no_grad():
        whole.raw[0], part.raw[0] = torch.from_numpy(network), torch.from_numpy(network[:, [1, 2, 4, 5]])
    moved = [
        module(Inputs.of(condition, at, {g: i for i, g in enumerate(group)}, {"G2": 0}, strength, (0.0, 1.0)))
        for module, group in ((whole, GENES), (part, some))
    ]
    torch.testing.assert_close(moved[0], moved[1])
    torch.testing.assert_close(whole.penalties()[1], part.penalties()[1])


def test_planted_network_is_recovered_and_forecasts_a_time_not_seen(course):
    network, training = course
    rows = [i for i, c in enumerate(training.conditions) if c.time < 4.0]
    early = with_rows(training, rows)
    model = fit_model(create("renge", {"steps": 400, "lasso": 0.9}), early)
    off = ~np.eye(7, dtype=bool)
    assert np.corrcoef(model.adjacency()[off], network[off])[0, 1] > 0.9
    late = [c for c in training.conditions if c.time == 4.0]
    truth = training.delta[[training.conditions.index(c) for c in late]]
    error = float(((model.predict(late).delta - truth) ** 2).mean())
    carried = training.delta[[training.conditions.index(Condition(c.genes, time=3.0)) for c in late]]
    assert error < 0.5 * float(((carried - truth) ** 2).mean())


def test_own_level_is_as_measured_at_other_times(course):
    _, training = course
    early = with_rows(training, [i for i, c in enumerate(training.conditions) if c.time < 4.0])
    model = fit_model(create("renge", {"steps": 5}), early)
    prediction = model.predict([Condition(("G3",), time=4.0)])
    assert prediction.level[0, 3] == pytest.approx(0.0, abs=0.05)


def test_regulators_are_all_genes_or_those_perturbed():
    assert regulators_of(["a", "b", "c"], ["b", "elsewhere"], most=3) == ["a", "b", "c"]
    assert regulators_of(["a", "b", "c"], ["b", "elsewhere"], most=2) == ["b"]


def test_time_scale():
    assert time_scale([2.0, 5.0, 3.0]) == (3.5, 3.0)
    assert time_scale([4.0, 4.0]) == (4.0, 1.0)


def test_one_phenotype_is_refused():
    training = TrainingSet.from_table({Condition(("a",)): 0.1, Condition(("b",)): 0.2})
    reason = create("renge").refusal(training, ())
    assert reason is not None
    assert "network" in reason
