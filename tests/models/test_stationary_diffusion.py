"""Stationary diffusion: Lyapunov's equation, the likelihood against dense algebra, and drawn cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.mechanisms.composition import incidence
from pajamo.models.parts.cell_axes import CellAxes
from pajamo.models.parts.stationary_law import MeanDesign, MeasuredMeans, StationaryLaw
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

NAMES = ("a", "b", "c", "d")
CONDITIONS = [
    *(Condition((name,)) for name in NAMES),
    Condition(("a", "b")),
    Condition(("c", "d")),
    Condition(("a",), time=1.0),
]
OWN = np.array([0.02, 0.05, 0.01, 0.04, 0.06, 0.03, 0.02])
CONTROL = np.array([0.01] * 6 + [0.07])


def random_law(seed: int, axes: int = 4) -> StationaryLaw:
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(axes, axes))
    law = StationaryLaw(
        half @ half.T + 0.1 * np.eye(axes), rng.normal(size=axes), rng.uniform(0.2, 1.0, axes)
    )
    with torch.no_grad():
        law.root += torch.from_numpy(rng.normal(size=(axes, axes)))
        law.circulation += torch.from_numpy(rng.normal(size=(axes, axes)))
        law.log_rate += 0.7
    return law


@pytest.fixture
def design() -> MeanDesign:
    return MeanDesign.of(CONDITIONS, NAMES, OWN, CONTROL)


def dense(spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Incidence, noise and covariance of the means along one axis."""
    members = incidence(CONDITIONS, NAMES)
    late = np.array([c.time for c in CONDITIONS])
    noise = np.diag(OWN) + (late[:, None] == late) * CONTROL
    return members, noise, spread**2 * members @ members.T + noise


@pytest.mark.parametrize("seed", range(4))
def test_every_law_is_stable_and_solves_lyapunov(seed):
    law = random_law(seed)
    drift, diffusion, covariance = law.drift(), law.diffusion(), law.covariance.numpy()
    np.testing.assert_allclose(drift @ covariance + covariance @ drift.T + diffusion, 0.0, atol=1e-9)
    assert np.linalg.eigvals(drift).real.max() < 0
    assert np.linalg.eigvalsh(diffusion).min() > 0
    np.testing.assert_allclose(law.response().detach().numpy() @ drift, -np.eye(4), atol=1e-9)


def test_at_equilibrium_means_answer_by_the_covariance_of_fluctuations():
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    law = StationaryLaw(covariance, np.zeros(2), np.ones(2))
    np.testing.assert_allclose(law.response().detach().numpy(), covariance / 1.001, rtol=1e-9)
    assert law.departure().item() == pytest.approx(0.0, abs=1e-5)


def test_likelihood_is_that_of_the_dense_normal(design):
    rng = np.random.default_rng(0)
    laws = [random_law(1), random_law(2)]
    means = MeasuredMeans.of(
        rng.normal(size=(7, 4)), rng.normal(size=(7, 4)), np.array([c.order for c in CONDITIONS]), design
    )
    differences = []
    for law in laws:
        left, spread = means.residual(law).detach().numpy(), law.log_spread.detach().exp().numpy()
        exact = -sum(
            multivariate_normal(np.zeros(7), dense(spread[axis])[2]).logpdf(left[:, axis])
            for axis in range(4)
        )
        differences.append(means.negative_log_likelihood(law).item() - exact)
    # Both leave out the same constant: the noise's determinant and the powers of 2 pi.
    assert differences[0] == pytest.approx(differences[1], abs=1e-9)


def test_posterior_and_its_variance_are_those_of_dense_algebra(design):
    residual, spread = np.random.default_rng(1).normal(size=(7, 2)), np.array([0.3, 1.2])
    asked = incidence([Condition(("a", "c")), Condition(("d",))], NAMES)
    for axis in range(2):
        members, _, covariance = dense(spread[axis])
        gain = spread[axis] ** 2 * members.T @ np.linalg.inv(covariance)
        np.testing.assert_allclose(
            design.posterior(residual, spread)[:, axis], gain @ residual[:, axis], atol=1e-9
        )
        posterior = spread[axis] ** 2 * np.eye(4) - gain @ members * spread[axis] ** 2
        np.testing.assert_allclose(
            design.variance(asked, spread)[:, axis], (asked @ posterior @ asked.T).diagonal(), atol=1e-9
        )


