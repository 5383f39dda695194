"""A planted promoter of two sites, and one finished run on it, made once through the command line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.pipeline.assays.run_record import AssayRun

WILD_TYPE = "ACGTTGCAAC"
STUDY = f"""
name = "tiny-promoter"
wild_type = "{WILD_TYPE}"
[experiments.sorted]
path = "tables/sorted.csv"
measurement = {{ kind = "bins", columns = ["dark", "dim", "light", "bright"], knots = 6 }}
[mechanisms.two-sites]
kind = "thermodynamic"
transcribes = ["B"]
sites.A = {{ start = 0, length = 4 }}
sites.B = {{ start = 5, length = 4 }}
interactions."A+B" = {{}}
[models]
starts = 1
steps = 40
[uncertainty]
profile = []
"""


def planted_table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Mutants of a promoter whose site B transcribes and whose site A helps it by 2 kT, sorted into four bins."""
    rng = np.random.default_rng(seed)
    wild_type = np.array(["ACGT".index(letter) for letter in WILD_TYPE])
    codes = np.tile(wild_type, (rows, 1))
    mutated = rng.random(codes.shape) < 0.25
    codes[mutated] = (codes[mutated] + rng.integers(1, 4, mutated.sum())) % 4
    first, second = (_energies(rng, codes[:, at : at + 4], wild_type[at : at + 4]) for at in (0, 5))
    weights = np.exp(-np.stack([0 * first, first, second, first + second - 2], axis=1))
    active = weights[:, 2:].sum(axis=1) / weights.sum(axis=1)
    fluorescence = np.log(active / (1 - active))
    gates = np.exp(-((fluorescence[:, None] - np.quantile(fluorescence, [0.1, 0.4, 0.6, 0.9])) ** 2))
    reads = [rng.multinomial(3, row / row.sum()) for row in gates]
    table = pd.DataFrame(reads, columns=["dark", "dim", "light", "bright"])
    return table.assign(x=["".join("ACGT"[code] for code in row) for row in codes])


def _energies(rng: np.random.Generator, codes: np.ndarray, wild_type: np.ndarray) -> np.ndarray:
    matrix = rng.normal(0, 1.2, (4, 4))
    matrix -= matrix[np.arange(4), wild_type][:, None]
    return np.asarray(matrix[np.arange(4), codes].sum(axis=1) - 1)


@pytest.fixture(scope="session")
def planted() -> pd.DataFrame:
    return planted_table()


@pytest.fixture
def promoter_study(planted: pd.DataFrame, tmp_path: Path) -> Path:
    """The study file of the planted promoter, with its table, in the test's own folder."""
    return write_study(planted, tmp_path)


def write_study(table: pd.DataFrame, folder: Path) -> Path:
    (folder / "tables").mkdir()
    table.to_csv(folder / "tables" / "sorted.csv", index=False)
    study = folder / "promoter.toml"
    study.write_text(STUDY, encoding="utf-8")
    return study


@dataclass(frozen=True)
class FinishedAssay:
    """A study file, the run that came of it, and what the command printed."""

    study: Path
    run: AssayRun
    out: str
    progress: str


@pytest.fixture(scope="session")
def finished_assay(planted: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> FinishedAssay:
    folder = tmp_path_factory.mktemp("assay")
    study = write_study(planted, folder)
    command = [sys.executable, "-c", "from pajamo.cli import main; main()", "run", "promoter.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "runs").iterdir()
    return FinishedAssay(study, AssayRun(path), done.stdout, done.stderr)


@pytest.fixture
def quick_assay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the drawing of the report, which takes most of a tiny run's time."""
    monkeypatch.setattr("pajamo.pipeline.assays.run.render_assay_report", lambda folder: folder.name)


def results(run: Path) -> dict[str, bytes]:
    """Bytes of every file that holds results and nothing of the moment."""
    timed = ("fits.csv", "metrics.jsonl", "about.json", "manifest.json", "report.html", "study.toml")
    files = [f for f in run.rglob("*") if f.is_file() and f.name not in timed]
    return {str(f.relative_to(run)): f.read_bytes() for f in files}
