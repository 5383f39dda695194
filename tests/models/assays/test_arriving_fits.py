"""Newton fits through rates of first passage and time courses recover planted energies of one scheme."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pajamo.config.assays import ContinuousSettings, RateSettings, declare
from pajamo.config.assays.study import ExperimentSettings
from pajamo.explanations.designs.declared import declared_model
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.designs.simulation import simulate
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem

LIBRARY = Mutagenesis(variants=150, rate=0.4)
CUTTING = declare(
    "kinetic",
    states=["free", "bound", "cut"],
    transitions={
        "free->bound": {"concentration": "enzyme"},
        "bound->free": {"reads": {"start": 0, "length": 6}},
        "bound->cut": {"rate": 0.05},
    },
    passages={"rate": {"start": "free", "to": ["cut"]}},
    fractions={"cleaved": {"start": "free", "to": ["cut"]}},
)
FRACTION = ContinuousSettings(nonlinearity="linear", coordinate="linear")
EXPERIMENTS = {
    "rates": ExperimentSettings(
        path=Path("rates"),
        output="rate",
        inputs={"enzyme": 1.0, "time": 1.0},
        measurement=RateSettings(lower=-3.5),
    ),
    "course": ExperimentSettings(
        path=Path("course"), output="cleaved", inputs={"enzyme": 5.0, "time": 60.0}, measurement=FRACTION
    ),
}


@pytest.mark.parametrize("names", [("rates",), ("course",), ("rates", "course")])
def test_a_planted_scheme_is_recovered(names: tuple[str, ...]) -> None:
    seen = {name: EXPERIMENTS[name] for name in names}
    planted = {"ln k bound->free": 0.5, "ln k free->bound": -1.0}
    truth = declared_model(CUTTING, seen, "ACGTTG", planted, library=LIBRARY, seed=1)
    assay = simulate(truth, LIBRARY, seed=2)
    fitted = AssayModel("fitted", CUTTING, seen)
    assembly, parts = fitted.build(assay), rows_of(assay)
    problem = Problem(assembly, parts)
    with torch.no_grad():
        for rows in parts:
            activity = assembly.recorded(assembly.activity(rows.codes, rows.name, rows.inputs), rows.name)
            assembly.measurement(rows.name).start(assembly.settle(activity, rows.name), rows.recorded)
    problem.lay()
    found = newton(problem, limit=40)
    assert found.gap < 1e-2
    codes = torch.as_tensor(assay.experiments[0].codes)
    with torch.no_grad():
        own, planted_terms = (model.assembly.terms(codes, names[0]) for model in (fitted, truth))
    # ln of the two rates' ratio is what the passage depends on most.
    ratios = [(terms[:, 1] - terms[:, 0]).numpy() for terms in (own, planted_terms)]
    assert np.corrcoef(*ratios)[0, 1] > 0.97
