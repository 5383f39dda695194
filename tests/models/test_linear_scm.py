"""Edits replace equations of a linear network: closed forms, planted networks, edits that a protocol names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from pajamo.data.conditions import Condition
from pajamo.data.history import Edit, History, Segment, Word
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.flows.linear import clamp_response
from pajamo.models.parts.linear_network import NetworkData, response_to_held
from pajamo.models.parts.own_levels import OwnLevels
from pajamo.models.registry import create

GENES = tuple(f"G{i:02d}" for i in range(10))
HELD = -1.0
"""Change at which every planted perturbation holds its target."""


@dataclass(frozen=True)
class Rule:
    """A protocol in which every perturbed gene gets one kind of edit."""

    kind: str
    strength: float = 1.0
    time_unit: str = "day"
    accepted: frozenset[str] = frozenset()

    def history(self, condition: Condition) -> History:
        edits = frozenset(Edit(gene, self.kind, self.strength) for gene in condition.genes)
        return History.of(Word((Segment(edits),)))

    def differentiates(self, condition: Condition) -> bool:
        return False

    def to_dict(self) -> dict[str, str]:
        return {"kind": self.kind}


def network(seed: int, size: int = len(GENES)) -> np.ndarray:
    """A random network with cycles whose loops fade."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.3, (size, size)) * (rng.random((size, size)) < 0.4)
    np.fill_diagonal(weights, 0.0)
    return weights * min(1.0, 0.7 / np.abs(np.linalg.eigvals(weights)).max())


def held_response(weights: np.ndarray, targets: list[int]) -> np.ndarray:
    """Solve x = W x with the targets held, the long way."""
    equations = np.eye(len(weights)) - weights
    equations[targets] = np.eye(len(weights))[targets]
    forcing = np.zeros(len(weights))
    forcing[targets] = HELD
    return np.linalg.solve(equations, forcing)


def conditions_of(*sets: tuple[int, ...]) -> list[Condition]:
    return [Condition(tuple(GENES[i] for i in chosen)) for chosen in sets]


@pytest.fixture
def screen(table):
    """All singles of a planted network, measured almost exactly."""
    weights = network(1)
    singles = {
        c: held_response(weights, [i]) for i, c in enumerate(conditions_of(*[(i,) for i in range(10)]))
    }
    return weights, table(singles, control=5.0, variance=1e-6, cells=1000, genes=list(GENES))


def test_closed_form_is_the_solution_of_the_edited_equations():
    """Targets keep none, half, all and one and a half of their own equation."""
    rng = np.random.default_rng(0)
    weights, targets = network(2), np.array([1, 4, 6, 7])
    kept, forcing = np.array([0.0, 0.5, 1.0, 1.5]), rng.normal(size=4)
    edited, right = np.eye(10) - weights, np.zeros(10)
    edited[targets] = np.eye(10)[targets] - kept[:, None] * weights[targets]
    right[targets] = forcing
    total = np.linalg.inv(np.eye(10) - weights)[:, targets]
    np.testing.assert_allclose(
        response_to_held(total, targets, kept, forcing), np.linalg.solve(edited, right), atol=1e-12
    )


def test_held_levels_agree_with_the_mechanism():
    weights, targets = network(3), np.array([0, 5, 8])
    total = np.linalg.inv(np.eye(10) - weights)
    to = np.array([-1.0, 2.0, 0.5])
    own = response_to_held(total[:, targets], targets, np.zeros(3), to)
    exact = clamp_response(torch.from_numpy(total), torch.zeros(10, dtype=torch.float64), targets.tolist(),
                           torch.from_numpy(to))  # fmt: skip
    np.testing.assert_allclose(own, exact.numpy(), atol=1e-12)


def test_network_is_recovered_and_inverted_through_few_conditions():
    weights = network(4)
    changes = np.array([held_response(weights, [i]) for i in range(10)])
    targets = [np.array([i]) for i in range(10)]
    found = NetworkData.of(changes, np.full(10, 1e-6), np.ones(10), targets).fit(1e-8)
    every = np.arange(10)
    np.testing.assert_allclose(found.weights(every), weights, atol=1e-4)
    np.testing.assert_array_equal(found.weights(every).diagonal(), 0.0)
    dense = np.linalg.inv(np.eye(10) - found.weights(every))
    np.testing.assert_allclose(found.total(every), dense, atol=1e-9)
    fewer = NetworkData.of(changes[:4], np.full(10, 1e-6), np.ones(4), targets[:4]).fit(0.1)
    dense = np.linalg.inv(np.eye(10) - fewer.weights(every))
    np.testing.assert_allclose(fewer.total(every), dense, atol=1e-9)


