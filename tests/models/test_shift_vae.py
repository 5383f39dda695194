"""Shift-VAE: its parts against closed forms, and planted shifts of counted cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from torch.distributions import Independent, Normal, kl_divergence

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.screen import Screen
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.cell import BasalEncoder
from pajamo.errors import ModelError
from pajamo.measurements.counts import log_prob, mean_log1p, sample
from pajamo.models.latent_parts import cell_table
from pajamo.models.latent_parts.cell_table import CellTable
from pajamo.models.latent_parts.decoder import Decoder
from pajamo.models.latent_parts.likelihood import count_loss, reported_mean
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

NAMES = ("A", "B", "C", "D")
CONTROL = Condition(())
SINGLES = [Condition((name,)) for name in NAMES]
SEEN, HELD = Condition(("A", "C")), Condition(("A", "B"))
FAST = {"axes": 3, "steps": 60, "hidden": 4}


def rates(condition: Condition, state: np.ndarray) -> np.ndarray:
    """Two programmes of 12 genes; A and C raise the first, B and D the second; state shape (cells, 2)."""
    move = {"A": (1.2, 0.0), "B": (0.0, 1.0), "C": (0.6, 0.0), "D": (0.0, -0.8)}
    shift = sum((np.array(move[g]) for g in condition.genes), np.zeros(2))
    loadings = np.kron(np.eye(2), np.ones(12))
    return 2e-3 * np.exp((state + shift) @ loadings)


def world(cells: int = 120) -> tuple[TrainingSet, np.ndarray]:
    """Counted cells of singles and one double; the held double's true change of ln(1 + CP10K)."""
    rng = np.random.default_rng(0)
    conditions = [CONTROL, *SINGLES, SEEN, HELD]
    of = np.repeat(np.arange(len(conditions)), [4 * cells] + [cells] * (len(conditions) - 1))
    library = rng.uniform(4000, 6000, len(of))
    mean = np.concatenate(
        [rates(c, rng.normal(0, 0.3, ((of == i).sum(), 2))) for i, c in enumerate(conditions)]
    )
    counts = sample(library[:, None] * mean, np.full(24, 0.1), rng)
    genes = pd.Index([f"g{i}" for i in range(24)])
    table = pd.DataFrame({"library_size": library})
    matrix = MemoryMatrix(sp.csr_matrix(counts, dtype=float))
    screen = Screen(matrix, "counts", genes, tuple(conditions), of, table, simulated=True)
    bulk, seen = pseudobulk(screen), [*SINGLES, SEEN]
    truth = bulk.whole.mean[bulk.index([HELD])][0] - bulk.whole.mean[bulk.index([CONTROL])][0]
    return TrainingSet.from_pseudobulk(bulk, seen, counts=CountTable.from_screen(screen, seen)), truth


@pytest.fixture(scope="module")
def planted() -> tuple[TrainingSet, np.ndarray]:
    return world()


def as_cells(training: TrainingSet) -> TrainingSet:
    return replace(CellTable.of(training).within(training), counts=None)


@pytest.mark.parametrize("counted", [True, False])
def test_a_held_double_is_the_sum_of_its_shifts(planted, counted):
    training, truth = planted
    model = fit_model(create("shift-vae", FAST), training if counted else as_cells(training))
    prediction = model.predict([HELD])
    error = np.sqrt(((prediction.delta[0] - truth) ** 2).mean())
    assert error < 0.15 * np.sqrt((truth**2).mean())
    assert (np.abs(prediction.delta[0] - truth) < 3 * np.hypot(prediction.sd[0], 0.05)).mean() > 0.8


def test_drawn_cells_have_the_predicted_mean(planted):
    training, _ = planted
    model = fit_model(create("shift-vae", FAST), training)
    drawn = model.draw(HELD, 4000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.mean(axis=0), model.predict([HELD]).level[0], atol=0.12)


