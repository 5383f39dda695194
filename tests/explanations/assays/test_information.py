"""Laplace's posterior against the posterior itself, effective parameters, and sloppy directions in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.explanations.assays.planted import INTERACTION, planted, promoter, redrawn

from pajamo.errors import ModelError, PajamoWarning
from pajamo.explanations.assays.gauging import twin
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.matrices import energy_table
from pajamo.explanations.assays.parameters import parameter_table
from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.assays.profile_points import Profiler, profiled_quantity
from pajamo.explanations.assays.quantities import errors_of, quantities, values_of
from pajamo.explanations.assays.sloppiness import sloppiness, sloppy_directions


@pytest.fixture(scope="module")
def found(fitted):
    polished, assay = fitted
    return information(polished.model, assay)


def test_errors_are_the_curvature_of_the_profile(fitted, found):
    """With everything else refitted, the drop is half the squared distance in standard errors."""
    polished, assay = fitted
    profiler = Profiler(polished.model, assay, profiled_quantity(polished.model, assay, "CRP+RNAP"))
    best = profiler.freed()
    error = found.error(found.of_constant("CRP+RNAP"))
    drops = [profiler.at(best.value + side * 0.5 * error).objective - best.objective for side in (-1, 1)]
    assert np.mean(drops) == pytest.approx(0.5**2 / 2, rel=0.15)


def test_draws_have_the_covariance(found):
    draws = found.draws(20_000, 1)
    direction = found.of_constant("CRP+RNAP")
    assert (draws @ direction).std() == pytest.approx(found.error(direction), rel=0.03)
    np.testing.assert_array_equal(draws, found.draws(20_000, 1))


def test_the_level_of_a_site_is_its_priors_alone(fitted, found):
    """The activity is normalised, so that shifting all polymerase energies changes nothing."""
    polished, assay = fitted
    assert found.size == 1 + 2 * (1 + 4 * 3)
    assert found.size - 1.5 < found.effective < found.size - 0.9
    table = parameter_table(polished.model, assay, found)
    verdicts = dict(zip(table["of"], table["verdict"], strict=True))
    assert verdicts["CRP+RNAP"] == "determined by the data"
    assert "held by priors" in verdicts["RNAP"]
    directions = sloppy_directions(found, polished.model)
    assert directions["moves"][0] == "level of RNAP"
    assert "1 of 27 directions are held by the priors alone" in sloppiness(found, directions)


def test_a_weakly_identified_interaction_is_the_sloppiest_direction():
    """One read a sequence: the scale of the polymerase's energies trades against the interaction."""
    model, assay = planted(rows=1500, reads=1)
    polished = polish(model, assay)
    directions = sloppy_directions(information(polished.model, assay), polished.model)
    named = directions["moves"][1]
    assert "CRP+RNAP" in named or "scale of RNAP" in named


def test_letters_never_seen_have_no_interval(fitted):
    polished, assay = fitted
    experiment = assay.experiments[0]
    less = replace(assay, experiments=(experiment.rows(experiment.codes[:, 2] != 3),))
    model = polish(polished.model, less).model
    table = energy_table(model, less, information(model, less))
    unseen = table[~table["observed"]]
    assert unseen[["site", "position", "letter"]].to_numpy().tolist() == [["CRP", 2, "T"]]
    assert unseen["se"].isna().all()
    assert unseen["low"].isna().all()
    native = table[table["wild_type"]]
    assert (native["value"].abs() < 1e-9).all()
    assert (native["se"] < 1e-6).all()
    assert table.loc[table["observed"] & ~table["wild_type"], "se"].between(0.001, 0.5).all()


def test_more_parameters_than_sequences_are_told():
    model, assay = planted(rows=20, reads=2)
    with pytest.warns(PajamoWarning, match="27 parameters and 18 sequences.*the data determine"):
        information(model, assay)


def test_a_black_box_has_no_information():
    sites = {"CRP": {"start": 0, "length": 4, "encoder": "network"}, "RNAP": {"start": 4, "length": 4}}
    model, assay = planted_box(sites)
    with pytest.raises(ModelError, match="black box"):
        information(model, assay)


def planted_box(sites):
    """A model with a black box, not fitted."""
    model, assay = planted(rows=30, reads=2)
    model.mechanism = promoter(sites=sites)
    model.build(assay)
    return model, assay


def test_a_saddle_between_two_frames_is_left(fitted):
    """With no interaction the activator does nothing, whatever its energies: a stationary point, but no optimum."""
    polished, assay = fitted
    start = twin(polished.model)
    with torch.no_grad():
        start.assembly.constants.zero_()
        start.assembly.reader("CRP").weights.zero_()
    assert not information(start, assay).positive
    assert polish(start, assay).objective == pytest.approx(polished.objective, abs=0.1)


@pytest.mark.slow
def test_intervals_of_ninety_per_cent_cover(truth):
    """Laplace and profile, the truth being a fitted model as a whole; binomial bounds at one in a thousand."""
    model, assay = truth
    known = np.array(list(values_of(model, quantities(model, assay)).values()))
    within, dropped = [], []
    for seed in range(20):
        drawn = redrawn(model, assay, seed)
        polished = polish(model, drawn).model
        wanted = quantities(polished, drawn)
        errors = errors_of(information(polished, drawn), wanted)
        within.append(np.abs(np.array(list(values_of(polished, wanted).values())) - known) < 1.645 * errors)
        profiler = Profiler(polished, drawn, profiled_quantity(polished, drawn, "CRP+RNAP"))
        best = profiler.freed().objective
        dropped.append(profiler.at(INTERACTION).objective - best < 1.353)
    interaction, activator, _ = np.mean(within, axis=0)
    assert min(interaction, activator, float(np.mean(dropped))) >= 13 / 20


def test_some_rows_stand_for_all_where_a_fit_is_too_large(monkeypatch, fitted):
    polished, assay = fitted
    model, exact = polished.model, information(polished.model, assay)
    rows = exact.observations[0]
    monkeypatch.setattr("pajamo.explanations.assays.information.MOST_WORK", 0.7 * rows * exact.size**2)
    found = information(model, assay)
    assert found.looked_at == pytest.approx(0.7 * rows, abs=1)
    assert found.observations == exact.observations
    assert "approximate" in found.verdict
    assert "approximate" not in exact.verdict
    ratio = found.covariance.diagonal() / exact.covariance.diagonal()
    assert np.median(ratio) == pytest.approx(1.0, abs=0.2)
