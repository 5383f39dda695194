"""Refits: the validation rows are learned from once they have chosen, and the test rows never are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.training.assays.planted_assays import LINE, bins, latent, plant, study, two_sites

from pajamo.config.assays import ContinuousSettings
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import objective, rows_of
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.refit import refit_assay, seen
from pajamo.training.assays.starts import randomise

CURVE = ContinuousSettings(nonlinearity="tanh", hidden=3)
BY_NEWTON = (latent(), bins(knots=6))
BY_EPOCHS = (latent("pairwise"), CURVE)
BLACK_BOX = (latent("network"), CURVE)


def planted(mechanism, settings, rows=240):
    """Planted rows of which a third each train, validate and test."""
    model, assay = study(mechanism, {"one": settings}, rows=rows)
    thirds = (np.arange(rows) % 3).astype(np.int8)
    data, _ = plant(model, replace(assay, experiments=(replace(assay.experiments[0], set_of=thirds),)))
    return AssayModel(model.name, mechanism, model.experiments, seed=0), data


def refitted(model, data, steps=30):
    chosen = fit_assay(model, data, starts=1, steps=steps)
    before = {name: values.clone() for name, values in model.assembly.state_dict().items()}
    return chosen, before, refit_assay(model, data, chosen, steps=steps)


def same(model, states):
    return all(torch.equal(values, states[name]) for name, values in model.assembly.state_dict().items())


def test_validation_rows_become_training_rows_and_test_rows_stay():
    _, data = planted(*BY_NEWTON)
    whole = seen(data)
    assert whole.part("training").experiments[0].n == 160
    assert whole.part("validation").experiments[0].n == 0
    before, after = (each.part("test").experiments[0] for each in (data, whole))
    np.testing.assert_array_equal(before.codes, after.codes)
    np.testing.assert_array_equal(before.recorded["counts"], after.recorded["counts"])


def test_a_converged_fit_ends_in_the_optimum_of_all_rows_that_it_saw():
    model, data = planted(*BY_NEWTON)
    chosen, before, report = refitted(model, data, steps=100)
    rows = rows_of(seen(data).part("training"))
    with torch.no_grad():
        reached = objective(model.assembly, rows).item()
    fresh = AssayModel(model.name, model.mechanism, model.experiments, seed=0)
    again = fit_assay(fresh, seen(data), starts=1, steps=100)
    assert report.converged
    assert report.refitted
    assert not same(model, before)
    assert report.objective == pytest.approx(reached, abs=1e-6)
    assert reached == pytest.approx(again.objective, abs=0.2)
    assert report.starts == chosen.starts


def test_a_mechanism_that_newton_steps_finished_is_finished_by_them_again():
    model, data = planted(two_sites(), LINE, rows=90)
    chosen, before, report = refitted(model, data, steps=40)
    assert chosen.best == report.best == 0
    assert report.converged
    assert not same(model, before)
    assert report.verdict.endswith("refitted to training and validation rows)")


@pytest.mark.parametrize("case", [BY_EPOCHS, BLACK_BOX])
def test_epochs_are_as_many_as_validation_chose(case):
    model, data = planted(*case)
    chosen, before, report = refitted(model, data, steps=12)
    assert 0 < chosen.best <= chosen.steps == 12
    assert report.steps == len(report.history) == chosen.best
    assert report.starts == chosen.starts
    assert report.refitted
    assert not same(model, before)
    assert report.cpu_seconds >= chosen.cpu_seconds
    assert report.verdict.startswith("refitted to training and validation rows")


@pytest.mark.parametrize("case", [BY_NEWTON, BY_EPOCHS, BLACK_BOX])
def test_test_rows_are_never_learned_from_and_the_same_seed_gives_the_same_bits(case):
    model, data = planted(*case)
    other = AssayModel(model.name, model.mechanism, model.experiments, seed=0)
    rows = data.experiments[0]
    wrong = {name: np.where((rows.set_of == 2).reshape(-1, *[1] * (values.ndim - 1)), 7.0, values)
             for name, values in rows.recorded.items()}  # fmt: skip
    refitted(model, data, steps=4)
    refitted(other, replace(data, experiments=(replace(rows, recorded=wrong),)), steps=4)
    assert same(other, model.assembly.state_dict())


@pytest.mark.parametrize("case", [BY_NEWTON, BY_EPOCHS])
def test_twice_as_many_rows_predict_unseen_ones_better(case):
    model, data = planted(*case)
    test = data.part("test").experiments[0]
    chosen = fit_assay(model, data, starts=1, steps=40)
    before = model.log_likelihood(test).mean()
    refit_assay(model, data, chosen, steps=40)
    assert model.log_likelihood(test).mean() > before


def test_without_validation_rows_nothing_is_done():
    model, data = planted(*BY_EPOCHS)
    experiment = data.experiments[0]
    bare = replace(data, experiments=(experiment.rows(experiment.set_of != 1),))
    chosen, before, report = refitted(model, bare, steps=3)
    assert report is chosen
    assert not report.refitted
    assert same(model, before)


def test_a_refit_that_leaves_its_optimum_is_undone(monkeypatch):
    def astray(model, rows, chosen, progress):
        randomise(model.assembly, rows, torch.Generator().manual_seed(1))
        return chosen

    monkeypatch.setattr("pajamo.training.assays.refit._by_epochs", astray)
    model, data = planted(*BY_EPOCHS)
    chosen, before, report = refitted(model, data, steps=15)
    assert report is chosen
    assert not report.refitted
    assert same(model, before)
