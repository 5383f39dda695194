"""Small promoters with known energies."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pajamo.config.assays import BinsSettings, ContinuousSettings, declare
from pajamo.config.assays.study import ExperimentSettings
from pajamo.explanations.designs.declared import declared_model
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.models.assays.model import AssayModel

LIBRARY = Mutagenesis(variants=200, rate=0.3)
READING = ContinuousSettings(nonlinearity="linear")
SORTER = BinsSettings(columns=("a", "b", "c", "d"), knots=8)


@cache
def promoter(wild_type: str = "ACGTTGC", crp: bool = False, strand: Any = "+") -> AssayModel:
    """An activator's site of 3 letters and a polymerase's of 3, the last letter of the promoter read by none."""
    regulators = {"A": {"concentration": "crp"}} if crp else {}
    mechanism = declare(
        "thermodynamic",
        sites={"A": {"start": 0, "length": 3, "strand": strand}, "R": {"start": 3, "length": 3}},
        regulators=regulators,
        interactions={"A+R": {}},
        transcribes=["R"],
    )
    plate = ExperimentSettings(path=Path("plate"), measurement=READING, inputs={"crp": 1.0} if crp else {})
    return declared_model(
        mechanism, {"plate": plate}, wild_type, {"A": -0.5, "R": 0.8, "A+R": -1.5}, library=LIBRARY, seed=3
    )


@cache
def one_site(measurement: Any = READING) -> AssayModel:
    """A single site of 4 letters that is bound half of the time."""
    mechanism = declare("thermodynamic", sites={"R": {"start": 0, "length": 4}}, transcribes=["R"])
    matrix = np.random.default_rng(5).normal(0, 0.6, (4, 4))
    return declared_model(
        mechanism, {"plate": measurement}, "ACGTA", {"R": 0.0}, matrices={"R": matrix}, library=LIBRARY
    )
