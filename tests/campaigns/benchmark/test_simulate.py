"""Simulations are kept run by run, go on after any end, and give the same bits wherever they are run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.campaigns.benchmark.planted import Highest, Ridge, cloud_task, line_task

from pajamo.campaigns.acquisition.random import Random
from pajamo.campaigns.benchmark import simulate as module
from pajamo.campaigns.benchmark.executing import executed
from pajamo.campaigns.benchmark.identity import identity
from pajamo.campaigns.benchmark.record_file import RecordFile
from pajamo.campaigns.benchmark.running import bits
from pajamo.campaigns.benchmark.simulate import simulate
from pajamo.errors import IntegrityError, MissingExtraError, ModelError, StudyError

ROOT = Path(__file__).resolve().parents[3]
STRATEGIES = {"random": Random(), "highest": Highest()}


@pytest.fixture(autouse=True)
def planted_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are started afresh find the tests' own tasks as this one does."""
    monkeypatch.syspath_prepend(ROOT)


def test_every_strategy_task_and_seed_has_its_record(tmp_path: Path) -> None:
    lines: list[str] = []
    found = simulate(
        [line_task(), line_task(name="b", seed=1)], STRATEGIES, 2, tmp_path, progress=lines.append
    )
    keys = [(record["task"], record["strategy"], record["seed"]) for record in found]
    assert keys == [(t, s, n) for t in ("line", "b") for s in STRATEGIES for n in range(2)]
    assert len(lines) == 8
    assert lines[-1].startswith("8 of 8: b, highest, seed 1: error")
    kept = [json.loads(text) for text in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert kept == found


def test_several_processes_give_the_same_bits(tmp_path: Path) -> None:
    tasks = [line_task(), cloud_task()]
    here = simulate(tasks, {"random": Random()}, 2, tmp_path / "a")
    there = simulate(tasks, {"random": Random()}, 2, tmp_path / "b", workers=2)
    assert [bits(one) for one in here] == [bits(one) for one in there]


def test_a_stand_in_for_ray_gives_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = simulate([line_task()], STRATEGIES, 2, tmp_path / "a")
    ray = _stand_in()
    monkeypatch.setitem(sys.modules, "ray", ray)
    there = simulate([line_task()], STRATEGIES, 2, tmp_path / "b", workers=3, where="ray")
    assert [bits(one) for one in here] == [bits(one) for one in there]
    assert ray.calls == ["init", "shutdown"]


def test_ray_itself_gives_the_same_bits(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    here = simulate([line_task()], STRATEGIES, 1, tmp_path / "a")
    there = simulate([line_task()], STRATEGIES, 1, tmp_path / "b", workers=2, where="ray")
    assert [bits(one) for one in here] == [bits(one) for one in there]


def _stand_in() -> Any:
    """What is used of Ray, at once and in this process."""
    ray: Any = types.ModuleType("ray")
    ray.calls = []
    ray.is_initialized = lambda: False
    ray.init = lambda **_: ray.calls.append("init")
    ray.shutdown = lambda: ray.calls.append("shutdown")
    ray.put = lambda value: value
    ray.get = lambda reference: json.loads(reference)
    ray.wait = lambda waiting, num_returns: (waiting[-1:], waiting[:-1])

    def remote(**_: Any) -> Any:
        return lambda work: types.SimpleNamespace(remote=lambda *given: json.dumps(work(*given)))

    ray.remote = remote
    return ray


def test_ray_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError) as error:
        list(executed(len, [], [1], where="ray"))
    assert "pajamo[ray]" in error.value.fix


def test_finished_runs_are_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = simulate([line_task()], STRATEGIES, 1, tmp_path)
    done: list[Any] = []
    real = module.run
    monkeypatch.setattr(module, "run", lambda *given: done.append(given) or real(*given))
    lines: list[str] = []
    again = simulate([line_task()], STRATEGIES, 2, tmp_path, progress=lines.append)
    assert len(done) == 2
    assert [again[0], again[2]] == first
    assert lines[0] == "2 of 4 runs are finished already"


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path, cut: int) -> None:
    whole = simulate([line_task()], STRATEGIES, 2, tmp_path)
    path = tmp_path / "runs.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    again = simulate([line_task()], STRATEGIES, 2, tmp_path)
    assert [bits(one) for one in again] == [bits(one) for one in whole]
    assert len(RecordFile(tmp_path).read()) == 4


