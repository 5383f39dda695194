"""A fitted mechanism as a prior of a network: few data go further, and distances are what they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.explanations.surrogates.planted_oracles import PROMOTER, WILD_TYPE, promoter

from pajamo.config.assays import BarcodeSettings, BinsSettings
from pajamo.config.assays.study import ExperimentSettings
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import ModelError
from pajamo.explanations.designs.mutagenesis import Mutagenesis, variants_of
from pajamo.explanations.surrogates.surrogate import surrogate
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.prior import MechanismPrior, mechanism_prior


@pytest.fixture(scope="module")
def prior() -> MechanismPrior:
    found = surrogate(
        promoter, WILD_TYPE, PROMOTER, library=Mutagenesis(variants=300, rate=0.3),
        baselines=(), starts=1, tolerance=0.1, steps=30,
    )  # fmt: skip
    return mechanism_prior(found.model, weight=500.0, sd=0.1)


def test_the_penalty_is_the_divergence_of_two_normal_distributions(prior: MechanismPrior) -> None:
    codes = torch.as_tensor(alphabet_of("dna").encode([WILD_TYPE, "A" * 10]))
    experiment = Experiment("oracle", codes.numpy(), {}, np.zeros(2, np.int8))
    mean = torch.as_tensor(prior.model.predict(experiment)["expected"].to_numpy())
    assert float(prior(codes, mean)) == pytest.approx(0.0, abs=1e-12)
    scale = torch.full_like(mean, 0.1)
    wanted = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, scale), torch.distributions.Normal(mean + 0.3, scale)
    )
    assert float(prior(codes, mean + 0.3)) == pytest.approx(500.0 * float(wanted.mean()))


def test_few_data_and_the_prior_beat_few_data(prior: MechanismPrior) -> None:
    codes = variants_of(
        alphabet_of("dna").encode([WILD_TYPE])[0], 4, Mutagenesis(variants=700, rate=0.3), seed=9
    )
    values = torch.as_tensor(promoter(alphabet_of("dna").decode(codes)), dtype=torch.float32)
    letters = torch.as_tensor(codes)
    errors = {weight: _held_out_error(letters, values, prior, weight) for weight in (0.0, 1.0)}
    assert errors[1.0] < 0.75 * errors[0.0]


def _held_out_error(
    letters: torch.Tensor, values: torch.Tensor, prior: MechanismPrior, weight: float
) -> float:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(40, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1))
    x = torch.nn.functional.one_hot(letters.long(), 4).flatten(1).float()
    few, unread, held = slice(0, 30), slice(30, 430), slice(430, 700)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(200):
        optimiser.zero_grad()
        loss = ((network(x[few])[:, 0] - values[few]) ** 2 / (2 * 0.1**2)).sum()
        if weight:
            loss = loss + weight * prior(letters[unread], network(x[unread])[:, 0])
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return float(((network(x[held])[:, 0] - values[held]) ** 2).mean().sqrt())


def test_bins_have_a_divergence_too() -> None:
    model = _built(BinsSettings(columns=("a", "b", "c")), {"counts": np.ones((4, 3))})
    found = mechanism_prior(model, weight=2.0)
    codes = torch.zeros(2, 10, dtype=torch.uint8)
    even = torch.full((2, 3), 1 / 3, dtype=torch.float64).log()
    other = torch.tensor([[0.5, 0.25, 0.25]] * 2, dtype=torch.float64).log()
    assert float(found(codes, even).detach()) == pytest.approx(0.0, abs=1e-9)
    assert float(found(codes, other).detach()) == pytest.approx(
        2 * float((even.exp() * (even - other)).sum(1)[0])
    )
    with pytest.raises(ModelError, match="predicts shape"):
        found(codes, torch.zeros(2, dtype=torch.float64))


def test_what_has_no_distance_is_refused(prior: MechanismPrior) -> None:
    counts = {"rna": np.ones(4), "dna": np.ones(4)}
    with pytest.raises(ModelError, match="neither a continuous reading nor bins"):
        mechanism_prior(_built(BarcodeSettings(rna="r", dna="d"), counts), 1.0)
    with pytest.raises(ModelError, match="no experiment 'plate'"):
        mechanism_prior(prior.model, 1.0, "plate")
    with pytest.raises(ModelError, match="no one standard deviation"):
        mechanism_prior(prior.model, 1.0)
    with pytest.raises(ModelError, match="no number of observations"):
        mechanism_prior(prior.model, -1.0)


def _built(measurement: BinsSettings | BarcodeSettings, recorded: dict[str, np.ndarray]) -> AssayModel:
    model = AssayModel("m", PROMOTER, {"sort": ExperimentSettings(path=Path("x"), measurement=measurement)})
    experiment = Experiment("sort", np.zeros((4, 10), np.uint8), recorded, np.zeros(4, np.int8))
    model.build(Assay(alphabet_of("dna"), np.zeros(10, np.uint8), (experiment,)))
    return model
