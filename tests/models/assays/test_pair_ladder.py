"""Comparisons of guide-target pairs: baselines that read what differs, and refusals in words."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explanations.pairs.networks import assay_of, library

from pajamo.config.assays import ExperimentSettings, LatentSettings, RateSettings, declare
from pajamo.config.assays.study import PairSettings
from pajamo.errors import StudyError
from pajamo.models.assays.description import equations
from pajamo.models.assays.ladder import PAIR_RUNGS, ladder
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.fit import fit_assay

RATES = {"one": ExperimentSettings(path="t.csv", measurement=RateSettings(), pairs=PairSettings())}


def rates_of(values: np.ndarray):
    """An assay of resolved rates."""
    guides, targets = library(len(values))
    assay = assay_of(guides, targets, values)
    own = assay.experiments[0]
    recorded = {"value": values, "censored": np.zeros(len(values))}
    return assay.__class__(
        assay.alphabet, assay.wild_type, (own.__class__(own.name, own.codes, recorded, own.set_of),)
    )


def test_baselines_of_pairs_are_always_there() -> None:
    assert list(ladder(pairs=True)) == ["mean", "additive", "shared"]
    assert list(ladder(("network",), pairs=True)) == ["mean", "additive", "shared", "network"]


@pytest.mark.parametrize("name", ["neighbour", "pairwise", "convolution"])
def test_maps_of_sequences_are_refused_in_words(name: str) -> None:
    with pytest.raises(StudyError, match=f"{name!r} does not read guide-target pairs") as caught:
        ladder((name,), pairs=True)
    assert "network" in caught.value.fix


@pytest.mark.parametrize("each", PAIR_RUNGS, ids=lambda each: each.name)
def test_each_is_built_of_pairs(each) -> None:
    declared = each.mechanism
    assert isinstance(declared, LatentSettings)
    model = AssayModel(each.name, declared, RATES)
    model.build(rates_of(np.zeros(40)))
    assert (each.encoder is None) == (not model.assembly.blueprint.readers)


def test_the_mean_of_rates_is_their_mean() -> None:
    values = -3 + 0.5 * np.random.default_rng(0).standard_normal(400)
    assay = rates_of(values)
    model = AssayModel("mean", ladder(pairs=True)["mean"].mechanism, RATES)
    assert fit_assay(model, assay, starts=1).converged
    expected = model.predict(assay.experiments[0])["expected"]
    training = values[assay.experiments[0].set_of == 0]
    # The prior of ln k, 10 about 0, hardly pulls.
    assert expected.to_numpy() == pytest.approx(training.mean(), abs=2e-3)


def test_an_r_loop_is_told_in_a_few_lines() -> None:
    guides, targets = library(20)
    settings = {"one": RATES["one"].model_copy(update={"output": "cleavage", "inputs": {"nM": 10.0}})}
    model = AssayModel("loop", declare("r-loop", steps=8, concentration="nM"), settings)
    assay = rates_of(np.zeros(20))
    own = assay.experiments[0]
    given = own.__class__(own.name, own.codes, own.recorded, own.set_of, {"nM": np.full(20, 10.0)})
    model.build(assay.__class__(assay.alphabet, assay.wild_type, (given,)))
    text = equations(model.assembly.blueprint)
    assert len(text.splitlines()) == 6
    assert "k[unbound->PAM] = k[binding] [nM]" in text
    assert "k[8->cut] = k[cutting]" in text
    assert r"\sum_s \frac{e^{G_s}}{k_s}" in equations(model.assembly.blueprint, "latex")
    assert guides
    assert targets
