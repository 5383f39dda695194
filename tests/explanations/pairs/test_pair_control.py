"""Control coefficients: their sums, and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explanations.pairs.networks import GUIDE, OTHER, library

from pajamo.explanations.pairs.control import control, control_of, control_summary
from pajamo.explanations.pairs.network import KineticNetwork


@pytest.mark.parametrize("which", ["planted", "passage"])
def test_coefficients_of_rates_sum_to_one(which, request):
    model, _ = request.getfixturevalue(which)
    table = control(model, *library(30))
    assert table.groupby("pair")["control"].sum().to_numpy() == pytest.approx(np.ones(30), abs=1e-10)
    assert table["total"].to_numpy() == pytest.approx(1.0, abs=1e-10)
    assert len(table) == 30 * 7


def test_they_are_finite_differences(network):
    codes = network.encode(*library(6))
    rates, step = network.log_rates(codes), 1e-5
    slopes = control_of(network, codes)
    for place in range(rates.shape[1]):
        moved = step * torch.eye(rates.shape[1], dtype=torch.float64)[place]
        change = network.log_output(rates + moved) - network.log_output(rates - moved)
        assert slopes[:, place] == pytest.approx((change / (2 * step)).numpy(), abs=1e-8)


def test_a_mismatch_hands_control_to_the_step_that_it_slows(planted):
    model, _ = planted
    # Next to the PAM, read by open -> intermediate.
    changed = GUIDE[:7] + "C" + "AGG"
    table = control(model, [GUIDE, GUIDE], [GUIDE, changed])
    slowed = table[table["transition"] == "open -> intermediate"]["control"].to_numpy()
    assert slowed[1] > slowed[0]


def test_the_summary_is_of_the_pairs(network):
    codes = network.encode(*library(30))
    table = control_summary(network, codes).set_index("transition")
    slopes = control_of(network, codes)
    assert table["mean"].to_numpy()[:-1] == pytest.approx(slopes.mean(axis=0))
    assert table.loc["sum", ["matched", "mean", "low", "high"]].to_numpy(dtype=float) == pytest.approx(1.0)
    assert table.loc["sum", "sd"] == pytest.approx(0.0, abs=1e-10)
    alone = control_summary(network, codes[:1])
    assert np.isnan(alone["sd"]).all()


def test_other_guides_share_the_matched_target_s_control(planted):
    table = control(planted[0], [GUIDE, OTHER], [GUIDE, OTHER])
    one, other = (own["control"].to_numpy() for _, own in table.groupby("pair"))
    assert one == pytest.approx(other)
    assert KineticNetwork.of(planted[0]).transitions == tuple(table["transition"][:7])
