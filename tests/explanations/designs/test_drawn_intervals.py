"""Intervals of designed sequences: as wide as the parameters' uncertainty, and the model stays as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explanations.designs.planted_promoters import one_site

from pajamo.explanations.designs.constraints import Constraints
from pajamo.explanations.designs.draws import drawn_values, inverse_root
from pajamo.explanations.designs.goals import Goal, aims_of
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.designs.planning import information_yield
from pajamo.explanations.designs.sequences import design_sequences
from pajamo.explanations.designs.simulation import simulate


def test_the_root_of_an_inverse() -> None:
    half = torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    hessian = half @ half.T + torch.diag(torch.tensor([1e4, 1.0, 1.0, 1.0, 1e-2]).double())
    root = inverse_root(hessian)
    assert torch.allclose(root @ root.T @ hessian, torch.eye(5, dtype=torch.float64), atol=1e-8)


def test_draws_scatter_by_the_inverse_information() -> None:
    model = one_site()
    assay = simulate(model, Mutagenesis(variants=1500, rate=0.4, repeats=True), seed=1)
    before = {name: values.clone() for name, values in model.assembly.state_dict().items()}
    codes = model.frame.padded(["ACGTA"])
    (values,) = drawn_values(model, assay, aims_of(model, Goal(want="max")), codes, draws=300, seed=0)
    assert all(torch.equal(values, before[name]) for name, values in model.assembly.state_dict().items())
    width = information_yield(model, assay).half_widths(1500, 0.9)["R"] / model.assembly.blueprint.kT
    # At half occupancy ln of the activity falls by half of what the energy rises.
    assert values.std() * 1.645 == pytest.approx(width / 2, rel=0.2)


def test_the_table_has_intervals_about_the_values() -> None:
    model = one_site()
    assay = simulate(model, Mutagenesis(variants=600, rate=0.4, repeats=True), seed=2)
    goals = [Goal(want="max"), Goal(want="max", of="expected", weight=1e-3)]
    found = design_sequences(
        model, goals, "ACGTA", constraints=Constraints(most_edits=1), n=3, assay=assay, draws=60
    ).table
    for name in ("activity in plate", "expected in plate"):
        assert (found[f"{name} low"] < found[name]).all()
        assert (found[name] < found[f"{name} high"]).all()
    assert np.all(found["activity in plate high"] <= 1.0)
