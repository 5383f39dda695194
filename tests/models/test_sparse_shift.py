"""Sparse-shift: the masks' prior and relaxation, and planted perturbations of one programme or of none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.models.latent_parts.shifts import RATE, DenseShifts, MaskedShifts
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

ACTIVE, NULL = ("A0", "A1", "A2"), ("N0", "N1", "N2")


def masked(odds: list[list[float]]) -> MaskedShifts:
    start = np.array([[1.0, -2.0], [0.5, 4.0]])
    return MaskedShifts(start, np.array([1.0, 2.0]), 0.2, np.array(odds))


def test_penalty_is_the_divergence_of_masks_and_the_prior_of_shifts():
    shifts = masked([[0.0, 1.0], [-2.0, 3.0]])
    q = Bernoulli(logits=RATE * shifts.odds)
    prior = Bernoulli(torch.tensor(0.2, dtype=torch.float64))
    expected = kl_divergence(q, prior).sum() + 0.5 * (1.0 + 1.0 + 0.25 + 4.0)
    assert shifts.penalty().item() == pytest.approx(expected.item())


def test_penalty_of_dense_shifts_is_a_gaussian():
    assert DenseShifts(np.array([[2.0]]), np.array([4.0])).penalty().item() == pytest.approx(0.125)


def test_certain_masks_are_open_or_closed_and_doubtful_ones_are_drawn_about_their_probability():
    shifts = masked([[40.0, -40.0], [0.0, 0.0]])
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([shifts.drawn(generator) for _ in range(2000)]).detach().numpy()
    np.testing.assert_allclose(drawn[:, 0], [[1.0, 0.0]] * 2000, atol=1e-6)
    np.testing.assert_allclose(drawn[:, 1].mean(axis=0), [0.25, 2.0], rtol=0.05)
    np.testing.assert_allclose(shifts.expected().detach()[1], [0.25, 2.0])


@pytest.fixture(scope="module")
def training() -> TrainingSet:
    """Cells with two programmes; active perturbations move the first, the others none."""
    rng = np.random.default_rng(0)
    loadings = np.kron(np.eye(2), np.full(8, 0.4))

    def cells(shift: float, n: int) -> np.ndarray:
        state = rng.normal(0, 1, (n, 2)) + np.array([shift, 0.0])
        return np.maximum(3.0 + state @ loadings + rng.normal(0, 0.3, (n, 16)), 0.0).astype(np.float32)

    kept = {Condition(()): cells(0.0, 800)}
    kept |= {Condition((name,)): cells(2.5, 60) for name in ACTIVE}
    kept |= {Condition((name,)): cells(0.0, 60) for name in NULL}
    return from_cells(kept)


def from_cells(kept: dict[Condition, np.ndarray]) -> TrainingSet:
    conditions = tuple(sorted(c for c in kept if not c.is_control))

    def moments(which) -> Moments:
        groups = [np.asarray(kept[c], dtype=float) for c in which]
        return Moments(
            np.array([len(g) for g in groups]), np.stack([g.mean(axis=0) for g in groups]),
            np.stack([g.var(axis=0, ddof=1) for g in groups]),
        )  # fmt: skip

    genes = pd.Index([f"g{i}" for i in range(16)])
    control = Condition(())
    return TrainingSet(
        genes, conditions, moments(conditions), (control.setting,), moments([control]), cells=kept
    )


def test_masks_close_where_nothing_moves(training):
    model = fit_model(create("sparse-shift", {"axes": 2, "steps": 200, "hidden": 2, "active": 0.1}), training)
    table = model.weights()
    masks = table[table["quantity"] == "mask"].set_index("of")["value"]

    def strongest(name: str) -> float:
        return float(masks[masks.index.str.startswith(name)].max())

    assert min(strongest(name) for name in ACTIVE) > 0.9
    # Chance may open one of six masks that should be closed, but not most.
    assert np.median([strongest(name) for name in NULL]) < 0.5
    singles = model.predict([Condition((name,)) for name in (*ACTIVE, *NULL)])
    np.testing.assert_allclose(singles.delta[:3, :8], 1.0, atol=0.25)
    np.testing.assert_allclose(singles.delta[3:], 0.0, atol=0.12)


def test_doubt_about_a_mask_widens_the_error(training):
    model = fit_model(create("sparse-shift", {"axes": 2, "steps": 1, "hidden": 2}), training)
    asked = [Condition((ACTIVE[0],))]
    odds = model.autoencoder.shifts.odds
    with torch.no_grad():
        odds.fill_(10.0 / RATE)
    certain = model.predict(asked).sd
    with torch.no_grad():
        odds.fill_(0.0)
    assert (model.predict(asked).sd[:, :8] > 2.0 * certain[:, :8]).all()
