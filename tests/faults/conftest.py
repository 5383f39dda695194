"""Runs in processes of their own, which can be killed, and what an undisturbed run gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

NURSERY = Path(__file__).with_name("nursery.py")
STUDY = """
name = "tiny"
[data]
path = "{screen}"
[split]
kind = "doubles"
folds = 2
[models]
ladder = ["mixed-effects"]
[evaluation]
bootstrap = 100
distributions = false
"""
OF_THE_MOMENT = {"timings.csv", "metrics.jsonl", "about.json", "manifest.json"}


def results(run: Path) -> dict[str, bytes]:
    """Every file of a complete run but those that hold seconds or dates; h5ad by its arrays."""
    files = [f for f in run.rglob("*") if f.is_file() and f.name not in OF_THE_MOMENT]
    return {str(f.relative_to(run)): _content(f) for f in files}


def _content(file: Path) -> bytes:
    if file.suffix != ".h5ad":
        return file.read_bytes()
    import anndata

    made = anndata.read_h5ad(file)
    layers = b"".join(made.layers[name].tobytes() for name in sorted(made.layers))
    return made.X.tobytes() + layers + made.obs.to_csv().encode() + "".join(made.var_names).encode()


@dataclass(frozen=True)
class Ended:
    """How a run in a child process ended: signal or exit code, and all that it printed."""

    code: int
    log: str


@dataclass(frozen=True)
class Nursery:
    """Starts runs of one study in forked children."""

    process: subprocess.Popen[str]
    study: Path
    log: Path

    def run(self, runs: Path, *, kill_after: float | None = None, largest: int | None = None) -> Ended:
        """Run to the end, or kill -9 after so many seconds; `largest` limits the bytes of each file."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"study": str(self.study), "runs": str(runs), "log": str(self.log)}
        self.process.stdin.write(json.dumps({**order, "kill_after": kill_after, "largest": largest}) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return Ended(code, self.log.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def nursery(tiny_screen: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("nursery")
    study = folder / "study.toml"
    study.write_text(STUDY.format(screen=tiny_screen), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(NURSERY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    yield Nursery(process, study, folder / "log")
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=30)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing went wrong with, its results, and how long it took."""

    path: Path
    results: dict[str, bytes]
    seconds: float


@pytest.fixture(scope="session")
def undisturbed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    runs = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    ended = nursery.run(runs)
    seconds = time.monotonic() - began
    assert ended.code == 0, ended.log
    (path,) = runs.iterdir()
    return Undisturbed(path, results(path), seconds)


@pytest.fixture(scope="session")
def completed():
    """Check that the runs folder holds one complete, verified run and nothing else; returns its results."""
    from pajamo.data.run_folder import verify_run

    def check(runs: Path) -> dict[str, bytes]:
        (path,) = runs.iterdir()
        assert verify_run(path) > 10
        return results(path)

    return check
