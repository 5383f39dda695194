"""A training that is killed (kill -9) in any call that changes the disk, or whose disk is full from there on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.trainer.toy import weights_of

SETTINGS = {"steps": 24, "save_every": 1, "validate_every": 100}
CALLS = {"die_at": range(1, 15), "full_at": (2, 3, 4, 6)}
"""Six calls for the first save (pieces, their flush, the manifest, the folder, the rename, its flush), eight for
later ones, which delete what is old."""


def losses(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["die_at", "full_at"])
def test_no_trouble_while_saving_loses_anything(
    crew: Callable[..., Any], tmp_path: Path, trouble: str
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    job = {"plain": True, "settings": SETTINGS}
    # A warning that a checkpoint is damaged would be an error there.
    outcomes = crew(
        [
            {**job, "name": "whole", "folder": str(whole)},
            *[{**job, "name": f"call {n}", "folder": str(parts), trouble: n} for n in CALLS[trouble]],
            {**job, "name": "last", "folder": str(parts)},
        ]
    )
    for n in CALLS[trouble]:
        ended = outcomes[f"call {n}"]
        if trouble == "die_at":
            assert ended == {} or ended[0].get("steps") == 24  # killed, or nothing was left to do
        else:
            assert ended[0].get("error") == "StorageError" or ended[0].get("steps") == 24
    assert sum(not ended or "error" in ended[0] for ended in outcomes.values()) >= len(CALLS[trouble]) - 3
    assert outcomes["last"][0]["order"] == outcomes["whole"][0]["order"]
    assert losses(whole) == losses(parts)
    a, b = weights_of(whole / "step_24"), weights_of(parts / "step_24")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert sorted(path.name for path in parts.glob("step_*")) == ["step_23", "step_24"]


@pytest.mark.slow
def test_a_killed_process_of_two_loses_nothing(crew: Callable[..., Any], tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    job = {"world": 2, "settings": {**SETTINGS, "steps": 10, "sharding": "full"}}
    outcomes = crew(
        [
            {"name": "whole", "plain": True, "folder": str(whole), "settings": job["settings"]},
            # The second process only writes its pieces: two calls a save.
            *[{**job, "name": f"call {n}", "folder": str(parts), "die_at": n} for n in (3, 4)],
            {**job, "name": "last", "folder": str(parts)},
        ]
    )
    for n in (3, 4):
        assert outcomes[f"call {n}"][0]["error"] == "ProcessLost"
        assert "process 1 of 2 is gone" in outcomes[f"call {n}"][0]["text"]
    assert [one["steps"] for one in outcomes["last"].values()] == [10, 10]
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-6)
