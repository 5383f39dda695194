"""Fits from random starts: planted truth, seeds, small and odd tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.training.assays.planted_assays import (
    LINE,
    RNA,
    TANH,
    bins,
    latent,
    plant,
    study,
    two_sites,
)

from pajamo.config.assays import ContinuousSettings, declare
from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import objective, rows_of
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.newton.gauge import basis
from pajamo.training.assays.newton.problem import Problem

LOG_LINE = ContinuousSettings(nonlinearity="linear", coordinate="log")
SITE = {"R": {"start": 1, "length": 3}}
ONE_SITE = declare("thermodynamic", sites=SITE, states={"free": {}, "bound": {"bound": ["R"], "rate": 1}})
MEAN = declare("latent", sequence=False)


def planted(mechanism=None, settings=LINE, rows=250, **more):
    model, assay = study(mechanism or two_sites(), {"one": settings}, rows=rows)
    data, truth = plant(model, assay, **more)
    return model, data, truth


def with_seed(model, seed):
    return AssayModel(model.name, model.mechanism, model.experiments, seed=seed)


def fit(model, data, **more):
    return fit_assay(model, data, **{"starts": 1, "steps": 40} | more)


def changed(data, **more):
    """The same assay with other arrays in its experiment."""
    return replace(data, experiments=(replace(data.experiments[0], **more),))


def activities(model, data):
    rows = rows_of(data)[0]
    return model.assembly.coordinate(rows.codes, rows.name, rows.inputs).detach()


def alike(one, other):
    return abs(torch.corrcoef(torch.stack([one, other]))[0, 1].item())


def test_the_same_seed_gives_the_same_bits_and_another_the_same_optimum():
    model, data, _ = planted(settings=bins(library=True, knots=8))
    reports = [fit(with_seed(model, 0), data)]
    again, other = with_seed(model, 0), with_seed(model, 1)
    torch.manual_seed(99)
    reports += [fit(again, data), fit(other, data)]
    assert replace(reports[0], cpu_seconds=0.0) == replace(reports[1], cpu_seconds=0.0)
    assert reports[0].history[0] != reports[2].history[0]
    assert all(report.converged for report in reports)
    assert reports[2].objective == pytest.approx(reports[0].objective, abs=0.1)
    assert alike(activities(again, data), activities(other, data)) > 0.9999


@pytest.mark.parametrize("settings", [LINE, LOG_LINE, RNA, bins(library=True, knots=8)])
def test_planted_energies_are_recovered_within_their_errors(settings):
    model, data, truth = planted(settings=settings)
    report = fit(model, data)
    rows = rows_of(data.part("training"))
    assembly = model.assembly
    assert report.converged
    assert report.objective < objective(truth, rows).item()
    problem = Problem(assembly, rows)
    inverse = torch.linalg.inv(problem.expand(convex=False).hessian)
    errors = inverse.diagonal().sqrt()
    where = next(block.where for block in problem.coordinates.readers if block.key == "R")
    directions = basis(truth.reader("R"))
    found, planted_ones = (directions.T @ part.reader("R").weights for part in (assembly, truth))
    # The constant takes the interaction in the other, equivalent frame; a sorter's scale may also fall.
    sign = torch.sign(found[1:] @ planted_ones[1:]).detach()
    away = ((sign * found - planted_ones) / errors[where])[1:].detach()
    assert (sign > 0) or settings.kind == "bins"
    # (A sorter's activities have no unit: their energies' common scale is uncertain, and all of them move together.)
    assert 0.1 < away.square().mean().sqrt().item() < 2.0
    assert alike(activities(model, data), truth.coordinate(rows_of(data)[0].codes, "one", {}).detach()) > 0.99
    if settings.kind != "bins":
        place = problem.coordinates.constants[0][1]
        assert abs(assembly.constants.abs().item() - 3.0) < 4 * errors[place].item()


def test_the_mean_model_is_the_tables_own_frequencies():
    model, assay = study(MEAN, {"one": bins(3, knots=6)}, rows=60)
    report = fit(model, assay)
    training = assay.part("training").experiments[0].recorded["counts"].sum(axis=0)
    shares = model.assembly.measurements[0].log_probabilities(torch.zeros(1).double()).exp()
    np.testing.assert_allclose(shares[0].detach(), training / training.sum(), atol=0.01)
    assert report.converged


@pytest.mark.parametrize("settings", [LINE, TANH, RNA])
def test_the_mean_model_of_an_instrument_that_is_not_convex(settings):
    if settings.kind == "barcodes":
        settings = ContinuousSettings(nonlinearity="sigmoid")
    settings = settings.model_copy(update={"coordinate": "linear"})
    model, assay = study(MEAN, {"one": settings}, rows=60)
    report = fit(model, assay)
    values = assay.part("training").experiments[0].recorded["value"]
    expected = model.predict(assay.experiments[0])["expected"]
    assert report.converged
    np.testing.assert_allclose(expected, values.mean(), atol=0.02)


def test_a_network_is_stopped_and_says_so():
    model, data, _ = planted(latent("network"), rows=120)
    report = fit(model, data, starts=1, steps=15)
    assert not report.converged
    assert report.verdict.startswith("stopped after")
    assert report.steps == 15


@pytest.mark.parametrize("rows", [1, 10])
@pytest.mark.parametrize("settings", [bins(3, library=True, knots=8), LINE, RNA])
def test_a_table_of_a_few_rows_works(rows, settings):
    model, assay = study(two_sites(), {"one": settings}, rows=rows)
    assay = changed(assay, set_of=np.zeros(rows, np.int8))
    report = fit(model, assay, steps=30)
    assert np.isfinite(report.objective)
    assert np.isfinite(model.predict(assay.experiments[0])).all(axis=None)
    assert not report.validated


@pytest.mark.parametrize("settings", [LINE, TANH, bins(3, knots=8)])
@pytest.mark.parametrize("encoder", ["additive", "network"])
def test_one_row_of_a_map_is_fitted_by_its_instrument_alone(settings, encoder):
    settings = settings.model_copy(update={"coordinate": "linear"})
    model, assay = study(latent(encoder), {"one": settings}, rows=1)
    assay = changed(assay, set_of=np.zeros(1, np.int8))
    report = fit(model, assay, starts=1, steps=30)
    assert abs(report.objective) < 100.0
    assert report.starts[0] < 5.0
    if settings.kind == "continuous":
        found = model.predict(assay.experiments[0])["expected"][0]
        assert found == pytest.approx(assay.experiments[0].recorded["value"][0], abs=0.5)


def test_no_rows_are_refused():
    model, assay = study(two_sites(), {"one": LINE}, rows=10)
    with pytest.raises(ModelError, match="nothing to learn from"):
        fit(model, changed(assay, set_of=np.full(10, 2, np.int8)))


def test_values_that_are_not_finite_are_refused():
    model, data, _ = planted(rows=60)
    value = data.experiments[0].recorded["value"].copy()
    value[0] = np.inf
    with pytest.raises(ModelError) as told:
        fit(model, changed(data, recorded={"value": value}), steps=5)
    assert "extreme" in str(told.value) or "learning rate" in str(told.value)


@pytest.mark.parametrize("library", [False, True])
def test_all_bins_but_one_may_be_empty(library):
    model, assay = study(two_sites(), {"one": bins(3, knots=8, library=library)}, rows=120)
    recorded = dict(assay.experiments[0].recorded)
    recorded["counts"] = recorded["counts"] * np.array([0.0, 1.0, 0.0])
    report = fit(model, changed(assay, recorded=recorded), steps=30)
    shares = model.assembly.measurements[0].log_probabilities(torch.zeros(1).double()).exp()[0]
    assert np.isfinite(report.objective)
    assert shares[1].item() > 0.97


@pytest.mark.parametrize("settings", [LINE, bins(3, knots=8, library=True)])
def test_sequences_that_are_all_alike_teach_the_mean(settings):
    model, assay = study(two_sites(), {"one": settings}, rows=100)
    codes = np.repeat(assay.experiments[0].codes[:1], 100, axis=0)
    report = fit(model, changed(assay, codes=codes), steps=30)
    mean = AssayModel("mean", MEAN, model.experiments)
    least = fit(mean, changed(assay, codes=codes), steps=30)
    assert report.objective == pytest.approx(least.objective, abs=1.0)
    expected = model.predict(assay.experiments[0].rows(np.arange(1)))["expected"][0]
    assert expected == pytest.approx(mean.predict(assay.experiments[0])["expected"][0], abs=0.02)


def test_without_a_validation_set_the_training_set_chooses():
    model, data, _ = planted(settings=bins(library=True, knots=8))
    report = fit(model, changed(data, set_of=np.zeros(250, np.int8)), starts=2)
    assert report.converged
    assert not report.validated
    assert list(report.starts) == sorted(report.starts)


def test_two_experiments_share_energies_and_estimate_a_concentration():
    sites = {"A": {"start": 0, "length": 3}, "R": {"start": 4, "length": 4}}
    mechanism = two_sites(sites=sites, regulators={"A": {"concentration": "activator"}})
    inputs = {"low": {"activator": "fit"}, "high": {"activator": 1.0}}
    model, assay = study(
        mechanism, {"low": RNA, "high": RNA}, rows=120, inputs=inputs, columns={"high": {"activator": 1.0}}
    )
    names = [term.name for term in model.build(assay).blueprint.terms if term.encoder is None]
    wanted = [-3.0 if name == "A+R" else -2.0 for name in names]
    data, truth = plant(model, assay, constants=wanted)
    report = fit(model, data, starts=1)
    assert report.converged
    assert len(names) == 2
    for one in data.experiments:
        rows = next(rows for rows in rows_of(data) if rows.name == one.name)
        expected = truth.coordinate(rows.codes, rows.name, rows.inputs).detach()
        assert alike(torch.as_tensor(model.coordinate(one)), expected) > 0.98


def test_a_site_that_slides_finds_its_place():
    sites = {"R": {"slide": (0, 5), "length": 3, "strand": "+"}}
    mechanism = declare("thermodynamic", sites=sites, transcribes=["R"])
    model, data, truth = planted(mechanism, RNA, rows=250, energy=2.0)
    report = fit(model, data, starts=3)
    assert report.converged
    assert alike(activities(model, data), truth.coordinate(rows_of(data)[0].codes, "one", {}).detach()) > 0.97


def test_a_scheme_in_detailed_balance_has_the_optimum_of_the_states():
    scheme = declare(
        "kinetic",
        states=["free", "bound"],
        sites=SITE,
        transitions={"free->bound": {"rate": 1.0}, "bound->free": {"of": "off", "energy": ["R"]}},
        outputs={"rna": {"bound": 1}},
    )
    model, data, _ = planted(ONE_SITE, rows=120)
    kinetic = AssayModel("scheme", scheme, model.experiments)
    one, other = fit(model, data), fit(kinetic, data)
    assert one.converged
    assert other.converged
    # The scheme has one more constant, of no use but to share the site's with its prior.
    assert one.objective == pytest.approx(other.objective, abs=0.1)
    np.testing.assert_allclose(activities(model, data), activities(kinetic, data), atol=0.02)


def test_the_progress_and_the_number_of_starts_are_told():
    model, data, _ = planted(settings=bins(3, knots=8), rows=120)
    lines = []
    report = fit(model, data, starts=3, steps=12, progress=lines.append)
    assert sum(line.startswith("start ") for line in lines) == 3
    assert len(report.starts) == 3
    assert report.steps == len(report.history) <= 12
    assert sum(line.startswith("step ") for line in lines) == report.steps
    assert report.cpu_seconds > 0


def test_the_keyboard_interrupts_a_fit():
    model, data, _ = planted(settings=bins(3, knots=8), rows=120)

    def stop(line):
        if line.startswith("step 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, data, starts=1, progress=stop)
    assert isinstance(data, Assay)
    assert np.isfinite(model.predict(data.experiments[0])).all(axis=None)
