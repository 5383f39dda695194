"""Mutagenesis: effects against the model, contributions that sum to them, and the step that was planted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explanations.pairs.networks import GUIDE, OTHER, cycle, library, network_model, plant

from pajamo.errors import ModelError
from pajamo.explanations.pairs.attribution import attribute
from pajamo.explanations.pairs.changes import changed, single_changes
from pajamo.explanations.pairs.epistasis import epistasis, epistasis_map
from pajamo.explanations.pairs.mutagenesis import mutagenesis, mutagenesis_of, which_step
from pajamo.explanations.pairs.network import KineticNetwork


def log10_output(model, target, guide=GUIDE):
    network = KineticNetwork.of(model)
    return float(network.log_output(network.log_rates(network.encode([guide], [target])))) / np.log(10)


def contributions(table, network):
    return table[list(network.transitions)].to_numpy()


def test_every_base_is_changed_once(planted, network):
    table = mutagenesis(planted[0], GUIDE)
    # Ten positions ask for a base, one of the PAM for none.
    assert len(table) == 3 * 10
    assert not table.duplicated(["position", "change"]).any()
    assert sorted(set(table["from_pam"])) == [-2, -1, *range(1, 9)]
    more = mutagenesis(planted[0], GUIDE, deletions=True, insertions=True)
    assert more["kind"].value_counts().to_dict() == {"substitution": 30, "deletion": 11, "insertion": 44}
    assert len(network.transitions) == 7


def test_effects_are_those_of_the_targets_as_text(planted):
    model, _ = planted
    table = mutagenesis(model, GUIDE).set_index(["from_pam", "change"])
    matched = log10_output(model, GUIDE)
    for place in range(8):
        base = "A" if GUIDE[place] != "A" else "C"
        target = GUIDE[:place] + base + GUIDE[place + 1 : 8] + "AGG"
        effect = table.loc[(8 - place, f"{GUIDE[place]}>{base}"), "effect"]
        assert effect == pytest.approx(log10_output(model, target) - matched, abs=1e-9)


@pytest.mark.parametrize("strength", [1.0, 8.0])
def test_contributions_sum_to_the_effect(strength):
    """Also where rates change by twenty e-folds, and the output turns a corner on the way."""
    model, _ = network_model(rows=30)
    with torch.no_grad():
        for _, reader in model.assembly.readers():
            reader.weights[1:] *= strength
    network = KineticNetwork.of(model)
    codes = network.encode(*library(60))
    found = attribute(network, network.matched(), codes)
    assert np.abs(found.remainder).max() < 1e-3 * max(np.abs(found.effect).max(), 1.0)
    assert found.shares.sum(axis=1) + found.remainder == pytest.approx(found.effect, abs=1e-12)


def test_a_path_is_integrated_as_by_brute_force(network):
    """A fine sum of control times change of ln k, by finite differences."""
    codes = network.encode(*library(5, 7))[4:]
    before, after = (network.log_rates(c)[0] for c in (network.matched(), codes))
    steps = 2000
    along = (torch.arange(steps, dtype=torch.float64)[:, None] + 0.5) / steps
    total = (network.control(before + (after - before) * along) * (after - before)).mean(dim=0)
    found = attribute(network, network.matched(), codes)
    assert found.shares[0] == pytest.approx(total.numpy() / np.log(10), abs=1e-6)


def test_only_what_reads_a_position_contributes(network):
    table = mutagenesis_of(network, network.encode([GUIDE], [GUIDE])[0])
    columns = list(network.transitions)
    seed = table[table["from_pam"].between(1, 4)][columns].abs().sum()
    assert list(seed[seed > 0].index) == ["open -> intermediate"]
    pam = table[table["from_pam"] < 1][columns].abs().sum()
    assert set(pam[pam > 0].index) == {"solution -> open", "open -> solution"}


def test_the_planted_step_is_found(planted):
    """One mismatch behind the seed slows intermediate -> closed, and nothing else."""
    guides = [GUIDE, GUIDE, OTHER, GUIDE]
    targets = [GUIDE, "CCGTTGCAAGG", "CATGACATAGG", "ACGTTGCAACG"]
    table = which_step(planted[0], guides, targets)
    assert list(table["step"])[:3] == ["", "intermediate -> closed", "open -> intermediate"]
    assert table["step"].iloc[3] in {"solution -> open", "open -> solution"}
    assert list(table["differences"]) == [0, 1, 1, 1]
    assert table["effect"].iloc[0] == 0.0
    assert np.isnan(table["share"].iloc[0])
    assert table["share"].iloc[1:3].to_numpy() == pytest.approx(1.0)
    assert table["log10_matched"].to_numpy() == pytest.approx(log10_output(planted[0], GUIDE))


def test_a_guide_without_a_difference_has_no_effect(network):
    codes = network.encode([GUIDE, OTHER], [GUIDE, OTHER])
    found = attribute(network, network.matched(), codes)
    assert (found.effect == 0).all()
    assert (found.shares == 0).all()


def test_changes_of_a_mismatched_target_begin_there(planted):
    target = "CCGTTGCAAGG"
    table = mutagenesis(planted[0], GUIDE, target).set_index(["from_pam", "change"])
    restored = table.loc[(8, "A="), "effect"]
    assert restored == pytest.approx(log10_output(planted[0], GUIDE) - log10_output(planted[0], target))


def test_bulges_are_read_from_the_weights_of_their_channel(network):
    codes = network.encode([GUIDE], [GUIDE])[0]
    listed = single_changes(codes, network.alphabet.missing, deletions=True, insertions=True)
    bulge = next(c for c in listed if c.kind == "deletion" and c.position == 4)
    reader = network.assembly.reader("ln k open->intermediate")
    weight = float(reader.weights.detach()[1 + reader.names()[1:].index("1-")])
    rates = network.log_rates(changed(codes, [bulge])) - network.log_rates(network.matched())
    assert float(rates[0, 2]) == pytest.approx(weight)


def test_epistasis_is_double_less_singles(planted):
    model, _ = planted
    table = epistasis(model, GUIDE, 2, 7).set_index(["first_change", "second_change"])
    assert len(table) == 9
    row = table.loc[("C>A", "C>T")]
    matched = log10_output(model, GUIDE)
    one, other, both = (
        log10_output(model, t) - matched for t in ("ACGTTGAAAGG", "ATGTTGCAAGG", "ATGTTGAAAGG")
    )
    assert row["effect_first"] == pytest.approx(one)
    assert row["effect_second"] == pytest.approx(other)
    assert row["epistasis"] == pytest.approx(both - one - other)
    turned = epistasis(model, GUIDE, 7, 2)
    assert sorted(turned["epistasis"]) == pytest.approx(sorted(table["epistasis"]))


def test_there_is_no_epistasis_where_one_rate_is_the_output():
    """If cleavage is so slow that all before is in balance, every step only multiplies the output."""
    model, _ = network_model(cycle(), rows=20)
    plant(model)
    with torch.no_grad():
        for name, reader in model.assembly.readers():
            reader.weights[0] -= 0.0 if name == "ln k open->solution" else 20.0
        model.assembly.constants[:2] += 5.0
        model.assembly.constants[2] -= 60.0
    table = epistasis(model, GUIDE)
    assert len(table) == (10 * 9 // 2) * 9
    assert table["epistasis"].abs().max() < 1e-6
    assert epistasis_map(table).shape == (9, 9)


def test_a_position_without_a_base_is_refused(planted):
    with pytest.raises(ModelError, match="position 0"):
        epistasis(planted[0], GUIDE, 0, 3)
    with pytest.raises(ModelError, match="position 9"):
        epistasis(planted[0], GUIDE, 1, 9)
