"""Fixtures that every test may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Tests run side by side; threads of one would only wait for those of the other. Read when numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def dev_data() -> Path:
    """Folder of real development data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("PAJAMO_DEV_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "perturbation").is_dir():
        pytest.skip("development data are absent (set PAJAMO_DEV_DATA)")
    return folder


@pytest.fixture(scope="session")
def tiny_screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated screen of six singles and twelve doubles that is read and fitted within a second."""
    from pajamo.data.simulate import simulate_combinations

    path = tmp_path_factory.mktemp("screens") / "tiny.h5ad"
    screen = simulate_combinations(
        seed=1, genes=40, singles=6, doubles=12, triples=0, cells=20, control_cells=60, batches=1
    )
    screen.write_h5ad(path)
    return path


@pytest.fixture
def tiny_study(tiny_screen: Path) -> dict[str, Any]:
    """A study of that screen with a short ladder."""
    return {
        "name": "tiny",
        "data": {"path": str(tiny_screen)},
        "split": {"kind": "doubles", "folds": 2},
        "models": {"ladder": ["mixed-effects"]},
        "evaluation": {"bootstrap": 100, "distributions": False},
    }


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Outcome]:
    """Run the command line in this process, in the test's own folder: `command("run", "study.toml")`."""
    from pajamo import cli

    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["pajamo", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        printed = capsys.readouterr()
        return Outcome(int(left.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing of the report out, which takes most of a tiny run's time."""
    monkeypatch.setattr("pajamo.pipeline.run.render_report", lambda content: content.verdict.sentence)
