"""Costs of mismatches, quantities and scores of pairs: against naive loops over the fitted model itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tests.explanations.pairs.networks import (
    GUIDE,
    LENGTH,
    OTHER,
    PAM,
    assay_of,
    experiment,
    library,
    network_model,
)

from pajamo.config.assays import declare
from pajamo.data.assays.pairs.pairing import channels
from pajamo.errors import DataError, ModelError
from pajamo.explanations.assays.explain import explain_assay
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.kinetic_readouts import kinetic_readouts
from pajamo.explanations.assays.profile_points import profiled_quantity
from pajamo.explanations.assays.quantities import quantities
from pajamo.explanations.assays.sloppiness import sloppy_directions
from pajamo.explanations.assays.symmetries import all_symmetries
from pajamo.explanations.pairs.control import control
from pajamo.explanations.pairs.costs import cost_table
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.scoring import score_pairs
from pajamo.explanations.pairs.spread import drawn_log_rates, information_of
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.starts import lay_over


@pytest.fixture(scope="module")
def cycled():
    return network_model()


@pytest.fixture(scope="module")
def loop():
    """An R-loop of eight base pairs whose weights were drawn from their prior."""
    guides, targets = library(280)
    rates = np.random.default_rng(0).standard_normal(280)
    assay = assay_of(guides, targets, rates)
    model = AssayModel("loop", declare("r-loop", steps=8), {"one": experiment(output="cleavage")})
    model.build(assay.part("training"))
    reader = model.assembly.reader("R-loop")
    with torch.no_grad():
        reader.weights += 0.3 * torch.as_tensor(np.random.default_rng(1).standard_normal(reader.features))
    lay_over(model.assembly, rows_of(assay.part("training")))
    return model, assay


@pytest.mark.parametrize("which", ["cycled", "loop"])
def test_a_cost_is_what_the_change_adds_to_what_is_read(which, request):
    model, assay = request.getfixturevalue(which)
    table = cost_table(model, assay)
    codes = assay.experiment("one").codes
    network = KineticNetwork.of(model)
    terms = network.terms(codes) - network.terms(network.matched())
    for name in model.assembly.blueprint.readers:
        own = table[table["reader"] == name]
        changes = list(dict.fromkeys(own["change"]))
        told = channels("kind" if len(changes) == 18 else "to")
        values = own.pivot(index="position", columns="change", values="value")[changes].to_numpy()
        first = int(own["position"].min())
        window = codes[:, first : first + len(values)]
        expected = np.einsum("rpc,pc->r", told[window].astype(float), values)
        columns = [place for place, term in enumerate(model.assembly.blueprint.terms) if term.encoder == name]
        assert terms[:, columns].sum(dim=1).numpy() == pytest.approx(expected, abs=1e-9)


def test_changes_that_no_training_pair_shows_are_flagged(cycled):
    model, assay = cycled
    table = cost_table(model, assay).set_index(["reader", "position", "change"])
    codes = assay.part("training").experiments[0].codes
    told = channels("to")
    names = list(dict.fromkeys(table.reset_index()["change"]))
    for reader, position, change in table.index:
        seen = int(told[codes[:, position]][:, names.index(change)].sum())
        assert table.at[(reader, position, change), "pairs"] == seen
    assert set(table.reset_index()["from_pam"]) == set(range(1 - PAM, LENGTH - PAM + 1))


def test_errors_of_costs_are_those_of_draws(cycled):
    model, assay = cycled
    found = information(model, assay)
    table = cost_table(model, assay, found)
    name = "ln k open->intermediate"
    moves = found.draws(4000, 0)[:, found.readers[name]] @ found.bases[name].T
    spread = (moves[:, 1:] @ model.assembly.reader(name).spread.numpy().T).std(axis=0)
    own = table[table["reader"] == name]
    assert own["se"].to_numpy() == pytest.approx(spread, rel=0.08, abs=1e-6)
    assert set(own["unit"]) == {"ln"}


def test_quantities_are_those_of_the_matched_target(loop):
    model, assay = loop
    own = {quantity.name: quantity for quantity in quantities(model, assay)}
    network = KineticNetwork.of(model)
    matched = network.terms(network.matched())[0].numpy()
    for place, term in enumerate(model.assembly.blueprint.terms):
        name = term.name if term.encoder is None else f"{term.name} at the matched target"
        assert own[name].value(model.assembly) == pytest.approx(matched[place], abs=1e-12)
        assert own[name].unit == term.unit
    found = information(model, assay)
    assert found.error(own["step 3 at the matched target"].direction(found)) > 0
    assert profiled_quantity(model, assay, "step 3 at the matched target").read_by == "R-loop"
    with pytest.raises(ModelError, match="step 99"):
        profiled_quantity(model, assay, "step 99 at the matched target")


def test_directions_are_told_in_kT_and_of_changes(loop):
    model, assay = loop
    table = sloppy_directions(information(model, assay), model)
    assert not table["change"].str.contains("kcal").any()
    assert table["moves"].str.contains("changes of R-loop").any()


@pytest.mark.parametrize("which", ["cycled", "loop"])
def test_mirrored_rates_are_no_symmetry_of_the_declared_kind(which, request):
    assert all_symmetries(request.getfixturevalue(which)[0]) == ()


def test_read_outs_of_a_loop_are_those_of_its_network(loop):
    model, assay = loop
    matched = assay_of([GUIDE], [GUIDE.replace("N", "A")]).experiments[0].codes[0]
    table = kinetic_readouts(model, replace(assay, wild_type=matched), information(model, assay)).table
    own = table[table["readout"] == "control of the output"].set_index("of")["value"]
    expected = control(model, [GUIDE], [GUIDE.replace("N", "A")]).set_index("transition")["control"]
    assert own.to_numpy() == pytest.approx(expected[own.index].to_numpy(), abs=1e-9)
    assert own.sum() == pytest.approx(1)
    time = table[(table["readout"] == "mean first passage time") & (table["of"] == "unbound to cut")]["value"]
    network = KineticNetwork.of(model)
    rate = float(network.log_output(network.log_rates(matched[None])).exp())
    assert time.to_numpy() == pytest.approx(1 / rate)


@pytest.mark.parametrize("which", ["cycled", "loop"])
def test_intervals_of_scores_are_those_of_draws(which, request):
    model, assay = request.getfixturevalue(which)
    # Few rows leave weights loose; draws are of a narrow posterior, where ln of the output is nearly linear.
    found = information_of(model, assay)
    narrow = replace(found, covariance=found.covariance * 1e-4, positive=True)
    guides, targets = library(12, seed=5)
    table = score_pairs([model], guides, targets, information=[narrow], level=0.9)
    network = KineticNetwork.of(model)
    codes = network.encode(guides, targets)
    rates = torch.as_tensor(drawn_log_rates(network, narrow, codes, 800, 0))
    with torch.no_grad():
        drawn = torch.stack([network.log_output(own) for own in rates])
        measurement = model.assembly.measurement("one")
        read = torch.stack([measurement.expected(model.assembly.normalised(own, "one")) for own in drawn])
    low, high = np.quantile(read.numpy(), [0.05, 0.95], axis=0)
    width = (table["high"] - table["low"]).to_numpy()
    assert width == pytest.approx(high - low, rel=0.2, abs=1e-9)
    assert (table["low"] <= table["expected"]).all()


def test_members_that_differ_widen_the_interval(cycled):
    model, _ = cycled
    other, _ = network_model(seed=3)
    guides, targets = library(6, seed=5)
    table = score_pairs([model, other], guides, targets)
    alone = [score_pairs([each], guides, targets, steps=False) for each in (model, other)]
    assert alone[0][["low", "high"]].isna().all(axis=None)
    assert table["activity"].to_numpy() == pytest.approx((alone[0]["activity"] + alone[1]["activity"]) / 2)
    assert (table["high"] > table["low"]).all()


def test_one_guide_serves_for_all_targets(cycled):
    model, _ = cycled
    made = score_pairs([model], GUIDE, [OTHER.replace("N", "T"), GUIDE.replace("N", "T")])
    assert made["guide"].tolist() == [GUIDE, GUIDE]
    assert made["differences"].tolist()[1] == 0
    with pytest.raises(DataError, match="2 guides and 1 targets"):
        score_pairs([model], [GUIDE, GUIDE], [GUIDE])


def test_a_fitted_model_is_explained_without_a_run(cycled):
    model, assay = cycled
    told = explain_assay(model, assay, profiled=())
    assert {"parameters", "rates", "costs", "mutagenesis", "landscape", "control"} <= set(told.tables)
    assert not {"energies", "states", "footprint_one"} & set(told.tables)
    assert isinstance(told.tables["costs"], pd.DataFrame)