def test_left_out_residual_is_that_of_a_fit_without_it(design):
    residual, spread = np.random.default_rng(2).normal(size=(7, 1)), np.array([0.8])
    found = design.left_out(residual, spread)[:, 0]
    covariance = dense(0.8)[2]
    for row in range(7):
        rest = [i for i in range(7) if i != row]
        expected = covariance[row, rest] @ np.linalg.solve(covariance[np.ix_(rest, rest)], residual[rest, 0])
        assert found[row] == pytest.approx(residual[row, 0] - expected)


def cells_world(table, seed: int = 0) -> tuple[TrainingSet, np.ndarray]:
    """Two programmes of ten genes each under noise of equal size; every perturbation moves one of them."""
    rng = np.random.default_rng(seed)
    loadings = np.kron(np.eye(2), np.full(10, 0.5))
    names = [f"g{i}" for i in range(20)]
    conditions = [Condition((f"P{i}",)) for i in range(8)]
    moves = {c: (1.0 + 0.1 * i) * loadings[i % 2] for i, c in enumerate(conditions)}

    def cells(mean: np.ndarray) -> np.ndarray:
        return mean + rng.normal(size=(400, 2)) @ loadings + rng.normal(0, 0.3, (400, 20))

    kept = {c: cells(4.0 + move).astype(np.float32) for c, move in moves.items()}
    kept[Condition(())] = cells(np.full(20, 4.0)).astype(np.float32)
    variance = 0.25 + 0.09
    training = table(
        {c: move.tolist() for c, move in moves.items()}, control=4.0, variance=variance, cells=400, genes=names,
        cells_kept=kept,
    )  # fmt: skip
    return training, loadings


@pytest.fixture
def world(table):
    def with_cells(changes, *, cells_kept, **more):
        return replace(table(changes, **more), cells=cells_kept)

    return cells_world(with_cells)


def test_axes_tell_state_from_noise(world):
    training, _ = world
    axes = CellAxes.of(training, 2)
    np.testing.assert_allclose(axes.decode @ axes.encode, np.eye(2), atol=1e-9)
    # Along a programme the state has 10 x 0.25 of variance and the noise 0.09.
    np.testing.assert_allclose(axes.covariance, np.eye(2) * 2.5 / 2.59, atol=0.02)


def test_measured_singles_and_their_combinations(world):
    training, loadings = world
    model = fit_model(create("stationary-diffusion", {"axes": 2, "steps": 100}), training)
    singles = model.predict(training.conditions)
    np.testing.assert_allclose(singles.delta, training.delta, atol=0.1)
    pair = Condition(("P0", "P1"))
    prediction = model.predict([pair])
    np.testing.assert_allclose(prediction.delta[0], singles.delta[:2].sum(axis=0), atol=1e-9)
    np.testing.assert_allclose(prediction.delta[0], loadings[0] + 1.1 * loadings[1], atol=0.1)
    assert (model.predict([Condition(("NEVER",))]).sd > 2 * singles.sd[0]).all()


def test_drawn_cells_have_the_laws_mean_and_covariance(world):
    training, _ = world
    model = fit_model(create("stationary-diffusion", {"axes": 2, "steps": 100}), training)
    asked = Condition(("P0",))
    drawn = model.draw(asked, 4000, np.random.default_rng(0)).astype(float)
    np.testing.assert_allclose(drawn.mean(axis=0), model.predict([asked]).level[0], atol=0.05)
    measured = training.cells[asked].astype(float)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(measured.T), atol=0.08)


def test_cells_cannot_be_drawn_where_none_were_kept(table):
    changes = {Condition((f"P{i}",)): np.eye(4)[i].tolist() for i in range(4)}
    model = fit_model(create("stationary-diffusion", {"steps": 5}), table(changes, variance=0.1))
    with pytest.raises(ModelError, match="no control cells"):
        model.draw(Condition(("P0",)), 3, np.random.default_rng(0))


def test_one_phenotype_is_refused():
    training = TrainingSet.from_table({Condition(("a",)): 0.1, Condition(("b",)): 0.2})
    assert create("stationary-diffusion").refusal(training, ()) is not None
