"""Trainings in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

Job = dict[str, Any]
Outcomes = dict[str, dict[int, dict[str, Any]]]


@pytest.fixture(scope="session")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Job]], Outcomes]:
    """Do jobs (see crew.py) one after the other: what each process of each job ended with, by name and number."""

    def run(jobs: list[Job]) -> Outcomes:
        path = tmp_path_factory.mktemp("jobs") / "jobs.json"
        path.write_text(json.dumps(jobs))
        done = subprocess.run(
            [sys.executable, "-m", "tests.training.trainer.crew", str(path)],
            cwd=REPOSITORY,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        outcomes: Outcomes = {job["name"]: {} for job in jobs}
        for line in map(json.loads, done.stdout.splitlines()):
            outcomes[line["job"]][line["rank"]] = line
        if done.stderr:
            sys.stderr.write(done.stderr)  # shown by pytest when a test fails
        return outcomes

    return run