def test_a_genes_own_perturbation_does_not_enter_its_equation():
    """G0 is moved by hand in one condition only; nothing else moves it, so nothing regulates it."""
    rng = np.random.default_rng(5)
    changes = rng.normal(size=(6, 4))
    changes[:, 0] = [9.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    targets = [np.array([0]), *[np.array([1 + i % 3]) for i in range(5)]]
    found = NetworkData.of(changes, np.full(4, 0.01), np.ones(6), targets).fit(0.01)
    np.testing.assert_allclose(found.weights(np.arange(4))[0], 0.0, atol=1e-9)


def test_combinations_follow_the_set_knockout_formula(screen):
    weights, training = screen
    pairs = [(0, 3), (2, 7), (4, 5), (1, 2, 8)]
    model = create("linear-scm").fit(training)
    predicted = model.predict(conditions_of(*pairs)).delta
    truth = np.array([held_response(weights, list(pair)) for pair in pairs])
    added = np.array([training.delta[list(pair)].sum(axis=0) for pair in pairs])
    np.testing.assert_allclose(predicted, truth, atol=0.02)
    assert np.abs(added - truth).max() > 0.2


def test_shifts_add(screen):
    _, training = screen
    model = create("linear-scm").fit(replace(training, protocol=Rule("shift")))
    pair = conditions_of((2, 7))
    np.testing.assert_allclose(
        model.predict(pair).delta[0], model.predict(pair[0].parts()).delta.sum(axis=0), atol=1e-9
    )


def test_knockouts_named_by_the_protocol_are_held_as_measured_levels_are(screen):
    _, training = screen
    pair = conditions_of((2, 7))
    plain, named = (
        create("linear-scm").fit(t).predict(pair).delta
        for t in (training, replace(training, protocol=Rule("knockout")))
    )
    np.testing.assert_array_equal(plain, named)


def test_target_that_was_not_measured_acts_through_its_shift_alone(screen):
    _, training = screen
    renamed = [replace(c, genes=("HIDDEN",)) if c.genes == (GENES[7],) else c for c in training.conditions]
    model = create("linear-scm").fit(replace(training, conditions=tuple(renamed)))
    pair = Condition((GENES[2], "HIDDEN"))
    single = {
        c.genes[0]: delta for c, delta in zip(pair.parts(), model.predict(pair.parts()).delta, strict=True)
    }
    both = model.predict([pair]).delta[0]
    # G02 is held, whatever the hidden gene does to it.
    assert both[2] == pytest.approx(single[GENES[2]][2], abs=1e-3)
    assert "HIDDEN" not in model.levels.changes


def test_unseen_measured_gene_is_predicted_through_its_column(table):
    """Genes of two programmes: holding any gene of a programme moves the others of it."""
    rng = np.random.default_rng(6)
    of = np.arange(20) % 2
    effect = np.array([np.where(of == of[i], -0.6, 0.0) for i in range(20)]) + rng.normal(0, 0.01, (20, 20))
    np.fill_diagonal(effect, HELD)
    names = [f"X{i:02d}" for i in range(20)]
    seen = {Condition((names[i],)): effect[i] for i in range(16)}
    training: TrainingSet = table(seen, control=3.0, variance=1e-4, genes=names)
    model = create("linear-scm").fit(training)
    prediction = model.predict([Condition((name,)) for name in [*names[16:], "UNHEARD"]])
    np.testing.assert_allclose(prediction.delta[:4], effect[16:], atol=0.1)
    assert prediction.trusted is not None
    assert (prediction.trusted[:4] > 0.9).all()
    assert prediction.trusted[4] == 0.0


def test_own_levels_of_knockdowns_and_activations(table):
    down = table(
        {Condition(("a",)): [-0.5, 0.0], Condition(("b",)): [0.0, -0.5]}, genes=["a", "b"], variance=0.01
    )
    up = table(
        {Condition(("a",)): [0.6, 0.0], Condition(("b",)): [0.0, 1.0]}, genes=["a", "b"], variance=0.01
    )
    fallen, risen = OwnLevels.of(down), OwnLevels.of(up)
    assert fallen.change("a", 1.0) == pytest.approx(-0.5)
    assert fallen.change("never", 4.0) == pytest.approx(-2.0)
    assert risen.change("never", 4.0) == pytest.approx(0.8)
    assert OwnLevels.restored(risen.facts()) == risen


def test_one_phenotype_is_refused():
    training = TrainingSet.from_table({Condition(("a",)): 0.1, Condition(("b",)): 0.2})
    reason = create("linear-scm").refusal(training, ())
    assert reason is not None
    assert "equation" in reason