def test_encoder_starts_at_the_posterior_of_linear_gaussian_cells():
    share = np.array([0.9, 0.4])
    encoder = BasalEncoder(share, 5, torch.Generator().manual_seed(0))
    scores = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    mean, variance = encoder(scores)
    # State and noise share a variance of 1: the posterior mean is share * score, its variance share * (1 - share).
    np.testing.assert_allclose(mean.detach().numpy(), scores.numpy() * share)
    np.testing.assert_allclose(variance.detach().numpy(), share * (1 - share))
    posterior, prior = (
        Independent(Normal(m, v.sqrt()), 1)
        for m, v in ((mean, variance), (torch.zeros(2, dtype=torch.float64), torch.from_numpy(share)))
    )
    np.testing.assert_allclose(
        encoder.divergence(mean, variance).detach(), kl_divergence(posterior, prior).detach()
    )


def test_count_loss_is_the_negative_binomial_up_to_a_constant():
    rng = np.random.default_rng(2)
    counts = torch.from_numpy(rng.poisson(3.0, (4, 3)).astype(float))
    dispersion = torch.tensor([0.05, 0.5, 2.0], dtype=torch.float64)
    first, second = (torch.from_numpy(rng.normal(0.5, 1.0, (4, 3))) for _ in range(2))
    ours = count_loss(counts, first, dispersion) - count_loss(counts, second, dispersion)
    exact = log_prob(counts, second.exp(), dispersion) - log_prob(counts, first.exp(), dispersion)
    np.testing.assert_allclose(ours, exact, rtol=1e-9)


def test_reported_mean_of_equal_and_of_gamma_distributed_rates():
    rng, libraries, dispersion = np.random.default_rng(3), np.array([5000.0]), np.array([0.2])
    equal = np.full((5, 1), 1e-3)
    np.testing.assert_allclose(
        reported_mean(equal, dispersion, libraries), mean_log1p(np.array([5.0]), dispersion, 2.0)
    )
    varied = rng.gamma(2.0, 5e-4, (200_000, 1))
    measured = np.log1p(2.0 * sample(5000.0 * varied, dispersion, rng)).mean()
    assert reported_mean(varied, dispersion, libraries)[0] == pytest.approx(measured, rel=0.03)


def test_own_change_moves_the_row_of_the_target_alone():
    columns = torch.tensor([2, -1])
    decoder = Decoder(
        np.zeros(4), np.zeros((1, 4)), np.array([1.5, 9.0]), columns, 1, 2, torch.Generator().manual_seed(0)
    )
    members = torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    decoded = decoder(torch.zeros(2, 1, dtype=torch.float64), members).detach().numpy()
    np.testing.assert_array_equal(decoded, [[0, 0, 1.5, 0], [0, 0, 0, 0]])


def test_batch_effects_average_to_nothing():
    decoder = Decoder(
        np.zeros(2), np.zeros((1, 2)), np.zeros(0), torch.zeros(0, dtype=torch.int64), 2, 1, torch.Generator()
    )
    with torch.no_grad():
        decoder.batch[:] = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    effect = decoder.batch_effect(torch.tensor([0, 1])).detach().numpy()
    np.testing.assert_allclose(effect, [[-1.0, -2.0], [1.0, 2.0]])


def test_too_many_cells_are_thinned_evenly(planted, monkeypatch):
    training, _ = planted
    monkeypatch.setattr(cell_table, "MOST_CELLS", 90)
    table = CellTable.of(training)
    kept = np.bincount(table.condition_of)
    # Controls have four shares of nine, the five perturbed conditions one each.
    assert kept.tolist() == [40, 10, 10, 10, 10, 10]
    assert (np.diff(table.condition_of) >= 0).all()


def test_refusals_give_the_reason(planted):
    training, _ = planted
    model = create("shift-vae")
    assert "neither counts nor cells" in model.refusal(replace(training, counts=None), [HELD])
    assert "NEVER" in model.refusal(training, [Condition(("A", "NEVER"))])
    assert model.refusal(training, [HELD]) is None
    growth = TrainingSet.from_table({Condition(("a",)): 0.1})
    assert "one measured gene" in model.refusal(growth, ())
    with pytest.raises(ModelError, match="needs cells"):
        model.fit(replace(training, counts=None))