def test_an_altered_line_is_named(tmp_path: Path) -> None:
    simulate([line_task()], STRATEGIES, 1, tmp_path)
    path = tmp_path / "runs.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0][:-30], lines[1]]) + "\n")
    with pytest.raises(IntegrityError) as error:
        simulate([line_task()], STRATEGIES, 1, tmp_path)
    assert "line 1" in error.value.where


def test_a_killed_simulation_goes_on_where_it_stood(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys, time
        sys.path[:0] = {sys.path!r}
        from tests.campaigns.benchmark.planted import line_task
        from pajamo.campaigns.acquisition.random import Random
        from pajamo.campaigns.benchmark import simulate as module
        real = module.run
        module.run = lambda *given: (time.sleep(0.05), real(*given))[1]
        module.simulate([line_task()], {{"random": Random()}}, 400, {str(tmp_path)!r})
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    path = tmp_path / "runs.jsonl"
    try:
        for _ in range(600):
            if path.is_file() and path.read_bytes().count(b"\n") >= 2:
                break
            time.sleep(0.05)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    kept = len(RecordFile(tmp_path).read())
    assert kept >= 2
    found = simulate([line_task()], {"random": Random()}, kept + 2, tmp_path)
    straight = simulate([line_task()], {"random": Random()}, kept + 2, tmp_path / "straight")
    assert [bits(one) for one in found] == [bits(one) for one in straight]


def test_an_interruption_keeps_what_is_finished(tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if line.startswith("2 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate([line_task()], STRATEGIES, 4, tmp_path / "here", progress=stop)
    assert len(RecordFile(tmp_path / "here").read()) == 2


def test_an_interruption_ends_the_processes(tmp_path: Path) -> None:
    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate([line_task()], STRATEGIES, 4, tmp_path, where="processes", progress=stop)
    assert len(RecordFile(tmp_path).read()) >= 1


def test_runs_of_another_task_are_not_taken_for_these(tmp_path: Path) -> None:
    simulate([line_task()], STRATEGIES, 1, tmp_path)
    with pytest.raises(StudyError, match="another line") as error:
        simulate([line_task(learner=Ridge(0.5))], STRATEGIES, 1, tmp_path)
    assert "another folder" in error.value.fix


def test_everything_that_a_run_depends_on_is_in_its_identity() -> None:
    base = identity(line_task(), Random())
    assert identity(line_task(title="other words"), Random()) == base
    changed = line_task().features.copy()
    changed[0, 0] += 1e-9
    others = [
        line_task(features=changed),
        line_task(measurements=line_task().measurements + 1e-9),
        line_task(learner=Ridge(0.02)),
        line_task(test=14),
        line_task(share=0.1),
        line_task(noise=np.ones((1, 1))),
    ]
    assert len({base, identity(line_task(), Highest()), *(identity(task, Random()) for task in others)}) == 8


def test_a_strategy_that_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="needs values") as error:
        simulate([cloud_task()], {"highest": Highest()}, 1, tmp_path)
    assert error.value.where.startswith("task clouds, strategy highest, seed 0")


@pytest.mark.parametrize(
    "asked", [{"seeds": 0}, {"seeds": [1, 1]}, {"strategies": {}}, {"workers": 0}, {"tasks": [1, 1]}]
)
def test_simulations_without_sense_are_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    given: dict[str, Any] = {"tasks": [line_task()], "strategies": STRATEGIES, "seeds": 1, "out": tmp_path}
    if "tasks" in asked:
        asked = {"tasks": [line_task(), line_task()]}
    with pytest.raises(StudyError, match=r"."):
        simulate(**(given | asked))
