"""Two enzymes under one R-loop: planted energies that both share are learned of the one from the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.assays.two_enzymes import LONG, PAM, SHORT, assay, joint, study

from pajamo.config.assays import AssayStudy
from pajamo.data.assays.assay import Assay
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.fit import fit_assay

MANY, FEW, UNSEEN, STEPS = 400, 40, 400, 15
NOISE = 0.1
ALONE = {"steps": LONG, "pam": PAM, "any_base": [3]}


def planted(unlike: float = 0.2) -> AssayModel:
    """A joint R-loop whose enzymes have most of their energies in common."""
    asked = joint(unlike=unlike)
    truth = AssayModel("loop", asked.mechanisms["loop"], asked.experiments)
    truth.build(assay({"nine": 4, "twelve": 4}))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for _, reader in truth.assembly.readers():
            drawn = torch.randn(reader.features, generator=generator, dtype=torch.float64)
            reader.weights.copy_(reader.prior_mean + 0.8 * drawn * reader.prior_sd.clamp(max=1.0))
        # Base pairs that hardly hold by themselves: each mismatch then slows the cut down.
        truth.assembly.reader("R-loop").weights[0] = 0.2
        own = torch.tensor([term.name == "cutting in nine" for term in truth.assembly.blueprint.terms])
        places = [place for place, term in enumerate(truth.assembly.constant_terms) if own[term]]
        truth.assembly.constants[places] = 1.0
    return truth


def recorded(truth: AssayModel, own: Assay, noise: float, seed: int) -> Assay:
    """log10 rates of the planted R-loop with noise."""
    rng = np.random.default_rng(seed)
    experiments = []
    for each in own.experiments:
        value = np.log10(truth.predict(each)["activity"].to_numpy()) + noise * rng.standard_normal(each.n)
        experiments.append(replace(each, recorded=dict(each.recorded) | {"value": value}))
    return replace(own, experiments=tuple(experiments))


def fitted(asked: AssayStudy, own: Assay) -> AssayModel:
    model = AssayModel("loop", asked.mechanisms["loop"], asked.experiments)
    fit_assay(model, own, starts=1, steps=STEPS)
    return model


def error(model: AssayModel, unseen: Assay) -> float:
    """Root mean square error of log10 of the rates of pairs of Cas12a that no fit has seen."""
    each = unseen.experiment("twelve")
    said = np.log10(model.predict(each)["activity"].to_numpy())
    return float(np.sqrt(np.mean((said - each.recorded["value"]) ** 2)))


@pytest.fixture(scope="module")
def data() -> tuple[Assay, Assay]:
    truth = planted()
    learned = recorded(truth, assay({"nine": MANY, "twelve": FEW}, seed=1, right=True), NOISE, seed=1)
    return learned, recorded(truth, assay({"nine": 4, "twelve": UNSEEN}, seed=2, right=True), 0.0, seed=2)


@pytest.fixture(scope="module")
def alone(data: tuple[Assay, Assay]) -> AssayModel:
    learned, _ = data
    return fitted(study("twelve", **ALONE), replace(learned, experiments=learned.experiments[1:]))


def test_what_two_enzymes_share_is_learned_of_the_one_with_few_pairs_too(
    data: tuple[Assay, Assay], alone: AssayModel
) -> None:
    learned, unseen = data
    together = fitted(joint(unlike=0.2), learned)

    assert error(together, unseen) < 0.8 * error(alone, unseen)


def test_an_enzyme_alone_is_fitted_to_the_same_bits_whatever_may_vary(
    data: tuple[Assay, Assay], alone: AssayModel
) -> None:
    learned, unseen = data
    own = replace(learned, experiments=learned.experiments[1:])
    varying = fitted(study("twelve", **ALONE, varies=["cutting", "costs"], shorter={"nine": SHORT}), own)
    rows = unseen.experiment("twelve")
    np.testing.assert_array_equal(varying.predict(rows).to_numpy(), alone.predict(rows).to_numpy())
