"""Fine-tuning and prediction by the command line: what works, and wrong input told by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pajamo.cli.commands import app
from pajamo.config.proteins import ProteinModelSettings
from pajamo.data.proteins.alphabet import RESIDUES
from pajamo.errors import DataError, ModelError, PajamoError, PajamoWarning, SplitError, StudyError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.saving import save_language_model
from pajamo.pipeline.toml_text import to_toml


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a model, proteins of two classes with the table's own sets, and a FASTA file."""
    rng = np.random.default_rng(0)
    rows = ["sequence,label,set"]
    for number in range(40):
        own = RESIDUES[:10] if number % 2 else RESIDUES[10:]
        side = ("train", "train", "train", "train", "validation", "validation", "test", "test")[number % 8]
        rows.append(f"{''.join(rng.choice(list(own), 30))},{'ab'[number % 2]},{side}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "new.fasta").write_text(f">one\n{'ACDEFGHIKL' * 5}\n>two\n{RESIDUES[10:]}\n")
    model = ProteinLanguageModel(ProteinModelSettings(family="modern", layers=1, width=16, heads=2))
    model.initialise(0)
    save_language_model(model, tmp_path / "model")
    return tmp_path


def written(
    place: Path, training: dict[str, Any] | None = None, data: dict[str, Any] | None = None, **more: Any
):
    """A study file in the folder, whose paths are taken from there."""
    study = {
        "name": "two",
        "model": "model",
        **more,
        "data": {"path": "labels.csv", "kind": "classification", "set": "set", "longest": 32} | (data or {}),
        "training": {
            "steps": 20, "packs": 1, "tokens": 512, "device": "cpu", "schedule": {"warm_up": 2},
            "optimiser": {"learning_rate": 0.01},
        } | (training or {}),
    }  # fmt: skip
    path = place / "study.toml"
    path.write_text(to_toml(study))
    return path


def called(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_study_becomes_a_run_and_the_run_predicts(place: Path) -> None:
    done = called("fine-tune", written(place), "--runs", place / "runs")
    assert done.exit_code == 0, done.output
    assert "tells the class of 10 test proteins, none of which it learned from" in done.output
    (run,) = (path for path in (place / "runs").iterdir() if path.name.startswith("two-"))
    with pytest.warns(PajamoWarning, match="1 proteins are cut to their first 30 residues"):
        done = called("predict-property", place / "new.fasta", "--model", run, "-o", place / "out.csv")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(place / "out.csv")
    assert list(table["protein"]) == ["one", "two"]
    assert list(table["label"]) == ["b", "a"]
    np.testing.assert_allclose(table["p(a)"] + table["p(b)"], 1, atol=1e-6)
    assert called("report", run).exit_code == 0
    assert called("verify", run).exit_code == 0


def test_a_stop_by_the_time_limit_leaves_with_its_own_code(place: Path) -> None:
    done = called("fine-tune", written(place, {"minutes": 1e-6}), "--runs", place / "runs")
    assert done.exit_code == 75
    assert "the same command goes on" in done.output


WRONG: list[tuple[dict[str, Any], type[PajamoError], str]] = [
    ({"model": "elsewhere"}, ModelError, "no protein model"),
    ({"data": {"path": "nowhere.csv"}}, StudyError, "does not exist"),
    ({"data": {"label": "lable"}}, DataError, "no column 'lable'"),
    ({"data": {"set": "label"}}, DataError, "is no set"),
    ({"data": {"kind": "regression"}}, DataError, "is no finite number"),
    ({"data": {"kind": "residues"}}, DataError, "1 labels for 30 residues"),
    ({"data": {"kind": "number"}}, StudyError, "kind"),
    ({"lora": {"on": ["attention"]}}, StudyError, "lora"),
    ({"lora": {"ranks": 8}}, StudyError, "ranks"),
    ({"training": {"device": "cuda"}}, ModelError, "this machine has none"),
]


@pytest.mark.parametrize(("change", "error", "told"), WRONG)
def test_wrong_studies_are_told_by_name(
    place: Path, change: dict[str, Any], error: type[PajamoError], told: str
) -> None:
    import torch

    if change.get("training", {}).get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = called("fine-tune", written(place, **change), "--runs", place / "runs")
    assert isinstance(done.exception, error)
    assert told in str(done.exception)
    assert not (place / "runs").is_dir() or not list((place / "runs").glob("two-*"))


def test_labels_of_one_set_are_too_few(place: Path) -> None:
    table = pd.read_csv(place / "labels.csv")
    table[table["set"] != "test"].to_csv(place / "labels.csv", index=False)
    done = called("fine-tune", written(place), "--runs", place / "runs")
    assert isinstance(done.exception, SplitError)
    assert "no protein of the set 'test'" in str(done.exception)


def test_a_letter_that_is_no_residue_is_told_with_its_row(place: Path) -> None:
    rows = (place / "labels.csv").read_text().splitlines()
    rows[5] = "MK*1,a,train"
    (place / "labels.csv").write_text("\n".join(rows) + "\n")
    done = called("fine-tune", written(place), "--runs", place / "runs")
    assert isinstance(done.exception, DataError)
    assert "row 6" in done.exception.where


def test_a_model_without_a_property_predicts_none(place: Path) -> None:
    done = called("predict-property", place / "new.fasta", "-m", place / "model", "-o", place / "out.csv")
    assert isinstance(done.exception, ModelError)
    assert "pajamo fine-tune" in done.exception.fix
    assert not (place / "out.csv").exists()
