"""One run: what is revealed, what stays hidden, and what is judged."""

from __future__ import annotations

import gc
from types import FunctionType, ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.campaigns.benchmark.planted import Highest, Ridge, cloud_task, line_task

from pajamo.campaigns.acquisition.base import Acquisition, ScoreAcquisition, Selection
from pajamo.campaigns.acquisition.random import Random
from pajamo.campaigns.benchmark.beginning import begin, most_distant
from pajamo.campaigns.benchmark.ceilings import top_share
from pajamo.campaigns.benchmark.metrics import of_classes, of_findings, of_values
from pajamo.campaigns.benchmark.running import bits, run
from pajamo.campaigns.benchmark.task import Part, Price, Protocol
from pajamo.campaigns.predictive import Array, FactorPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import DataError


class Watching(Random):
    """At random, and keeps every situation it was given."""

    seen: ClassVar[list[Situation]] = []

    def choose(self, situation: Situation, number: int) -> Selection:
        self.seen.append(situation)
        return super().choose(situation, number)


def arrays_within(root: Any) -> list[np.ndarray]:
    """Every array that can be reached from an object by any attribute, item, base or closure."""
    found: list[np.ndarray] = []
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            found.append(one)
            waiting.append(one.base)
        elif isinstance(one, FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
        else:
            waiting += gc.get_referents(one)
    return found


def test_a_strategy_can_reach_nothing_that_was_not_revealed() -> None:
    # PyRelationAL keeps the pool's true labels in the data set that strategies hold.
    Watching.seen.clear()
    task = line_task()
    run(task, Watching(), 3)
    hidden = task.measurements.ravel()
    for number, situation in enumerate(Watching.seen):
        revealed = situation.measured.ravel()
        assert len(revealed) == 5 + 5 * number
        secret = np.setdiff1d(hidden, revealed)
        for array in arrays_within(situation):
            if array.dtype.kind == "f":
                assert not np.isin(array, secret).any()


def test_the_start_and_the_split_are_the_same_for_every_strategy_of_a_seed() -> None:
    one, other = (run(line_task(), strategy, 4) for strategy in (Random(), Highest()))
    assert one["chosen"][0] == other["chosen"][0]
    assert one["chosen"][1] != other["chosen"][1]
    assert run(line_task(), Random(), 5)["chosen"][0] != one["chosen"][0]


def test_runs_are_the_same_bits_whatever_the_global_generator_does() -> None:
    once = run(line_task(), Random(), 1)
    np.random.seed(7)  # noqa: NPY002
    assert bits(run(line_task(), Random(), 1)) == bits(once)


def test_no_candidate_is_measured_twice_or_taken_from_the_held_out() -> None:
    task = line_task(protocol=Protocol(5, 8, 6))
    found = run(task, Random(), 2)
    chosen = [row for batch in found["chosen"] for row in batch]
    assert len(set(chosen)) == len(chosen) == 45
    assert not set(chosen) & set(begin(task, 2).test.tolist())
    assert found["labels"] == [5, 11, 17, 23, 29, 35, 41, 45]
    assert found["metrics"]["recall"][-1] == 1.0
    assert found["metrics"]["regret"][-1] == 0.0


def test_a_strategy_that_follows_the_readout_finds_the_hits_first() -> None:
    followed = [run(line_task(), Highest(), seed)["metrics"]["recall"][1] for seed in range(5)]
    at_random = [run(line_task(), Random(), seed)["metrics"]["recall"][1] for seed in range(5)]
    assert np.mean(followed) > np.mean(at_random) + 0.2


def test_failed_measurements_cost_and_are_not_learned_from() -> None:
    measurements = line_task().measurements.copy()
    measurements[::3] = np.nan
    task = line_task(measurements=measurements, price=Price(100.0, 2.0, "EUR"))
    found = run(task, Highest(), 0)
    assert sum(found["failed"]) > 0
    assert found["money"] == [110.0, 220.0, 330.0, 440.0]
    assert all(value is not None for values in found["metrics"].values() for value in values)
    with pytest.raises(DataError, match="every measurement"):
        run(line_task(measurements=np.full((60, 1, 1), np.nan), test=0), Random(), 0)


def test_replicates_are_further_measurements() -> None:
    task = line_task(protocol=Protocol(5, 2, 5, replicates=2))
    assert run(task, Random(), 0)["labels"] == [10, 20, 30]
    often = line_task(protocol=Protocol(30, 3, 20, repeats=True), test=10)
    chosen = [row for batch in run(often, Random(), 0)["chosen"] for row in batch]
    assert len(chosen) > len(set(chosen))
    assert max(chosen.count(row) for row in chosen) == 2


def test_noise_of_replicates_makes_learning_harder() -> None:
    noise = np.random.default_rng(0).standard_normal((100, 1)) * 3.0
    clean = run(line_task(), Random(), 0)["metrics"]["error"][-1]
    noisy = run(line_task(noise=noise, noisy=True, learner=Ridge(9.0)), Random(), 0)["metrics"]["error"][-1]
    assert noisy > 2 * clean


def test_hits_may_be_judged_by_more_than_is_shown() -> None:
    task = line_task(readout=-line_task().judged_by)
    found = run(task, Highest(), 0)
    assert found["metrics"]["recall"][1] < run(line_task(), Highest(), 0)["metrics"]["recall"][1]


def test_one_of_each_class_is_measured_first() -> None:
    task = cloud_task()
    for seed in range(4):
        found = run(task, Random(), seed)
        assert sorted(task.measurements[found["chosen"][0], 0, 0]) == [0, 1, 2]
        assert found["metrics"]["accuracy"][-1] > 0.8
    with pytest.raises(DataError, match="one per class"):
        run(cloud_task(protocol=Protocol(2, 2, 4, begin="one per class")), Random(), 0)


def test_the_most_distant_pair_is_found_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(6).standard_normal((70, 3))
    away = ((features[:, None] - features[None]) ** 2).sum(axis=2)
    naive = {int(row) for row in np.unravel_index(away.argmax(), away.shape)}
    assert set(most_distant(features)) == naive
    monkeypatch.setattr("pajamo.campaigns.benchmark.beginning.BLOCK", 16)
    assert set(most_distant(features)) == naive
    task = line_task(protocol=Protocol(4, 1, 2, begin="most distant"))
    pool = begin(task, 0).pool
    first = run(task, Random(), 0)["chosen"][0][:2]
    assert set(first) == set(pool[list(most_distant(task.features[pool]))].tolist())


def test_pools_of_a_size_and_fixed_test_rows() -> None:
    found = begin(line_task(pool=20), 0)
    assert (len(found.test), len(found.pool)) == (15, 20)
    rows = np.array([3, 5, 7])
    found = begin(line_task(test=rows), 0)
    assert np.array_equal(found.test, rows)
    assert len(found.pool) == 57


def test_features_that_are_read_when_asked_for() -> None:
    features = np.arange(20.0).reshape(10, 2)
    part = Part(features, np.array([7, 1]))
    assert part.shape == (2, 2)
    assert np.array_equal(part[:], features[[7, 1]])
    assert np.array_equal(part[np.array([1])], features[[1]])


def test_features_that_do_not_fit_into_memory_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(line_task(), Highest(), 0)
    monkeypatch.setattr("pajamo.campaigns.benchmark.running.MOST_IN_MEMORY", 0)
    assert bits(run(line_task(), Highest(), 0)) == bits(whole)


@pytest.mark.parametrize(
    "changes",
    [
        {"measurements": np.zeros((60, 1))},
        {"measurements": np.zeros((59, 1, 1))},
        {"test": 55},
        {"readout": np.zeros(3)},
    ],
)
def test_tasks_that_cannot_be_run_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"."):
        line_task(**changes)


