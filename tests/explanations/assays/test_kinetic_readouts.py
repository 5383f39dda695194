"""Kinetic read-outs against closed forms, and a cycle that is driven or not, as data tell it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explanations.assays.planted import WIDTH, WILD_TYPE, bins, library, planted, reading, set_energies

from pajamo.config.assays import declare
from pajamo.explanations.assays.detailed_balance import balance_verdict
from pajamo.explanations.assays.explain import explain_assay
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.kinetic_readouts import kinetic_readouts
from pajamo.explanations.assays.polishing import polish
from pajamo.models.assays.model import AssayModel

SITE = {"S": {"start": 0, "length": WIDTH}}


def cycle(drive, **changes):
    """Three states; a site holds the promoter in B against going back to A. Going on is driven by so many kT."""
    rates = {name: {"rate": 1.0} for name in ("B->C", "C->B", "C->A", "A->C")}
    rates |= {"A->B": {"rate": float(np.exp(drive + WILD_TYPE))}, "B->A": {"rate": 1.0, "energy": ["S"]}}
    declared = {"states": ["A", "B", "C"], "sites": SITE, "outputs": {"rna": {"B": 1}}}
    return declare("kinetic", **declared | {"transitions": rates | changes.pop("transitions", {})} | changes)


def of_mechanism(declared):
    """The table and the verdict of a scheme whose energies are known, with no reads to speak of."""
    assay = library(40, 0)
    assay.experiments[0].recorded["counts"][:] = 1
    model = AssayModel("cycle", declared, {"one": bins()})
    model.build(assay)
    set_energies(model)
    found = kinetic_readouts(model, assay, information(model, assay))
    return found.table, found.verdicts[0]


def at_truth(drive, **changes):
    """Values by what they are of, and the verdict."""
    table, verdict = of_mechanism(cycle(drive, **changes))
    return table.set_index("of")["value"], verdict


def rates_of(drive):
    """Rates of the wild type, [source, target]."""
    k = np.ones((3, 3)) - np.eye(3)
    k[0, 1], k[1, 0] = np.exp(drive + WILD_TYPE), np.exp(WILD_TYPE)
    return k


@pytest.mark.parametrize("drive", [0.0, 4.0, -1.5])
def test_read_outs_are_the_closed_forms(drive):
    values, _ = at_truth(drive)
    k = rates_of(drive)
    steady = np.linalg.lstsq(np.vstack([k.T - np.diag(k.sum(1)), np.ones(3)]), [0, 0, 0, 1], rcond=None)[0]
    net = steady[0] * k[0, 1] - steady[1] * k[1, 0]
    assert values["A -> B -> C -> A"] == pytest.approx(drive, abs=1e-9)
    assert values["the scheme"] == pytest.approx(net * drive, abs=1e-9)
    # Until B is reached from A or C: sum_j k_ij (t_i - t_j) = 1.
    times = np.linalg.solve([[k[0, 1] + k[0, 2], -k[0, 2]], [-k[2, 0], k[2, 0] + k[2, 1]]], [1.0, 1.0])
    assert [values["A to B"], values["C to B"]] == pytest.approx(times.tolist())
    control = values[[name for name in values.index if name.count("->") == 1]]
    assert len(control) == 6
    assert control.sum() == pytest.approx(0, abs=1e-9)


def test_control_of_a_flux_sums_to_one():
    made = {"B->C": {"rate": 1.0, "makes": ["rna"]}}
    values, _ = at_truth(2.0, transitions=made, outputs={})
    assert values[[name for name in values.index if name.count("->") == 1]].sum() == pytest.approx(1)
    assert {"A to B", "C to B"} <= set(values.index)


def test_a_way_without_return_is_driven_whatever_the_error():
    declared = cycle(0.0)
    kept = {name: given for name, given in declared.transitions.items() if name != "A->C"}
    table, verdict = of_mechanism(declared.model_copy(update={"transitions": kept}))
    affinity = table[table["readout"] == "affinity"].iloc[0]
    assert np.isinf(affinity[["value", "low", "high"]].astype(float)).all()
    assert np.isinf(table.set_index("of").loc["the scheme", "value"])
    assert "one way only" in verdict


def test_a_free_measurement_is_warned_of():
    assert "rests on its smoothness" in at_truth(1.0)[1]
    assert "rests on its smoothness" not in explain_assay(*fluorescent(0.0, 1), profiled=()).to_text()


def test_energies_that_cancel_are_in_balance_by_declaration():
    """The site holds the promoter in B against both ways out."""
    held = {"B->C": {"rate": 1.0, "energy": ["S"]}}
    values, verdict = at_truth(-WILD_TYPE, transitions=held)
    assert values["A -> B -> C -> A"] == pytest.approx(0, abs=1e-9)
    assert "by its declaration" in verdict
    _, driven = at_truth(1.0 - WILD_TYPE, transitions=held)
    assert "not 0 whatever the parameters" in driven


def test_a_scheme_without_a_cycle_is_in_balance():
    line = {"A->B": {"rate": 1.0}, "B->A": {"rate": 1.0, "energy": ["S"]}}
    declared = {"states": ["A", "B"], "sites": SITE, "transitions": line, "outputs": {"rna": {"B": 1}}}
    assert "no cycle" in of_mechanism(declare("kinetic", **declared))[1]


def fluorescent(drive, seed):
    """All rates but that of the site are known, so that its energy says how far the cycle is driven.

    The logit of the activity is read on a straight scale: a free one would be bent to suit either.
    """
    straight = reading(nonlinearity="linear", coordinate="logit")
    model, assay = planted(cycle(drive), rows=400, reads=50, noise=0.3, seed=seed, settings=straight)
    return polish(model, assay).model, assay


@pytest.mark.parametrize(("drive", "words"), [(0.0, "compatible with detailed"), (4.0, "driven out of")])
def test_data_tell_a_driven_cycle_from_one_in_balance(drive, words):
    model, assay = fluorescent(drive, 1)
    told = explain_assay(model, assay, profiled=())
    assert words in told.to_text()
    table = told.tables["kinetics"]
    row = table[table["readout"] == "affinity"].iloc[0]
    assert row["low"] < drive < row["high"] < row["low"] + 1
    assert (table["low"] <= table["high"]).all()
    assert table["value"].between(table["low"] - 1e-9, table["high"] + 1e-9).all()


def test_intervals_of_affinities_cover():
    """Of ten at 90 %, fewer than six happens once in a thousand times."""
    within = []
    for seed in range(5):
        for drive in (0.0, 4.0):
            model, assay = fluorescent(drive, seed)
            table = kinetic_readouts(model, assay, information(model, assay)).table
            row = table[table["readout"] == "affinity"].iloc[0]
            within.append(row["low"] < drive < row["high"])
    assert sum(within) >= 6


def test_affinities_are_tested_together(fitted):
    """Two cycles that hang together: the test knows it, and directions that no parameter moves are left out."""
    polished, assay = fitted
    found = information(polished.model, assay)
    one = found.of_constant("CRP+RNAP")
    error = found.error(one)
    twice = np.stack([one, one])
    assert "p = 0.32" in balance_verdict(np.array([error, error]), twice, found, 0.9)
    assert "p = 0.046" in balance_verdict(np.array([2 * error, 2 * error]), twice, found, 0.9)
    assert "compatible" in balance_verdict(np.array([error, 0.0]), np.stack([one, 0 * one]), found, 0.9)
