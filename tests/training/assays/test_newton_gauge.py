"""Directions in which Newton steps move weights, and the prior along them."""

from __future__ import annotations

import pytest
import torch
from tests.training.assays.planted_assays import LINE, TANH, bins, latent, placed, study, two_sites

from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.pairs import NeighbourEncoder, PairwiseEncoder
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.gauge import basis, contrasts, design, fix_gauge
from pajamo.training.assays.newton.instrument import Instrument

KINDS = {"additive": AdditiveEncoder, "neighbour": NeighbourEncoder, "pairwise": PairwiseEncoder}


@pytest.fixture(params=KINDS)
def encoder(request):
    made = KINDS[request.param](4, "ACGT", sd=2.0).double()
    with torch.no_grad():
        made.prior_mean[1:17] = torch.linspace(-1, 1, 16)
        made.weights.normal_(generator=torch.Generator().manual_seed(3))
    return made


@pytest.fixture
def codes():
    return torch.randint(0, 4, (30, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.mark.parametrize("letters", [2, 4, 20])
def test_contrasts_are_orthonormal_and_sum_to_zero(letters):
    found = contrasts(letters)
    torch.testing.assert_close(found.T @ found, torch.eye(letters - 1, dtype=torch.float64))
    torch.testing.assert_close(found.sum(dim=0), torch.zeros(letters - 1, dtype=torch.float64))


def test_the_basis_is_orthonormal(encoder):
    found = basis(encoder)
    torch.testing.assert_close(found.T @ found, torch.eye(found.shape[1], dtype=torch.float64))


def test_predictions_move_as_the_design_says(encoder, codes):
    step = torch.linspace(-1, 1, basis(encoder).shape[1], dtype=torch.float64)
    before = encoder(codes).detach()
    with torch.no_grad():
        encoder.weights += basis(encoder) @ step
    moved = design(encoder, codes, torch.float64) @ step
    torch.testing.assert_close(encoder(codes).detach() - before, moved)
    torch.testing.assert_close(design(encoder, codes), design(encoder, codes, torch.float64).float())


def test_an_additive_basis_spans_every_change_of_predictions(codes):
    """As many directions as the one-hot design has dimensions."""
    encoder = AdditiveEncoder(4, "ACGT").double()
    everything = torch.cartesian_prod(*[torch.arange(4, dtype=torch.uint8)] * 4)
    full = encoder.design(everything)
    assert torch.linalg.matrix_rank(full) == basis(encoder).shape[1] == 13
    assert torch.linalg.matrix_rank(design(encoder, everything, torch.float64)) == 13


def test_the_gauge_changes_no_prediction_and_lowers_no_mean(encoder, codes):
    before = encoder(codes).detach()
    fix_gauge(encoder)
    torch.testing.assert_close(encoder(codes).detach(), before)
    if isinstance(encoder, AdditiveEncoder):
        beside = (encoder.weights - encoder.prior_mean).detach()[1:].reshape(4, 4).mean(dim=1)
        torch.testing.assert_close(beside, torch.zeros(4, dtype=torch.float64))
        once = encoder.weights.detach().clone()
        fix_gauge(encoder)
        torch.testing.assert_close(encoder.weights.detach(), once)


def placed_assembly(mechanism=None):
    model, assay = study(mechanism or two_sites(), {"one": bins(), "two": TANH}, rows=30)
    return placed(model, assay)[0]


@pytest.mark.parametrize("mechanism", [two_sites(), latent("neighbour")])
def test_the_priors_slope_and_precision_are_those_of_the_penalty(mechanism):
    assembly = placed_assembly(mechanism)
    coordinates = Coordinates(assembly)
    assembly.zero_grad()
    penalty = assembly.penalty() - sum(m.penalty() for m in assembly.measurements)
    penalty.backward()
    for parameter in assembly.measurements.parameters():
        parameter.grad = torch.zeros_like(parameter)
    torch.testing.assert_close(coordinates.pull(), coordinates.prior_slope())
    before, h = coordinates.prior_slope(), 0.5
    for place in range(coordinates.readers[-1].where.stop):
        step = torch.zeros(coordinates.size, dtype=torch.float64)
        step[place] = h
        coordinates.move(step)
        change = (coordinates.prior_slope() - before) / h
        torch.testing.assert_close(change, coordinates.precision() * step / h, rtol=1e-9, atol=1e-9)
        coordinates.move(-step)


def test_a_step_and_its_opposite_change_nothing():
    assembly = placed_assembly()
    coordinates = Coordinates(assembly)
    before = {name: value.detach().clone() for name, value in assembly.named_parameters()}
    step = torch.linspace(-1, 2, coordinates.size, dtype=torch.float64)
    coordinates.move(step)
    assert not torch.equal(dict(assembly.named_parameters())["constants"], before["constants"])
    coordinates.move(-step)
    for name, value in assembly.named_parameters():
        torch.testing.assert_close(value.detach(), before[name])


@pytest.mark.parametrize("settings", [bins(3), LINE, TANH])
def test_an_instruments_prior_is_a_quadratic(settings):
    model, assay = study(two_sites(), {"one": settings}, rows=30)
    instrument = Instrument(placed(model, assay)[0].measurements[0])
    here, slope, precision = instrument.vector, instrument.prior_slope(), instrument.precision()
    before = instrument.prior()
    step = torch.linspace(-1, 1, len(here), dtype=torch.float64)
    instrument.set(here + step)
    promised = float(slope @ step + step @ precision @ step / 2)
    assert instrument.prior() - before == pytest.approx(promised, rel=1e-9)
    torch.testing.assert_close(instrument.prior_slope(), slope + precision @ step)
