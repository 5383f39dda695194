"""Fits that keep the physical scale: planted rates and energies are found again, from every start the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import objective, rows_of
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.newton.polish import polish
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.physical import is_physical
from pajamo.training.assays.starts import lay_over

GUIDES = ("GGNCGCAGAGT", "GGNTACCGTAG")
STEPS, LIMIT = 8, -5.0


RATE = {"path": "pairs.csv", "pairs": {}, "measurement": {"kind": "rate", "lower": LIMIT}}


def study() -> AssayStudy:
    experiment = {**RATE, "output": "cleavage"}
    mechanism = {"kind": "r-loop", "steps": STEPS}
    return parse_assay_study(
        {
            "name": "planted",
            "alphabet": "guide-target",
            "experiments": {"k": experiment},
            "mechanisms": {"m": mechanism},
        }
    )


def library(count: int, rng: np.random.Generator) -> np.ndarray:
    texts = []
    for _ in range(count):
        guide = GUIDES[int(rng.integers(len(GUIDES)))]
        target = list(guide.replace("N", "A"))
        for place in rng.choice(len(target), int(rng.integers(0, 4)), replace=False):
            target[place] = str(rng.choice(list("ACGT")))
        texts.append(f"{guide}:{''.join(target)}")
    return PairAlphabet().encode(texts)


def planted(count: int = 900, noise: float = 0.2) -> tuple[AssayStudy, Assay, AssayModel]:
    rng, asked = np.random.default_rng(3), study()
    codes = library(count, rng)
    recorded = {"value": np.zeros(count), "censored": np.zeros(count)}
    sets = (np.arange(count) % 5 == 0).astype(np.int8)
    assay = Assay(PairAlphabet(), codes[0], (Experiment("k", codes, recorded, sets),))
    truth = AssayModel("truth", asked.mechanisms["m"], asked.experiments)
    assembly = truth.build(assay)
    for _, reader in assembly.readers():
        drawn = torch.randn(
            len(reader.weights), generator=torch.Generator().manual_seed(1), dtype=torch.float64
        )
        reader.weights.data = reader.prior_mean + 0.6 * reader.prior_sd.clamp(max=1.0) * drawn
    value = truth.coordinate(assay.experiments[0]) / np.log(10) + noise * rng.normal(size=count)
    censored = -(value <= LIMIT).astype(float)
    experiment = Experiment("k", codes, {"value": np.maximum(value, LIMIT), "censored": censored}, sets)
    return asked, Assay(PairAlphabet(), codes[0], (experiment,)), truth


@pytest.fixture(scope="module")
def fitted() -> tuple[AssayStudy, Assay, AssayModel, AssayModel]:
    asked, assay, truth = planted()
    model = AssayModel("m", asked.mechanisms["m"], asked.experiments)
    report = fit_assay(model, assay, starts=1)
    assert report.converged
    return asked, assay, truth, model


def test_a_planted_r_loop_is_found_again(fitted: tuple[AssayStudy, Assay, AssayModel, AssayModel]) -> None:
    _, assay, truth, model = fitted
    aside = assay.part("validation").experiments[0]
    said, true = (m.coordinate(aside) / np.log(10) for m in (model, truth))
    seen = true > LIMIT
    assert np.corrcoef(said[seen], true[seen])[0, 1] > 0.98
    assert np.sqrt(np.mean((said[seen] - true[seen]) ** 2)) < 0.25
    scale = float(model.assembly.measurement("k").log_scale.detach().exp())
    assert 0.16 < scale < 0.24


def test_the_gradient_vanishes_at_the_end(fitted: tuple[AssayStudy, Assay, AssayModel, AssayModel]) -> None:
    _, assay, _, model = fitted
    parts = rows_of(assay.part("training"))
    model.assembly.zero_grad()
    objective(model.assembly, parts).backward()
    slopes = torch.cat([p.grad.reshape(-1) for p in model.assembly.parameters() if p.grad is not None])
    model.assembly.zero_grad()
    assert float(slopes.abs().max()) < 0.05


def test_another_start_ends_at_the_same_optimum(
    fitted: tuple[AssayStudy, Assay, AssayModel, AssayModel],
) -> None:
    asked, assay, _, model = fitted
    other = AssayModel("other", asked.mechanisms["m"], asked.experiments, seed=5)
    report = fit_assay(other, assay, starts=2)
    parts = rows_of(assay.part("training"))
    with torch.no_grad():
        first = float(objective(model.assembly, parts))
    assert report.objective == pytest.approx(first, abs=0.05)
    aside = assay.part("validation").experiments[0]
    np.testing.assert_allclose(other.coordinate(aside), model.coordinate(aside), atol=0.05)


def test_polishing_lowers_the_objective_and_is_interrupted_at_a_valid_place() -> None:
    asked, assay, _ = planted(200)
    model = AssayModel("m", asked.mechanisms["m"], asked.experiments)
    assembly, parts = model.build(assay), rows_of(assay.part("training"))
    assert is_physical(assembly)
    lay_over(assembly, parts)
    problem = Problem(assembly, parts)
    with torch.no_grad():
        before = float(objective(assembly, parts))
    done = polish(problem, parts, limit=15)
    with torch.no_grad():
        after = float(objective(assembly, parts))
    assert after < before
    assert done.objective == pytest.approx(after, rel=1e-9)
    assert len(done.history) <= 20


def test_rates_and_binding_are_fitted_together() -> None:
    asked, assay, truth = planted(500)
    both = parse_assay_study(
        {
            "name": "both",
            "alphabet": "guide-target",
            "experiments": {
                "k": {**RATE, "output": "cleavage"},
                "b": {
                    "path": "pairs.csv",
                    "pairs": {},
                    "output": "binding",
                    "measurement": {"kind": "continuous", "nonlinearity": "linear", "coordinate": "logit"},
                },
            },
            "mechanisms": {"m": {"kind": "r-loop", "steps": STEPS}},
        }
    )
    rates = assay.experiments[0]
    shown = AssayModel("shown", asked.mechanisms["m"], both.experiments)
    shown.build(
        replace(assay, experiments=(rates, replace(rates, name="b", recorded={"value": np.zeros(rates.n)})))
    )
    for (_, one), (_, other) in zip(shown.assembly.readers(), truth.assembly.readers(), strict=True):
        one.weights.data = other.weights.data.clone()
    binding = replace(rates, name="b", recorded={"value": np.zeros(rates.n)})
    value = 2.0 + 0.3 * shown.coordinate(binding) + 0.1 * np.random.default_rng(0).normal(size=rates.n)
    joint = replace(assay, experiments=(rates, replace(binding, recorded={"value": value})))
    model = AssayModel("m", both.mechanisms["m"], both.experiments)
    report = fit_assay(model, joint, starts=1)
    assert is_physical(model.assembly)
    assert report.converged
    aside = joint.part("validation").experiment("b")
    said = model.predict(aside)["expected"].to_numpy()
    assert np.corrcoef(said, aside.recorded["value"])[0, 1] > 0.97
