"""One process, or several with copies or pieces of the weights: the same training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.training.trainer.toy import weights_of

LAYOUTS = {
    "two": {"world": 2},
    "three": {"world": 3},  # four micro-batches: two processes have nothing to do in the second round
    "four": {"world": 4},
    "pieces of four": {"world": 4, "settings": {"sharding": "full"}},
    "hybrid": {"world": 4, "machine": 2, "settings": {"sharding": "hybrid"}},
}
TOGETHER = [("adamw", layout) for layout in LAYOUTS] + [
    ("muon", "three"),
    ("muon", "pieces of four"),
    ("muon", "hybrid"),
]


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def folders(
    crew: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Path]:
    """The same training by each optimiser in each layout."""
    base = tmp_path_factory.mktemp("together")
    jobs, found = [], {}
    for optimiser, name in [("adamw", "one"), ("muon", "one"), *TOGETHER]:
        layout: dict[str, Any] = LAYOUTS.get(name, {"plain": True})
        found[optimiser, name] = base / optimiser / name
        settings = {"optimiser": {"name": optimiser}, **layout.get("settings", {})}
        job = {**layout, "name": f"{optimiser} {name}", "folder": str(found[optimiser, name])}
        jobs.append({**job, "settings": settings})
    crew(jobs)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("optimiser", "layout"), TOGETHER)
def test_every_step_is_the_same(folders: dict[Any, Path], optimiser: str, layout: str) -> None:
    alone, together = metrics(folders[optimiser, "one"]), metrics(folders[optimiser, layout])
    assert len(alone) == len(together) == 12 + 2
    for one, other in zip(alone, together, strict=True):
        if "validation" in one:
            assert other["validation"]["loss"] == pytest.approx(one["validation"]["loss"], rel=1e-6)
        else:
            assert other["order"] == one["order"]
            assert other["weight"] == one["weight"]
            assert other["loss"] == pytest.approx(one["loss"], rel=1e-6)
            assert other["gradient_norm"] == pytest.approx(one["gradient_norm"], rel=3e-6)
            assert other["packed"] == one["packed"]


@pytest.mark.slow
@pytest.mark.parametrize(("optimiser", "layout"), TOGETHER)
def test_weights_and_running_means_are_the_same(
    folders: dict[Any, Path], optimiser: str, layout: str
) -> None:
    alone = weights_of(folders[optimiser, "one"] / "step_12")
    together = weights_of(folders[optimiser, layout] / "step_12")
    assert alone.keys() == together.keys()
    for name, weight in alone.items():
        assert (together[name] - weight).abs().max() < 5e-6, name


@pytest.mark.slow
def test_a_run_moves_from_one_process_to_two_to_four_and_back(
    crew: Callable[..., Any], folders: dict[Any, Path], tmp_path: Path
) -> None:
    stops = [(3, 1, {}), (6, 2, {"sharding": "full"}), (9, 4, {}), (12, 1, {})]
    jobs = [
        {
            "name": f"to step {step}",
            "world": world,
            "folder": str(tmp_path),
            # The signal reaches one process only; all of them finish the step, save and leave.
            "task": {"faults": {4 * step - 3: "SIGTERM"} if step < 12 else {}},
            "settings": sharding,
        }
        for step, world, sharding in stops
    ]
    outcomes = crew(jobs)
    for step, world, _ in stops:
        assert [one["steps"] for one in outcomes[f"to step {step}"].values()] == [step] * world
        stopped = "finished" if step == 12 else "signal"
        assert all(one["stopped"] == stopped for one in outcomes[f"to step {step}"].values())
    alone = [line for line in metrics(folders["adamw", "one"]) if "loss" in line]
    moved = [line for line in metrics(tmp_path) if "loss" in line]
    assert [line["order"] for line in moved] == [line["order"] for line in alone]
    assert [line["loss"] for line in moved] == pytest.approx([line["loss"] for line in alone], rel=1e-6)


@pytest.mark.slow
def test_a_dead_process_is_named_by_the_others(crew: Callable[..., Any], tmp_path: Path) -> None:
    jobs = [
        {
            "name": f"process {dead}",
            "world": 3,
            "folder": str(tmp_path / str(dead)),
            "task": {"packs": 3, "faults": {6 + dead: "SIGKILL"}},
            "settings": {},
        }
        for dead in (0, 2)
    ]
    outcomes = crew(jobs)
    for dead in (0, 2):
        others = outcomes[f"process {dead}"]
        assert sorted(others) == [rank for rank in range(3) if rank != dead]
        for other in others.values():
            assert other["error"] == "ProcessLost"
            assert f"process {dead} of 3 is gone" in other["text"]
            assert other["seconds"] < 60


@pytest.mark.slow
def test_an_error_of_one_process_is_told_to_the_others(crew: Callable[..., Any], tmp_path: Path) -> None:
    job = {"name": "two", "world": 2, "folder": str(tmp_path), "task": {"faults": {9: "unreadable"}}}
    outcomes = crew([{**job, "settings": {}}])["two"]
    assert outcomes[1]["error"] == "DataError"
    assert outcomes[0]["error"] == "ProcessLost"
    assert "process 1 of 2 is gone" in outcomes[0]["text"]
    assert "a sequence cannot be read" in outcomes[0]["text"]


@pytest.mark.slow
def test_a_full_disk_of_one_process_stops_all_and_the_last_checkpoint_stays(
    crew: Callable[..., Any], tmp_path: Path
) -> None:
    job = {
        "name": "full",
        "world": 2,
        "folder": str(tmp_path),
        "full_at": 3,
        "settings": {"sharding": "full"},
    }
    outcomes = crew([job, {**job, "name": "again", "full_at": None}])
    assert [one["error"] for one in outcomes["full"].values()] == ["StorageError"] * 2
    assert all("the disk is full" in one["text"] for one in outcomes["full"].values())
    assert [one["steps"] for one in outcomes["again"].values()] == [12] * 2
