"""A run that is killed, interrupted or run twice at once ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pajamo.config import read_study
from pajamo.data.run_folder import RunFolder
from pajamo.pipeline.identity import run_id

MOMENTS = ((np.random.default_rng(20261121).random(4) + range(4)) / 4).round(3).tolist()
"""Shares of an undisturbed run's time, one in each quarter."""
Completed = Callable[[Path], dict[str, bytes]]


@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_at_any_moment_loses_nothing(
    nursery: Any, undisturbed: Any, completed: Completed, tmp_path: Path, moment: float
) -> None:
    nursery.run(tmp_path, kill_after=moment * undisturbed.seconds)
    for manifest in tmp_path.glob("*/manifest.json"):
        assert manifest.parent.suffix == ".unfinished" or completed(tmp_path)
    ended = nursery.run(tmp_path)
    assert ended.code == 0, ended.log
    assert completed(tmp_path) == undisturbed.results


def test_kill_again_and_again(nursery: Any, undisturbed: Any, completed: Completed, tmp_path: Path) -> None:
    for share in (0.4, 0.6, 0.5, 0.5):
        nursery.run(tmp_path, kill_after=share * undisturbed.seconds)
    ended = nursery.run(tmp_path)
    assert ended.code == 0, ended.log
    assert completed(tmp_path) == undisturbed.results


def test_interrupt_says_so_and_the_same_command_goes_on(
    nursery: Any, undisturbed: Any, completed: Completed, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "from pajamo.cli import main; main()", "run", str(nursery.study)]
    process = subprocess.Popen(
        [*command, "--runs", str(tmp_path)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    seen: list[str] = []
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            seen.append(line)
            if line.startswith("repeat-1 5/"):
                process.send_signal(signal.SIGINT)
                break
        seen += process.stderr.readlines()
    assert process.returncode == 130
    assert seen[-1].strip() == "interrupted; the same command goes on where it stopped"
    assert "Traceback" not in "".join(seen)
    resumed = nursery.run(tmp_path)
    done = {line.split(":")[0] for line in seen if line.startswith("repeat-")}
    again = {line.split(":")[0] for line in resumed.log.splitlines() if line.startswith("repeat-")}
    assert len(done) >= 5
    assert again
    assert not done & again
    assert completed(tmp_path) == undisturbed.results


def test_two_processes_on_one_study(nursery: Any, tmp_path: Path) -> None:
    study = read_study(nursery.study)
    folder = RunFolder(tmp_path / run_id(study, study.data))
    with folder.writing():
        ended = nursery.run(tmp_path)
    assert ended.code == 3
    assert "another process is writing this run" in ended.log
    assert "next: wait for it to end" in ended.log
    assert "Traceback" not in ended.log


def test_a_run_that_another_process_has_finished_is_returned(
    nursery: Any, undisturbed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process finishes between the look at the folder and the lock."""
    import shutil

    import pajamo

    study = read_study(nursery.study)
    folder = RunFolder(tmp_path / run_id(study, study.data))
    waited = RunFolder.writing

    def late(self: RunFolder) -> Any:
        shutil.copytree(undisturbed.path, folder.path)
        return waited(self)

    monkeypatch.setattr(RunFolder, "writing", late)
    lines: list[str] = []
    run = pajamo.run(nursery.study, runs=tmp_path, progress=lines.append)
    assert run.path == folder.path
    assert lines == [f"this run is complete; {run.verify()} files verified"]
    assert not folder.work.exists()
