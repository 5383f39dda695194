"""Bootstrap: seeds, agreement with Laplace where that holds, and refits that fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.explanations.assays.planted import bins, planted, promoter, set_energies

from pajamo.errors import ModelError
from pajamo.explanations.assays import bootstrap as module
from pajamo.explanations.assays.applying import apply
from pajamo.explanations.assays.bootstrap import bootstrap, nearest_frame
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.assays.quantities import errors_of, quantities, values_of
from pajamo.explanations.assays.symmetries import all_symmetries
from pajamo.models.assays.model import AssayModel


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


def test_a_refit_in_another_frame_is_turned_back(fitted):
    polished, assay = fitted
    model, frames = polished.model, all_symmetries(polished.model)
    wanted = quantities(model, assay)
    own = values_of(model, wanted)
    assert len(frames) == 3
    for symmetry in frames:
        turned = apply(model, symmetry)
        assert max(abs(values_of(turned, wanted)[name] - own[name]) for name in own) > 1
        back = values_of(nearest_frame(turned, model, frames), wanted)
        assert back == pytest.approx(own, abs=1e-9)
    assert nearest_frame(model, model, frames) is model


def test_refits_that_end_in_another_frame_are_counted(fitted, monkeypatch):
    polished, assay = fitted
    expected = bootstrap(polished.model, assay, resamples=3)
    symmetry = all_symmetries(polished.model)[0]
    real = module.settled

    def elsewhere(problem, steps):
        done = real(problem, steps)
        other = apply(_holding(polished.model, problem.assembly), symmetry)
        problem.assembly.load_state_dict(other.assembly.state_dict())
        return done

    monkeypatch.setattr(module, "settled", elsewhere)
    found = bootstrap(polished.model, assay, resamples=3)
    assert (expected.turned, found.turned) == (0, 3)
    assert "3 after being turned" in found.verdict
    np.testing.assert_allclose(found.draws, expected.draws, atol=1e-9)


def _holding(model, assembly):
    """A model with the parameters of an assembly."""
    held = module.twin(model)
    held.assembly.load_state_dict(assembly.state_dict())
    return held


def test_two_experiments_that_share_a_mechanism_are_resampled_together(fitted):
    _, assay = fitted
    whole = assay.experiments[0]
    halves = tuple(
        replace(whole.rows(np.arange(whole.n) % 2 == half), name=name)
        for half, name in enumerate(("one", "two"))
    )
    both = replace(assay, experiments=halves)
    model = AssayModel("both", promoter(), {"one": bins(), "two": bins()})
    model.build(both)
    set_energies(model)
    polished = polish(model, both).model
    found = bootstrap(polished, both, resamples=4)
    assert (found.failed, len(found.draws)) == (0, 4)
    assert (np.sign(found.draws["interaction energy of CRP+RNAP"]) == -1).all()
    assert found.table["se"].between(0.001, 3).all()
