"""Tests of assumptions see what was planted, and keep their rate of false alarms where nothing was."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.protocols.diagnostics.balance import same_batches
from pajamo.protocols.diagnostics.baseline import stationary_baseline
from pajamo.protocols.diagnostics.cells import Cells
from pajamo.protocols.diagnostics.contrast import contrast
from pajamo.protocols.diagnostics.dip import dip_p_value
from pajamo.protocols.diagnostics.editing import complete_editing, control_like
from pajamo.protocols.diagnostics.modes import main_direction, one_attractor
from pajamo.protocols.diagnostics.responses import additive, at_rest, same_in_media
from pajamo.protocols.diagnostics.result import discoveries

GENES = 20
Array = np.ndarray
RNG = np.random.default_rng


def drawn(rng: np.random.Generator, n: int, shift: float | Array = 0.0) -> Array:
    """Correlated, skewed cells: a programme of their own moves all genes of a cell together."""
    programme = rng.normal(size=(n, 1)) * np.linspace(-0.5, 0.5, GENES)
    return np.log1p(rng.gamma(2.0, 1.0, (n, GENES))) + programme + shift


def shift(size: float, genes: slice = slice(0, 5)) -> Array:
    made = np.zeros(GENES)
    made[genes] = size
    return made


def cells(groups: Mapping[Condition, Array], batches: Mapping[Condition, list[str]] | None = None) -> Cells:
    conditions = tuple(groups)
    of = np.repeat(np.arange(len(conditions)), [len(groups[c]) for c in conditions])
    batch = None if batches is None else np.array([name for c in conditions for name in batches[c]])
    names = pd.Index([f"g{i}" for i in range(GENES)])
    return Cells(names, conditions, np.concatenate(list(groups.values())), of, batch)


def control(time: float = 0.0, context: str = "") -> Condition:
    return Condition((), context, time)


def single(gene: str, time: float = 0.0, context: str = "") -> Condition:
    return Condition((gene,), context, time)


def test_a_contrast_keeps_its_rate_of_false_alarms() -> None:
    rng = RNG(0)
    p = np.array(
        [contrast([(1.0, drawn(rng, 30)), (-1.0, drawn(rng, 60))], rng, resamples=100).p for _ in range(200)]
    )
    # 200 draws at 5 %: 3 standard errors are 4.6 %.
    assert (p < 0.05).mean() < 0.096
    assert 0.35 < (p < 0.5).mean() < 0.65


def test_a_contrast_finds_the_size_of_a_change_and_covers_it() -> None:
    rng = RNG(1)
    true = float(np.sqrt((shift(0.6) ** 2).mean()))
    found = [
        contrast([(1.0, drawn(rng, 60, shift(0.6))), (-1.0, drawn(rng, 60))], rng, resamples=100)
        for _ in range(60)
    ]
    assert np.mean([c.size for c in found]) == pytest.approx(true, rel=0.05)
    assert np.mean([c.low <= true <= c.high for c in found]) > 0.88
    assert np.mean([c.p < 0.05 for c in found]) > 0.95


def test_controls_that_rest_and_controls_that_move() -> None:
    rng = RNG(2)
    lanes = {control(t): ["x", "y"] * 40 for t in (1.0, 2.0, 3.0)}
    resting = {c: drawn(rng, 80) for c in lanes}
    assert stationary_baseline(cells(resting, lanes), RNG(0)).found == "holds"
    moving = {c: x + shift(0.5) * (c.time > 2) for c, x in resting.items()}
    found = stationary_baseline(cells(moving, lanes), RNG(0))
    assert found.found == "broken"
    assert list(found.table["moved"]) == [False, True]
    assert found.table["within_batches"].all()


def test_a_difference_between_batches_alone_is_no_movement() -> None:
    rng = RNG(3)
    lanes = {control(1.0): ["x"] * 60 + ["y"] * 20, control(2.0): ["x"] * 20 + ["y"] * 60}
    both = {c: drawn(rng, 80) + np.array([[0.8 * (name == "y")] for name in lanes[c]]) for c in lanes}
    assert stationary_baseline(cells(both, lanes), RNG(0)).found == "holds"
    assert stationary_baseline(cells(both), RNG(0)).found == "unclear"


def test_time_that_is_batch_is_said_to_be() -> None:
    rng = RNG(4)
    moving = {control(1.0): drawn(rng, 80), control(2.0): drawn(rng, 80, shift(0.5))}
    harvests = {control(1.0): ["x"] * 80, control(2.0): ["y"] * 80}
    found = stationary_baseline(cells(moving, harvests), RNG(0))
    assert found.found == "unclear"
    assert "no batch holds controls of two times" in found.sentence
    assert "batches were not recorded" in stationary_baseline(cells(moving), RNG(0)).sentence
    assert stationary_baseline(cells({control(1.0): drawn(rng, 80)}), RNG(0)).found == "untested"


def test_responses_at_rest_and_still_moving() -> None:
    rng = RNG(5)
    harvest = {1.0: 0.0, 2.0: 0.0, 3.0: 0.7}  # a batch effect of the last harvest, on all of its cells
    groups = {control(t): drawn(rng, 100, batch) for t, batch in harvest.items()}
    for t, batch in harvest.items():
        groups[single("A", t)] = drawn(rng, 60, batch + shift(0.8))
        groups[single("B", t)] = drawn(rng, 60, batch + shift(0.3 * t))
    found = at_rest(cells(groups), RNG(0))
    assert found.found == "broken"
    moving = found.table.set_index("condition")["differs"]
    assert dict(moving) == {"A at 3": False, "B at 3": True}
    assert "B at 3" in found.sentence
    only = cells({c: x for c, x in groups.items() if c.time == 1.0})
    assert at_rest(only, RNG(0)).found == "untested"


def test_doubles_that_add_and_one_that_does_not() -> None:
    rng = RNG(6)
    effect = {"A": shift(0.6), "B": shift(0.6, slice(5, 10)), "C": shift(-0.5, slice(3, 8))}
    groups = {control(): drawn(rng, 200)} | {single(g): drawn(rng, 80, e) for g, e in effect.items()}
    groups[Condition(("A", "B"))] = drawn(rng, 80, effect["A"] + effect["B"])
    groups[Condition(("A", "C"))] = drawn(rng, 80, effect["A"] + effect["C"] + shift(0.7, slice(12, 16)))
    groups[Condition(("A", "D"))] = drawn(rng, 80)
    found = additive(cells(groups), RNG(0))
    assert dict(found.table.set_index("condition")["differs"]) == {"A+B": False, "A+C": True}
    assert found.table.set_index("condition").loc["A+C", "size"] == pytest.approx(
        0.7 * np.sqrt(4 / GENES), rel=0.35
    )


def test_a_perturbation_that_does_another_thing_elsewhere() -> None:
    rng = RNG(7)
    groups = {control(0.0, c): drawn(rng, 100, b) for c, b in (("x", 0.0), ("y", 0.5))}
    for context, base in (("x", 0.0), ("y", 0.5)):
        groups[single("A", 0.0, context)] = drawn(rng, 60, base + shift(0.5))
        groups[single("B", 0.0, context)] = drawn(rng, 60, base + shift(0.8 if context == "x" else -0.4))
    found = same_in_media(cells(groups), RNG(0))
    assert dict(found.table.set_index("condition")["differs"]) == {"A in x": False, "B in x": True}


def test_two_states_are_seen_where_controls_have_one() -> None:
    rng = RNG(8)
    groups = {control(): drawn(rng, 200), single("A"): drawn(rng, 120, shift(0.5))}
    two = drawn(rng, 120)
    two[:60] += 2.0
    groups[single("B")] = two
    found = one_attractor(cells(groups))
    assert found.found == "broken"
    assert dict(found.table.set_index("condition")["several"]) == {"A": False, "B": True}
    # The same two states among controls speak of the cells, not of the perturbation.
    both = drawn(rng, 200)
    both[:100] += 2.0
    assert one_attractor(cells({control(): both, single("B"): two})).found == "holds"
    assert one_attractor(cells({control(): both[:5], single("B"): two[:5]})).found == "untested"


def test_one_state_is_rarely_taken_for_two() -> None:
    rng = RNG(9)
    p = []
    for _ in range(100):
        sample = drawn(rng, 60)
        p.append(dip_p_value(sample @ main_direction(sample)))
    assert np.mean(np.array(p) < 0.05) <= 0.05


def test_the_main_direction_is_the_first_principal_component() -> None:
    for n in (10, 60):
        sample = drawn(RNG(n), n)
        first = np.linalg.svd(sample - sample.mean(axis=0))[2][0]
        assert abs(main_direction(sample) @ first) == pytest.approx(1.0)


def test_unedited_cells_are_counted() -> None:
    rng = RNG(10)
    groups = {control(): drawn(rng, 300), single("A"): drawn(rng, 200, 1.0)}
    partly = drawn(rng, 200, 1.0)
    partly[:60] -= 1.0
    groups |= {single("B"): partly, single("C"): drawn(rng, 200, shift(0.1))}
    found = complete_editing(cells(groups), RNG(0))
    table = found.table.set_index("condition")
    assert found.found == "broken"
    assert table.loc["B", "control_like"] == pytest.approx(0.3, abs=0.08)
    assert list(table["incomplete"]) == [False, True, False]
    assert np.isnan(table.loc["C", "p"])
    small = cells({c: groups[c] for c in (control(), single("C"))})
    assert complete_editing(small, RNG(0)).found == "unclear"


def test_complete_editing_is_rarely_doubted() -> None:
    rng = RNG(11)
    groups = {control(): drawn(rng, 300)} | {single(f"g{i}"): drawn(rng, 60, 1.0) for i in range(20)}
    p = complete_editing(cells(groups), RNG(0)).table["p"]
    assert p.notna().all()
    assert (p < 0.05).sum() <= 4


def test_the_mixture_is_recovered_one_sample_or_many() -> None:
    rng = RNG(12)
    sample = np.concatenate([rng.normal(size=400), rng.normal(4.0, 1.5, size=600)])
    fit = control_like(sample)
    assert float(fit.share) == pytest.approx(0.4, abs=0.05)
    assert float(fit.mean) == pytest.approx(4.0, abs=0.25)
    assert float(fit.sd) == pytest.approx(1.5, abs=0.2)
    many = control_like(np.stack([sample, sample + 1.0]))
    assert many.gain[0] == pytest.approx(float(fit.gain))
    assert many.mean.shape == (2,)


def test_batches_are_compared_with_those_of_the_controls() -> None:
    conditions = (control(), single("A"), single("B"), single("C"))
    of = np.repeat(np.arange(4), [100, 40, 40, 40])
    batch = np.array(["x", "y"] * 50 + ["x", "y"] * 20 + ["x"] * 40 + ["z"] * 40)
    found = same_batches(conditions, of, batch, RNG(0))
    table = found.table.set_index("condition")
    assert found.found == "broken"
    assert list(table["differs"]) == [False, True, True]
    assert list(table["alone_in"]) == ["", "", "z"]
    assert table.loc["B", "imbalance"] == pytest.approx(0.5)
    assert "C (all in z)" in found.sentence
    assert same_batches(conditions, of, None, RNG(0)).found == "untested"
    assert same_batches(conditions, of, np.full(220, "x"), RNG(0)).found == "holds"


def test_false_discoveries_are_bounded_as_benjamini_and_hochberg_do() -> None:
    p = np.array([0.20, 0.012, 0.001, 0.03, 0.9])
    assert list(discoveries(p)) == [False, True, True, True, False]
    assert not discoveries(np.array([])).any()
