"""Verdicts on steps that go wrong."""

from __future__ import annotations

import json
import math

import pytest

from pajamo.config.proteins.training import GuardSettings
from pajamo.training.trainer.guard import AT_LEAST, REMEMBERED, Health, judged

SETTINGS = GuardSettings(skip=2, spike=3.0, roll_back=1)


def after(losses: list[float], health: Health | None = None) -> tuple[list[str], Health]:
    health, verdicts = health or Health(), []
    for loss in losses:
        verdict, health = judged(health, loss, 1.0, SETTINGS)
        verdicts.append(verdict)
    return verdicts, health


@pytest.mark.parametrize(
    ("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, math.inf)]
)
def test_what_is_not_finite_is_left_out(loss: float, norm: float) -> None:
    assert judged(Health(), loss, norm, SETTINGS)[0] == "skip"


def test_after_too_many_training_goes_back_and_after_too_many_returns_it_stops() -> None:
    verdicts, health = after([math.nan] * 3)
    assert verdicts == ["skip", "skip", "back"]
    returned = Health(recent=(1.0,)).after_return(health)
    assert (returned.bad, returned.returns, returned.skipped) == (0, 1, 3)
    assert after([math.nan] * 3, returned)[0] == ["skip", "skip", "stop"]


def test_a_good_step_makes_up_for_bad_ones() -> None:
    nan = math.nan
    assert after([nan, nan, 1.0, nan, nan, 1.0])[0] == ["skip", "skip", "good"] * 2


def test_a_spike_is_measured_against_the_mean_of_the_last_good_losses() -> None:
    first, health = after([100.0] * 5 + [2.0] * REMEMBERED)
    assert first == ["good"] * len(first)
    assert health.recent == (2.0,) * REMEMBERED
    assert after([5.9], health)[0] == ["good"]
    assert after([6.1], health)[0] == ["skip"]


def test_first_losses_and_densities_are_no_spikes() -> None:
    assert after([1.0] * (AT_LEAST - 1) + [1e6])[0][-1] == "good"
    assert after([-5.0] * 50 + [2.0])[0][-1] == "good"


def test_health_survives_a_checkpoint() -> None:
    health = after([0.1, 0.2, math.nan])[1]
    assert Health.from_facts(json.loads(json.dumps(health.facts()))) == health
