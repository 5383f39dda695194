"""Rates over the steps of a training, against their closed forms."""

from __future__ import annotations

import math

import pytest

from pajamo.config.proteins.training import ScheduleSettings
from pajamo.training.trainer.schedule import share_of_rate


def rates(steps: int, **given: object) -> list[float]:
    settings = ScheduleSettings(**given)
    return [share_of_rate(step, steps, settings) for step in range(steps)]


@pytest.mark.parametrize("shape", ["linear", "cosine", "trapezoid", "constant"])
def test_rates_rise_evenly_to_the_highest(shape: str) -> None:
    found = rates(1000, shape=shape, warm_up=100)
    assert found[:100] == pytest.approx([(step + 1) / 100 for step in range(100)])
    assert max(found) == found[99] == 1.0


def test_linear_falls_to_its_end_at_nine_tenths_of_all_steps() -> None:
    found = rates(1000, shape="linear", warm_up=100, final=0.1)
    assert found[100] == 1.0
    assert found[500] == pytest.approx(0.55)
    assert found[900:] == pytest.approx([0.1] * 100)
    assert found[101] - found[100] == pytest.approx(-0.9 / 800)


def test_cosine_is_half_way_in_the_middle() -> None:
    found = rates(1000, shape="cosine", warm_up=0, final=0.2)
    assert found[500] == pytest.approx(0.6)
    assert found[250] == pytest.approx(0.2 + 0.4 * (1 + math.sqrt(0.5)))


def test_a_trapezoid_falls_over_its_last_part() -> None:
    found = rates(1000, shape="trapezoid", warm_up=10, final=0.0, decay=0.2)
    assert found[10:800] == [1.0] * 790
    assert found[900] == pytest.approx(0.5)
    assert rates(10, shape="trapezoid", warm_up=0, decay=0.0) == [1.0] * 10


def test_constant_is_constant() -> None:
    assert set(rates(50, shape="constant", warm_up=0)) == {1.0}
