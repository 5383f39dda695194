"""Bytes that changed on the disk are noticed: redone where they can be redone, named where they cannot."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pajamo
from pajamo.config import read_study
from pajamo.data.run_folder import RunFolder
from pajamo.errors import IntegrityError
from pajamo.pipeline.identity import run_id

Completed = Callable[[Path], dict[str, bytes]]


def flip(file: Path, seed: int = 0) -> None:
    """Turn one bit in the second half of a file, where the arrays are."""
    content = bytearray(file.read_bytes())
    place = int(np.random.default_rng(seed).integers(len(content) // 2, len(content)))
    content[place] ^= 1 << (seed % 8)
    file.write_bytes(bytes(content))


def test_damaged_steps_are_made_again(
    nursery: Any,
    undisturbed: Any,
    completed: Completed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without_report: None,
) -> None:
    study = read_study(nursery.study)
    folder = RunFolder(tmp_path / run_id(study, study.data))
    with monkeypatch.context() as stop:
        stop.setattr("pajamo.pipeline.run._write_findings", None)
        with pytest.raises(TypeError):
            pajamo.run(nursery.study, runs=tmp_path)
    altered, cut, emptied, foreign = (
        folder.step(f"fold0/{name}.safetensors") for name in ("salt-ls", "salt", "linear", "nearest")
    )
    flip(altered)
    cut.write_bytes(cut.read_bytes()[:-100])
    emptied.write_bytes(b"")
    foreign.write_text("not a model")
    folder.step("fold1/mixed-effects.checkpoint").write_bytes(b"half a state")
    lines: list[str] = []
    pajamo.run(nursery.study, runs=tmp_path, progress=lines.append)
    damaged = [line.split()[0] for line in lines if line.endswith("is damaged and is made again")]
    names = [f"fold0/{file.name}" for file in (altered, cut, emptied, foreign)]
    assert sorted(damaged) == sorted([*names, "fold1/mixed-effects.checkpoint"])
    redone = [line.split(": ")[1].split()[0] for line in lines if line.startswith("repeat-1 ")]
    assert redone == ["linear", "nearest", "salt", "salt-ls"]
    assert completed(tmp_path) == undisturbed.results


@pytest.mark.parametrize("name", ["scores.csv", "model.safetensors", "predictions/salt.h5ad", "study.toml"])
def test_damaged_runs_are_refused_and_the_file_is_named(
    nursery: Any, undisturbed: Any, tmp_path: Path, command: Callable[..., Any], name: str
) -> None:
    folder = tmp_path / undisturbed.path.name
    shutil.copytree(undisturbed.path, folder)
    flip(folder / name, seed=3)
    for arguments in (["verify", folder], ["report", folder], ["run", nursery.study, "--runs", tmp_path]):
        outcome = command(*arguments)
        assert outcome.code == 2
        assert f"altered: {name}" in outcome.err
        assert "next: restore these files, or move the folder away and run the study again" in outcome.err


def test_a_damaged_model_is_not_loaded(undisturbed: Any, tmp_path: Path) -> None:
    whole = (undisturbed.path / "model.safetensors").read_bytes()
    for seed in range(20):
        file = tmp_path / f"{seed}.safetensors"
        file.write_bytes(whole)
        flip(file, seed)
        with pytest.raises(IntegrityError):
            pajamo.predict(file, ["SIM00001"])


def test_a_split_that_was_edited_is_refused(nursery: Any, undisturbed: Any, tmp_path: Path) -> None:
    text = (undisturbed.path / "split.json").read_text(encoding="utf-8")
    (tmp_path / "split.json").write_text(text.replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    with pytest.raises(IntegrityError):
        pajamo.fit(nursery.study, fold=0, split=tmp_path / "split.json")
