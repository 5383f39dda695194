"""Hypotheses that are trained together end where each would alone, at the optimum of their posterior."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from tests.search.planted import ONE_STEP, study, task

from pajamo.config.assays import KineticSettings, parse_mechanism
from pajamo.data.assays.reading import read_assay
from pajamo.errors import ModelError
from pajamo.models.assays.model import AssayModel
from pajamo.search.batch import train
from pajamo.search.designs import designs_of
from pajamo.search.rewarding import Task
from pajamo.training.assays.fit import fit_assay


def drawn(small: Task, count: int, seed: int = 0) -> list[KineticSettings]:
    rng = np.random.default_rng(seed)
    return [small.space.settings(small.space.canonical(small.space.draw(rng))) for _ in range(count)]


def test_three_together_end_where_each_ends_alone(small: Task) -> None:
    given = drawn(small, 3)
    together = train(given, small.study.experiments, small.assay, 15)
    for number, one in enumerate(given):
        alone = train([one], small.study.experiments, small.assay, 15)
        assert together.value[number] == pytest.approx(alone.value[0], abs=0.05)
        assert together.evidence[number] == pytest.approx(alone.evidence[0], abs=0.05)
        assert np.allclose(together.predicted["rates"][number], alone.predicted["rates"][0], atol=0.02)


def test_steps_end_near_the_optimum_that_exact_steps_find(small: Task) -> None:
    given = drawn(small, 3, seed=1)
    quick = train(given, small.study.experiments, small.assay, 40)
    for number, one in enumerate(given):
        model = AssayModel("exact", one, small.study.experiments)
        exact = fit_assay(model, small.assay, starts=1)
        assert quick.value[number] == pytest.approx(exact.objective, abs=2.0)


def test_what_is_said_of_rows_is_what_the_model_says_at_these_weights(small: Task) -> None:
    given = drawn(small, 2)
    trained = train(given, small.study.experiments, small.assay, 4)
    rates = small.assay.experiments[0]
    for number, one in enumerate(given):
        model = AssayModel("naive", one, small.study.experiments)
        left, prior = torch.as_tensor(trained.weights[number]), 0.0
        for _, reader in model.build(small.assay).readers():
            with torch.no_grad():
                reader.weights.copy_(left[: len(reader.weights)])
            prior, left = prior + float(reader.penalty().detach()), left[len(reader.weights) :]
        assert len(left) == 0
        assert np.allclose(model.predict(rates)["expected"], trained.predicted["rates"][number], atol=1e-4)
        # What is left is minus ln prior of the one parameter of the measurement, its scale, within e^2 of its start.
        rest = trained.value[number] + trained.log_likelihood["rates"][number].sum() - prior
        assert -0.01 < rest < 0.5


def test_slopes_of_all_rows_are_those_of_automatic_differentiation(small: Task) -> None:
    assembly, designs = designs_of(drawn(small, 2), small.study.experiments, small.assay, 0)
    design = designs[1]
    rng = np.random.default_rng(0)
    weights = torch.as_tensor(rng.normal(size=len(design.prior_mean)), dtype=torch.float32)
    slopes = torch.as_tensor(rng.normal(size=(design.rows, len(design.blocks))), dtype=torch.float32)
    free = weights.clone().requires_grad_(True)
    (naive,) = torch.autograd.grad((design.terms(free) * slopes).sum(), free)
    jacobian = design.jacobian(slopes, slice(0, design.rows))
    assert torch.allclose(jacobian.sum(0), naive, rtol=1e-4, atol=1e-4)
    curved = torch.as_tensor(rng.uniform(0, 2, design.rows), dtype=torch.float32)
    curved[:5] = 0.0
    first = torch.where(curved > 0, slopes[:, 0], 0.0)
    gradient, hessian = design.normal(slopes, first, curved, weights)
    assert torch.allclose(gradient, jacobian.T @ first + weights / design.prior_sd**2, rtol=1e-3, atol=1e-3)
    dense = jacobian.T @ (jacobian * curved[:, None]) + torch.diag(design.prior_sd**-2)
    assert torch.allclose(hessian, dense, rtol=1e-3, atol=1e-3)
    assert assembly.blueprint.outputs == ("cleavage",)


def test_evidence_of_a_linear_law_is_its_closed_form(tmp_path: Path) -> None:
    """A rate of one step: log10 k is Gaussian under the prior, and so is what is recorded of it."""
    asked = study(tmp_path, {"cycles": [3]}, rows=40)
    experiments = {
        name: settings.model_copy(
            update={"measurement": settings.measurement.model_copy(update={"lower": None})}
        )
        for name, settings in asked.experiments.items()
    }
    assay = read_assay(asked.model_copy(update={"experiments": experiments})).part("training")
    settings = parse_mechanism(ONE_STEP)
    assert isinstance(settings, KineticSettings)
    trained = train([settings], experiments, assay, 60)
    _, (design,) = designs_of([settings], experiments, assay, 0)
    matrix = design.jacobian(torch.ones(design.rows, 1), slice(0, design.rows)).double().numpy() / np.log(10)
    value = assay.experiments[0].recorded["value"]
    residual = value - trained.predicted["rates"][0]
    likely = trained.log_likelihood["rates"][0]
    # ln p = -ln s - z^2 / 2 - ln(2 pi) / 2 of two rows gives s.
    spread = _spread(residual, likely)
    sd = design.prior_sd.double().numpy()
    covariance = spread**2 * np.eye(len(value)) + (matrix * sd**2) @ matrix.T
    exact = stats.multivariate_normal(np.zeros(len(value)), covariance).logpdf(value)
    base = np.std(value, ddof=0)
    penalty = (np.log(spread / base) / 2.0) ** 2 / 2
    assert trained.evidence[0] == pytest.approx(exact - penalty, abs=0.3)


def _spread(residual: np.ndarray, likely: np.ndarray) -> float:
    best = int(np.argmax(likely))
    found = np.exp(-likely[best] - np.log(2 * np.pi) / 2)
    for _ in range(50):
        found = np.exp(-likely[best] - np.log(2 * np.pi) / 2 - (residual[best] / found) ** 2 / 2)
    return float(found)


def test_rows_kept_aside_change_nothing_but_what_is_said_of_them(small: Task) -> None:
    """Training on a mask equals training on a table without the other rows."""
    (one,) = drawn(small, 1)
    mask = np.arange(small.assay.experiments[0].n) % 3 > 0
    masked = train([one], small.study.experiments, small.assay, 6, {"rates": mask})
    kept = small.assay.experiments[0].rows(mask)
    fewer = replace(small.assay, experiments=(kept,))
    alone = train([one], small.study.experiments, fewer, 6)
    assert masked.value[0] == pytest.approx(alone.value[0], abs=0.05)
    assert np.allclose(masked.predicted["rates"][0][mask], alone.predicted["rates"][0], atol=0.02)


def test_maps_that_are_not_linear_are_refused(tmp_path: Path) -> None:
    reads = {"start": 3, "length": 10, "encoder": "factorised"}
    settings = parse_mechanism(ONE_STEP | {"transitions": {"free->cut": {"reads": reads}}})
    small = task(tmp_path)
    with pytest.raises(ModelError, match="cannot be trained with others"):
        train([settings], small.study.experiments, small.assay, 1)  # type: ignore[list-item]
