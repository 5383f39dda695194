"""The physical frame: every frame leads to the same one, and to the one that was planted."""

from __future__ import annotations

import numpy as np
import torch
from tests.explanations.assays.planted import planted, promoter

from pajamo.config.assays import LatentSettings
from pajamo.explanations.assays.applying import apply
from pajamo.explanations.assays.canonical import canonical, mean_recorded, rise, specificity
from pajamo.explanations.assays.symmetries import all_symmetries


def test_every_frame_leads_to_the_planted_one(truth):
    model, assay = truth
    likelihood = model.log_likelihood(assay.experiments[0])
    for symmetry in all_symmetries(model):
        frame = canonical(apply(model, symmetry), assay)
        assert frame.equivalents == 4
        assert "was turned by dG[CRP] -> " in frame.sentence
        torch.testing.assert_close(frame.model.assembly.constants, model.assembly.constants)
        torch.testing.assert_close(
            frame.model.assembly.reader("CRP").weights, model.assembly.reader("CRP").weights
        )
        np.testing.assert_allclose(frame.model.log_likelihood(assay.experiments[0]), likelihood, rtol=1e-9)


def test_the_physical_frame_stays(truth):
    model, assay = truth
    frame = canonical(model, assay)
    assert "The fit had ended in this one" in frame.sentence
    assert rise(frame.model, assay) > 0.5
    assert specificity(frame.model.assembly, "CRP", assay) > 0


def test_a_prior_matrix_decides_before_the_wild_type_does():
    repelled = tuple((4.0, -2.0, -2.0, -2.0) for _ in range(4))
    sites = {
        "CRP": {"start": 0, "length": 4, "matrix": repelled, "sd": 1.0},
        "RNAP": {"start": 4, "length": 4},
    }
    model, assay = planted(promoter(sites=sites), rows=200, reads=5)
    frame = canonical(model, assay)
    assert "prior energy matrices" in frame.sentence
    assert specificity(frame.model.assembly, "CRP", assay) < 0


def test_without_a_symmetry_nothing_is_chosen():
    model, assay = planted(LatentSettings(), rows=50, reads=2)
    frame = canonical(model, assay)
    assert frame.equivalents == 1
    assert "one frame" in frame.sentence


def test_rows_without_reads_have_no_mean_bin(truth):
    _, assay = truth
    experiment = assay.experiments[0].rows(np.arange(2))
    experiment.recorded["counts"][:] = [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0]]
    np.testing.assert_array_equal(mean_recorded(experiment), [np.nan, 2.5])
