"""A run on an assay that is killed in the middle of a fit goes on, and ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.assays.conftest import results

from pajamo.data.run_folder import verify_run

# What is killed is the run; drawing its page takes most of a tiny run's time and is tested elsewhere.
COMMAND = """
import pajamo.cli
import pajamo.pipeline.assays.run
pajamo.pipeline.assays.run.render_assay_report = lambda folder: folder.name
pajamo.cli.main()
"""
RUN = [sys.executable, "-c", COMMAND, "run"]
BEFORE, DURING = "fits/additive.json", "fits/two-sites.json"
"""Steps of a run: the fit that must be done when it is killed, and the one that must not."""
PATIENCE = 60.0


def found(runs: Path, step: str) -> bool:
    return any(runs.glob(f"*.unfinished/**/{step}"))


def kill_in_a_fit(study: Path, runs: Path) -> None:
    """Start the command, and send SIGKILL while the mechanism is fitted."""
    log = study.with_suffix(".log")
    with log.open("wb") as told:
        process = subprocess.Popen([*RUN, str(study), "--runs", str(runs)], stdout=told, stderr=told)
    with process:
        until = time.monotonic() + PATIENCE
        while not found(runs, BEFORE) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, log.read_text(encoding="utf-8")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_run_that_is_killed_in_a_fit_ends_with_the_same_bits(
    finished_assay: Any, promoter_study: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    kill_in_a_fit(promoter_study, runs)
    assert found(runs, BEFORE)
    assert not found(runs, DURING)
    (work,) = runs.glob("*.unfinished")
    kept = {path: path.stat().st_mtime_ns for path in work.glob("models/*.safetensors")}
    assert kept
    again = subprocess.run(
        [*RUN, str(promoter_study), "--runs", str(runs)], capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    (path,) = runs.iterdir()
    assert verify_run(path) > 10
    # What was fitted before is not fitted again, and everything is as in the run that nothing disturbed.
    assert {p.name: (path / "models" / p.name).stat().st_mtime_ns for p in kept} == {
        p.name: moment for p, moment in kept.items()
    }
    assert results(path) == results(finished_assay.run.path)
