"""Bootstrap: seeds, agreement with Laplace where that holds, and refits that fail."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explanations.assays.planted import planted, promoter

from pajamo.errors import ModelError
from pajamo.explanations.assays import bootstrap as module
from pajamo.explanations.assays.bootstrap import bootstrap
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.assays.quantities import errors_of, quantities


@pytest.fixture(scope="module")
def fitted():
    """Few reads, so that drawing them anew is quick."""
    model, assay = planted(rows=400, reads=20, noise=0.3)
    return polish(model, assay), assay


@pytest.mark.parametrize("kind", ["case", "parametric"])
def test_the_same_seed_gives_the_same_refits(fitted, kind):
    polished, assay = fitted
    told = []
    one = bootstrap(polished.model, assay, kind=kind, resamples=3, seed=4, progress=told.append)
    other = bootstrap(polished.model, assay, kind=kind, resamples=3, seed=4)
    np.testing.assert_array_equal(one.draws, other.draws)
    assert len(told) == 3
    assert one.asked - one.failed == len(one.draws)
    assert (one.table["low"] <= one.table["high"]).all()
    assert one.draws["binding energy of the wild type of CRP"].std() > 0


def test_a_parametric_bootstrap_agrees_with_the_curvature():
    """With a known interaction the activator's energy is well determined, so that Laplace's approximation holds."""
    known = promoter(interactions={"CRP+RNAP": {"initial": -1.85, "fixed": True}})
    model, assay = planted(known, rows=300, reads=100, noise=0.3)
    model = polish(model, assay).model
    error = errors_of(information(model, assay), quantities(model, assay))[0]
    found = bootstrap(model, assay, kind="parametric", resamples=15).table
    assert found["of"][0] == "CRP"
    assert found["se"][0] == pytest.approx(error, rel=0.6)


def test_refits_that_do_not_converge_are_counted_and_left_out(fitted, monkeypatch):
    polished, assay = fitted
    real, calls = module.settled, []

    def sometimes(problem, steps):
        calls.append(0)
        return real(problem, 1 if len(calls) == 2 else steps)

    monkeypatch.setattr(module, "settled", sometimes)
    found = bootstrap(polished.model, assay, resamples=3)
    assert (found.failed, len(found.draws)) == (1, 2)
    assert "2 of 3" in found.verdict


def test_one_resample_makes_no_interval(fitted):
    polished, assay = fitted
    with pytest.raises(ModelError):
        bootstrap(polished.model, assay, resamples=1)