def test_protocols_that_measure_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="at least 1"):
        Protocol(0, 1, 1)
    with pytest.raises(DataError, match="at least 1"):
        Protocol(1, 1, 1, replicates=0)


def test_metrics_of_classes_by_hand() -> None:
    found = of_classes(np.array([[0.8, 0.2], [0.6, 0.4], [1.0, 0.0]]), np.array([0, 1, 2]))
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["brier"] == pytest.approx((2 * 0.04 + 2 * 0.36 + 2.0) / 3)
    assert found["calibration_error"] == pytest.approx((0.2 + 0.6 + 1.0) / 3)


def test_metrics_of_values_and_honest_intervals() -> None:
    rng = np.random.default_rng(8)
    truth = 2.0 + 3.0 * rng.standard_normal((4000, 1))
    said = truth + rng.standard_normal((4000, 1))
    once = np.ones(4000)
    honest = of_values(FactorPredictive(said, np.zeros((4000, 1)), noise=1.0), truth, np.array([3.0]), once)
    assert honest["coverage"] == pytest.approx(0.9, abs=0.02)
    assert honest["surprise"] == pytest.approx(1.0, abs=0.06)
    assert honest["rmse"] == pytest.approx(1.0, abs=0.03)
    assert honest["error"] == pytest.approx(honest["rmse"] / 3.0)
    assert honest["correlation"] == pytest.approx(np.corrcoef(said[:, 0], truth[:, 0])[0, 1])
    sure = of_values(FactorPredictive(said, np.zeros((4000, 1)), noise=0.0), truth, np.array([3.0]), once)
    assert np.isnan(sure["surprise"])
    # The mean of four measurements is nearer to the truth than one measurement, by half.
    half = FactorPredictive(truth + 0.5 * rng.standard_normal((4000, 1)), np.zeros((4000, 1)), noise=1.0)
    assert of_values(half, truth, np.array([3.0]), 4 * once)["surprise"] == pytest.approx(1.0, abs=0.06)


def test_metrics_of_findings() -> None:
    readout = np.array([5.0, 4.0, np.nan, 1.0])
    hits = top_share(readout, 0.67)
    found = of_findings(readout, hits, np.array([False, True, True, False]), 2.0)
    assert found == {"recall": 0.5, "regret": 0.5}
    assert np.isnan(of_findings(readout, hits, np.zeros(4, dtype=bool), 1.0)["regret"])


class Counting(ScoreAcquisition):
    """Keeps a count of its own: every run has to begin with a fresh one."""

    name: ClassVar[str] = "test-counting"
    source: ClassVar[str] = "none"

    def __init__(self) -> None:
        self.rounds = 0

    def score(self, situation: Situation) -> Array:
        self.rounds += 1
        return (
            -np.arange(situation.size, dtype=float) if self.rounds == 1 else np.arange(situation.size) + 0.0
        )


def test_what_a_strategy_keeps_does_not_pass_to_the_next_run() -> None:
    strategy: Acquisition = Counting()
    assert bits(run(line_task(), strategy, 0)) == bits(run(line_task(), strategy, 0))
