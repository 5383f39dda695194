"""Python says in as few words what a study file says, and both mean the same."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from tests.models.assays.promoters import assay, same

from pajamo.config.assays import (
    InteractionSettings,
    MechanismSettings,
    SiteSettings,
    ThermodynamicSettings,
    declare,
    parse_mechanism,
)
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import StudyError
from pajamo.models.assays.compile import compile_mechanism

THERMODYNAMIC = """
kind = "thermodynamic"
sites.CRP = {slide = [0, 5], length = 6, strand = "both"}
sites.RNAP = {start = 12, length = 8}
regulators.CRP = {concentration = "crp"}
interactions."CRP+RNAP" = {kind = "helical"}
transcribes = ["RNAP"]
"""
KINETIC = """
kind = "kinetic"
states = ["off", "on"]
sites.A = {start = 3, length = 6}
[transitions]
"off->on" = {concentration = "crp"}
"on->off" = {energy = ["A"], makes = ["rna"]}
"""
IN_PYTHON = {
    THERMODYNAMIC: declare(
        "thermodynamic",
        sites={"CRP": {"slide": (0, 5), "length": 6, "strand": "both"}, "RNAP": {"start": 12, "length": 8}},
        regulators={"CRP": {"concentration": "crp"}},
        interactions={"CRP+RNAP": {"kind": "helical"}},
        transcribes=["RNAP"],
    ),
    KINETIC: declare(
        "kinetic",
        states=["off", "on"],
        sites={"A": {"start": 3, "length": 6}},
        transitions={"off->on": {"concentration": "crp"}, "on->off": {"energy": ["A"], "makes": ["rna"]}},
    ),
    'kind = "latent"\nreads = {encoder = "pairwise"}': declare("latent", reads={"encoder": "pairwise"}),
}


@pytest.mark.parametrize(("text", "declared"), IN_PYTHON.items())
def test_a_study_file_and_python_give_the_same_blueprint(text: str, declared: MechanismSettings) -> None:
    over = assay(inputs={"plate": {"crp": 1.0}})
    written = parse_mechanism(tomllib.loads(text))
    assert written == declared
    assert same(compile_mechanism(written, over), compile_mechanism(declared, over))


def test_settings_may_be_given_as_objects() -> None:
    settings = ThermodynamicSettings(
        sites={"CRP": SiteSettings(start=1, length=6), "RNAP": SiteSettings(start=12, length=8)},
        interactions={"CRP+RNAP": InteractionSettings()},
        transcribes=("RNAP",),
    )
    words = declare(
        "thermodynamic",
        sites={"CRP": {"start": 1, "length": 6}, "RNAP": {"start": 12, "length": 8}},
        interactions={"CRP+RNAP": {}},
        transcribes=["RNAP"],
    )
    assert settings == words


@pytest.mark.parametrize("text", IN_PYTHON)
def test_a_declaration_reads_back_the_same(text: str) -> None:
    declared = parse_mechanism(tomllib.loads(text))
    assert parse_mechanism(declared.model_dump(mode="json")) == declared


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(StudyError, match="did you mean 'kinetic'"):
        declare("kinetics", states=["a"])


@pytest.mark.parametrize("text", IN_PYTHON)
def test_a_mechanism_compiles_for_experiments_without_rows(text: str) -> None:
    full = assay(inputs={"plate": {"crp": 1.0}})
    none = np.zeros(0)
    empty = Experiment("plate", np.zeros((0, 24), np.uint8), {}, none.astype(np.int8), {"crp": none})
    bare = Assay(full.alphabet, full.wild_type, (empty,))
    declared = IN_PYTHON[text]
    assert same(compile_mechanism(declared, bare), compile_mechanism(declared, full))
