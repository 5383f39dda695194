"""One finished run of a tiny simulated screen, made once through the command line in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pajamo.pipeline.run_record import Run

STUDY = """
name = "tiny"
[data]
path = "screens/tiny.h5ad"
[split]
kind = "doubles"
folds = 2
[models]
ladder = ["mixed-effects"]
[evaluation]
bootstrap = 100
"""


@dataclass(frozen=True)
class Finished:
    """A study file, the run that came of it, and what the command printed."""

    study: Path
    run: Run
    out: str
    progress: str


@pytest.fixture(scope="session")
def finished(tiny_screen: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("work")
    (folder / "screens").mkdir()
    (folder / "screens" / "tiny.h5ad").write_bytes(tiny_screen.read_bytes())
    study = folder / "study.toml"
    study.write_text(STUDY, encoding="utf-8")
    command = [sys.executable, "-c", "from pajamo.cli import main; main()", "run", "study.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "runs").iterdir()
    return Finished(study, Run(path), done.stdout, done.stderr)
