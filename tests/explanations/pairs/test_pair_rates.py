"""Matched rates with intervals, what is identifiable, and what is only a ratio."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.explanations.pairs.networks import cycle, network_model, reads

from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.pairs.driving import driving
from pajamo.explanations.pairs.identifiability import before_fit, identifiability
from pajamo.explanations.pairs.mirrors import mirrored, same_window, training_codes
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.rates import matched_rates
from pajamo.explanations.pairs.spread import drawn_log_rates, information_of, rate_directions
from pajamo.explanations.pairs.structure import jacobian_of, structure
from pajamo.explanations.pairs.tables import guide_text, matched_targets, pair_tables
from pajamo.models.assays.objective import rows_of

KERNEL = {"encoder": "convolution", "kernel": 1}
SHARED = {
    "solution->open": reads(0, 3, **KERNEL),
    "open->solution": reads(0, 3, **KERNEL),
    "open->intermediate": reads(3, 4, **KERNEL),
    "intermediate->closed": reads(7, 4, **KERNEL),
}
"""Weights that positions share: few, so that fits are quick."""
ON_OFF = "solution -> open / open -> solution"


def test_rates_are_the_constants(planted):
    model, assay = planted
    table = matched_rates(model, assay, information_of(model, assay)).set_index("of")
    assert table.loc["closed -> solution", "ln"] == pytest.approx(-0.5)
    assert table.loc["intermediate -> open", "log10"] == pytest.approx(-1.5 / np.log(10))
    assert table.loc[ON_OFF, "ln"] == pytest.approx(1.0)
    assert table.loc[ON_OFF, "unit"] == "1"
    assert len(table) == 7 + 3


def test_only_ratios_are_measured_where_the_reading_has_no_scale(optimum):
    """A straight curve of ln output has an offset of its own: the unit of time is not measured, ratios are."""
    model, found, assay = optimum
    table = matched_rates(model, assay, found).set_index("of")
    rates = table[table["quantity"] == "rate"]
    assert rates["verdict"].str.contains("held by priors|decades only").all()
    # What holds the closed state back is no matter of the output, as its structure says.
    open_rate = rates.index == "closed -> intermediate"
    assert rates["verdict"][~open_rate].str.contains("only its").all()
    assert rates["verdict"][open_rate].str.contains("not by the data").all()
    assert table.loc[ON_OFF, "verdict"] == "determined by the data"


def test_intervals_of_a_ratio_cover():
    """Of eight at 90 %, fewer than five happens once in two hundred times."""
    within = []
    for seed in range(4):
        model, assay = network_model(cycle(transitions=SHARED), rows=120, seed=seed)
        table = matched_rates(polish(model, assay).model, assay).set_index("of")
        for name, truth in ((ON_OFF, 1.0), ("open -> intermediate / intermediate -> open", 1.5)):
            within.append(table.loc[name, "low"] < truth / np.log(10) < table.loc[name, "high"])
    assert sum(within) >= 5


def test_a_known_rate_needs_no_interval():
    mechanism = cycle(transitions={"closed->solution": {"rate": 0.6, "makes": ["cleavage"]}})
    model, assay = network_model(mechanism)
    row = matched_rates(model, assay, information(model, assay)).set_index("of").loc["closed -> solution"]
    assert row["ln"] == pytest.approx(np.log(0.6))
    assert row["low"] == row["high"] == pytest.approx(row["log10"])
    assert row["verdict"].startswith("known")


def test_a_reader_that_is_no_linear_map_has_no_interval():
    mechanism = cycle(transitions={"open->intermediate": reads(3, 4, encoder="network", hidden=(4,))})
    model, assay = network_model(cycle(), rows=60)
    black = type(model)("black", mechanism, model.experiments)
    black.build(assay)
    assert information_of(black, assay) is None
    table = matched_rates(black, assay)
    assert table["verdict"].str.startswith("no interval").all()
    assert table["low"].isna().all()
    tables = pair_tables(black, assay)
    assert "driving" not in tables
    assert set(tables["identifiability"]["stage"]) <= {"after the fit"}


def test_rates_follow_the_coordinates(optimum):
    """Directions against rates after the coordinates have moved."""
    model, found, assay = optimum
    network, codes = KineticNetwork.of(model), assay.experiments[0].codes[:5]
    directions = rate_directions(network, found, codes)
    move = np.random.default_rng(0).normal(size=found.size)
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for name, where in found.readers.items():
            moved.assembly.reader(name).weights += torch.as_tensor(found.bases[name] @ move[where])
        terms = [model.assembly.blueprint.terms[i].name for i in model.assembly.constant_terms]
        for name, place in found.constants.items():
            moved.assembly.constants[terms.index(name)] += move[place]
    change = KineticNetwork.of(moved).log_rates(codes) - network.log_rates(codes)
    assert directions @ move == pytest.approx(change.numpy(), abs=1e-9)
    drawn = drawn_log_rates(network, found, codes, 4000, 1)
    error = np.sqrt(np.einsum("prs,st,prt->pr", directions, found.covariance, directions))
    assert drawn.std(axis=0) == pytest.approx(error, rel=0.08)


def test_the_jacobian_is_the_finite_difference(planted):
    model, assay = planted
    rows = rows_of(assay.part("training"))[0].take(torch.arange(7))
    assembly = copy.deepcopy(model.assembly)
    jacobian = jacobian_of(assembly, rows)
    weights, step = assembly.reader("ln k open->intermediate").weights, 1e-5
    start = assembly.reader("ln k solution->open").features * 2

    def output():
        with torch.no_grad():
            return assembly.recorded(assembly.activity(rows.codes, "one", rows.inputs), "one")

    with torch.no_grad():
        weights[2] += step
        up = output()
        weights[2] -= 2 * step
    assert jacobian[:, start + 2].numpy() == pytest.approx(((up - output()) / (2 * step)).numpy(), abs=1e-8)


def test_structure_knows_what_no_pair_switches_on(planted):
    model, assay = planted
    found = structure(model, assay)
    unseen = sum(map(len, found.unseen.values()))
    # Two constants enter only as a product: what closed -> intermediate holds back, intermediate -> closed makes up.
    assert found.rank == found.size - unseen - 1
    assert "0+A" in found.unseen["ln k open->intermediate"]
    table = before_fit(model, assay)
    open_rates = table[table["finding"] == "undetermined rate"].set_index("of")["words"]
    assert set(open_rates.index) == {"intermediate -> closed", "closed -> intermediate"}
    assert "traded against intermediate -> closed" in open_rates["closed -> intermediate"]
    assert table.iloc[0]["value"] == found.rank


def test_a_step_that_reads_both_ways_is_determined():
    """If mismatches also change the way back, its rate shows."""
    mechanism = cycle(transitions={"closed->intermediate": reads(7, 4)})
    model, assay = network_model(mechanism, rows=200)
    table = before_fit(model, assay)
    assert "undetermined rate" not in set(table["finding"])
    windows = table[table["finding"] == "same window"]
    assert set(windows["of"]) == {ON_OFF, "intermediate -> closed / closed -> intermediate"}


def test_mirrored_rates_are_told_in_plain_words(optimum):
    model, found, assay = optimum
    mirror = copy.deepcopy(model)
    with torch.no_grad():
        on, off = (mirror.assembly.reader(f"ln k {name}") for name in ("solution->open", "open->solution"))
        off.weights.copy_(-0.5 * on.weights)
    table = identifiability(mirror, assay, found)
    row = table[table["finding"] == "mirrored rates"].iloc[0]
    assert row["of"] == ON_OFF
    assert row["value"] == pytest.approx(-1.0)
    assert "only the ratio" in row["words"]
    with torch.no_grad():
        off.weights.copy_(0.5 * on.weights)
    assert "rates that go together" in set(identifiability(mirror, assay, found)["finding"])


def test_a_fast_step_is_known_by_its_ratio(optimum):
    model, found, assay = optimum
    fast = copy.deepcopy(model)
    assert "fast step" not in set(identifiability(model, assay, found)["finding"])
    with torch.no_grad():
        for name in ("solution->open", "open->solution"):
            fast.assembly.reader(f"ln k {name}").weights[0] += 12.0
    table = identifiability(fast, assay, found)
    row = table[table["finding"] == "fast step"].iloc[0]
    assert row["of"] == ON_OFF
    assert row["value"] < 1e-3
    assert "only their ratio" in row["words"]


def test_where_there_is_no_optimum_nothing_is_called_determined(optimum):
    model, found, assay = optimum
    saddle = replace(found, positive=False)
    assert matched_rates(model, assay, saddle)["verdict"].str.startswith("no optimum").all()
    findings = identifiability(model, assay, saddle)["finding"]
    assert "no optimum" in set(findings)
    assert "effective parameters" not in set(findings)


def test_rates_that_share_a_reading_are_no_finding():
    mechanism = cycle(transitions={"open->solution": {"of": "solution->open"}})
    model, assay = network_model(mechanism, rows=40)
    network = KineticNetwork.of(model)
    assert mirrored(network, network.log_rates(training_codes(network, assay)).numpy()) == []
    assert same_window(network) == []


def test_a_cycle_with_cleavage_is_driven(optimum):
    model, found, assay = optimum
    table, verdicts = driving(model, assay, found)
    assert np.isinf(table["value"]).all()
    assert "one way only" in verdicts[0]
    assert set(table["readout"]) == {"affinity", "entropy production"}


def test_tables_of_a_run(optimum):
    model, found, assay = optimum
    tables = pair_tables(model, assay, found, members=[model])
    assert set(tables) == {"rates", "landscape", "control", "mutagenesis", "identifiability", "driving"}
    assert tables["landscape"]["name"].iloc[0] == "matched"
    assert tables["landscape"]["pair"].nunique() == 4
    assert tables["mutagenesis"]["guide"].nunique() == 2
    assert set(tables["mutagenesis"]["kind"]) == {"substitution"}


def test_guides_are_read_back_from_pairs(network, planted):
    _, assay = planted
    matched = matched_targets(network, training_codes(network, assay))
    assert {guide_text(network, own) for own in matched} == {"ACGTTGCANGG", "CATGACTTNGG"}
    assert (network.log_rates(matched) == network.log_rates(network.matched())).all()
