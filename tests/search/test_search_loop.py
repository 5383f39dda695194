"""A search that was stopped ends as one that never was, wherever its hypotheses are trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pajamo.config.assays import SearchSettings
from pajamo.errors import IntegrityError
from pajamo.search.executing import Executor, Here, executor_of
from pajamo.search.loop import search
from pajamo.search.record import Evaluation, Record
from pajamo.search.rewarding import Task
from pajamo.search.space import Candidate


class Stopped(Exception):
    """As if the user had."""


class StopsAfter(Here):
    """Trains so many generations."""

    def __init__(self, generations: int) -> None:
        self.left = generations

    def rewards(self, task: Task, candidates: object, steps: int) -> dict[Candidate, float]:
        if not self.left:
            raise Stopped
        self.left -= 1
        return super().rewards(task, candidates, steps)  # type: ignore[arg-type]


def run(task: Task, path: Path, executor: Executor) -> list[Evaluation]:
    return search(task, Record(path), executor)


def settings(small: Task, **changes: object) -> SearchSettings:
    return small.settings.model_copy(update=changes)


@pytest.mark.parametrize("generations", [1, 2])
def test_a_stopped_search_goes_on_to_the_same_bits(small: Task, tmp_path: Path, generations: int) -> None:
    whole = run(small, tmp_path / "whole.jsonl", Here())
    with pytest.raises(Stopped):
        run(small, tmp_path / "stopped.jsonl", StopsAfter(generations))
    assert run(small, tmp_path / "stopped.jsonl", Here()) == whole
    assert (tmp_path / "stopped.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_search_goes_on_in_other_processes_to_the_same_bits(small: Task, tmp_path: Path) -> None:
    whole = run(small, tmp_path / "whole.jsonl", Here())
    with pytest.raises(Stopped):
        run(small, tmp_path / "stopped.jsonl", StopsAfter(1))
    with executor_of(settings(small, executor="processes", workers=1)) as processes:
        assert run(small, tmp_path / "stopped.jsonl", processes) == whole


def test_a_search_goes_on_with_ray_to_the_same_bits(small: Task, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    whole = run(small, tmp_path / "whole.jsonl", Here())
    with pytest.raises(Stopped):
        run(small, tmp_path / "stopped.jsonl", StopsAfter(1))
    with executor_of(settings(small, executor="ray", workers=2)) as cluster:
        assert run(small, tmp_path / "stopped.jsonl", cluster) == whole


def test_a_complete_record_trains_nothing(small: Task, tmp_path: Path) -> None:
    whole = run(small, tmp_path / "whole.jsonl", Here())
    assert run(small, tmp_path / "whole.jsonl", StopsAfter(0)) == whole


@pytest.mark.parametrize(
    "candidate", [Candidate("cycle-9", ()), Candidate("cycle-3", (0,)), Candidate("cycle-3", (99,) * 4)]
)
def test_the_record_of_another_search_is_refused(small: Task, tmp_path: Path, candidate: Candidate) -> None:
    record = Record(tmp_path / "other.jsonl")
    record.add([Evaluation(0, candidate, 0.0, 3)])
    with pytest.raises(IntegrityError, match="another search"):
        search(small, record, Here())


def test_progress_says_how_far_and_how_good(small: Task, tmp_path: Path) -> None:
    told: list[str] = []
    made = search(replace(small), Record(tmp_path / "e.jsonl"), Here(), told.append)
    assert len(told) == 3
    assert told[-1].startswith("9/9 hypotheses tried; best")
    assert f"{max(one.reward for one in made):.4f}" in told[-1]
