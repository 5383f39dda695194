"""Simulated assays: the energies are those declared, readings follow the model, and seeds are exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explanations.designs.planted_promoters import READING, SORTER, one_site, promoter

from pajamo.config.assays import BarcodeSettings, ContinuousSettings, declare
from pajamo.errors import DataError, ModelError
from pajamo.explanations.designs.declared import declared_model
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.designs.simulation import simulate
from pajamo.models.assays.model import AssayModel

LIBRARY = Mutagenesis(variants=150, rate=0.3)
SITE = declare("thermodynamic", sites={"R": {"start": 0, "length": 4}}, transcribes=["R"])


def test_declared_energies_are_those_of_the_wild_type() -> None:
    model = promoter()
    wild_type = torch.as_tensor(model.frame.padded(["ACGTTGC"]))
    terms = model.assembly.terms(wild_type, "plate")[0].detach() * model.assembly.blueprint.kT
    assert terms.tolist() == pytest.approx([-0.5, 0.8, -1.5])


def test_a_matrix_gives_the_differences_between_letters() -> None:
    matrix = np.arange(16.0).reshape(4, 4)
    model = declared_model(SITE, {"plate": READING}, "AAAA", {"R": -1.0}, matrices={"R": matrix})
    codes = torch.as_tensor(model.frame.padded(["AAAA", "CAAA", "AAAT"]))
    energies = model.assembly.terms(codes, "plate")[:, 0].detach() * model.assembly.blueprint.kT
    assert energies.tolist() == pytest.approx([-1.0, 0.0, 2.0])


def test_the_same_seed_gives_the_same_assay() -> None:
    one, two, other = (simulate(promoter(), LIBRARY, seed=seed).experiments[0] for seed in (0, 0, 1))
    assert np.array_equal(one.recorded["value"], two.recorded["value"])
    assert not np.array_equal(one.codes, other.codes)


def test_bins_hold_about_as_many_reads_as_asked_for() -> None:
    found = simulate(one_site(SORTER), LIBRARY, reads=40).experiments[0]
    counts = found.recorded["counts"]
    assert counts.sum() / found.n == pytest.approx(40, rel=0.05)
    activity = one_site(SORTER).coordinate(found)
    mean_bin = counts @ np.arange(4) / counts.sum(axis=1)
    assert np.corrcoef(activity, mean_bin)[0, 1] > 0.8


def test_readings_scatter_about_their_expectation_by_the_noise() -> None:
    model = promoter()
    found = simulate(model, Mutagenesis(variants=1500, rate=0.4)).experiments[0]
    expected = model.predict(found)["expected"]
    left = found.recorded["value"] - expected
    assert abs(left.mean()) < 4 * left.std() / np.sqrt(found.n)
    assert left.std() == pytest.approx(0.3, rel=0.1)


def test_barcodes_follow_the_activity() -> None:
    model = one_site(BarcodeSettings(rna="r", dna="d"))
    found = simulate(model, LIBRARY, reads=400).experiments[0]
    ratio = np.log((found.recorded["rna"] + 1) / found.recorded["dna"])
    assert np.corrcoef(ratio, model.coordinate(found))[0, 1] > 0.7


def test_given_sequences_and_a_split() -> None:
    found = simulate(promoter(), ["ACGTTGC", "AAATTGC", "ACGTTTT"], holdout=(0.3, 0.3))
    assert found.experiments[0].n == 3
    assert found.alphabet.decode(found.experiments[0].codes) == ["ACGTTGC", "AAATTGC", "ACGTTTT"]


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ModelError, match="no parameters yet"):
        simulate(AssayModel("m", SITE, {}), LIBRARY)
    with pytest.raises(DataError, match="no variant has a read"):
        simulate(one_site(SORTER), LIBRARY, reads=0)
    measured = ContinuousSettings(nonlinearity="linear", noise="measured", error="e")
    with pytest.raises(ModelError, match="none is given"):
        simulate(one_site(measured), LIBRARY)
    with pytest.raises(ModelError, match="the energy of 'R' is not given"):
        declared_model(SITE, {"plate": READING}, "ACGT", {})
    with pytest.raises(ModelError, match="there is no energy 'Q'"):
        declared_model(SITE, {"plate": READING}, "ACGT", {"R": 0.0, "Q": 1.0})
    with pytest.raises(ModelError, match="has shape"):
        declared_model(SITE, {"plate": READING}, "ACGT", {"R": 0.0}, matrices={"R": np.zeros((3, 4))})
