"""Profile likelihood: ends, open ends, resuming, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.explanations.assays.planted import INTERACTION, planted, redrawn

from pajamo.errors import ModelError
from pajamo.explanations.assays.crossing import crossing
from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.assays.profile import profile, turned_by_symmetry


@pytest.mark.parametrize("outside", [0.6, 3.0, 40.0])
def test_an_end_of_a_parabola_is_found_at_once(outside):
    tried = []

    def drop(x):
        tried.append(x)
        return 8 * x**2

    assert crossing(drop, 0.0, outside, 2.0, 1e-3) == pytest.approx(0.5, abs=1e-3)
    assert len(tried) < 12


def test_an_end_of_a_crooked_curve_is_found():
    found = crossing(lambda x: math.expm1(x) ** 2 + 0.1 * x, 0.0, 5.0, 1.353, 1e-4)
    assert math.expm1(found) ** 2 + 0.1 * found == pytest.approx(1.353, abs=1e-3)


def test_a_profile_holds_the_truth_and_says_how_far_it_can_be_moved():
    model, assay = planted(rows=800, reads=1500, noise=0.3)
    drawn = redrawn(model, assay, 0)
    polished = polish(model, drawn).model
    told = []
    found = profile(polished, drawn, "CRP+RNAP", progress=told.append)
    kT = polished.assembly.blueprint.kT
    assert found.low < INTERACTION * kT < found.high
    assert found.unit == "kcal/mol"
    assert len(told) == len(found.points) - 1
    assert found.curve["drop"].min() == 0
    assert found.curve.loc[found.curve["drop"] < 1.3, "converged"].all()
    for end in (found.low, found.high):
        nearest = found.curve.iloc[(found.curve["value"] - end).abs().argmin()]
        assert nearest["drop"] == pytest.approx(1.353, abs=0.15)
    again = profile(polished, drawn, "CRP+RNAP", known=found.points, progress=told.append)
    assert len(told) < len(found.points) + 6
    assert again.low == pytest.approx(found.low, abs=0.02)
    assert again.high == pytest.approx(found.high, abs=0.02)


def test_zero_is_the_end_where_a_mirror_image_lies_beyond():
    """Few reads: the data cannot tell the interaction from none."""
    model, assay = planted(rows=100, reads=1)
    polished = polish(model, assay).model
    assert turned_by_symmetry(polished, "CRP+RNAP")
    found = profile(polished, assay, "CRP+RNAP")
    assert 0.0 in (found.low, found.high)
    assert "mirror image" in found.verdict or "the data do not say" in found.verdict


def test_an_open_end_is_said_to_be_open():
    """Sixty reads: nothing says how strong the interaction could be."""
    model, assay = planted(rows=60, reads=1, seed=4)
    polished = polish(model, assay).model
    found = profile(polished, assay, "CRP+RNAP")
    assert math.isinf(found.low) or math.isinf(found.high)
    assert "the data do not say" in found.verdict
    assert np.abs(found.curve["value"]).max() == pytest.approx(20 * polished.assembly.blueprint.kT, rel=1e-6)


def test_what_is_not_fitted_has_no_profile(truth):
    model, assay = truth
    with pytest.raises(ModelError, match="no fitted constant"):
        profile(model, assay, "CRP+RNAp")
