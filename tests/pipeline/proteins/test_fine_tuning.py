"""Fine-tuning from a table to a complete run: planted properties, judged beside baselines, resumed, saved, used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import pajamo
from pajamo.api import fine_tune, predict_property
from pajamo.config.proteins import ProteinModelSettings
from pajamo.config.proteins.fine_tuning import load_fine_tuning_study
from pajamo.data.proteins.alphabet import RESIDUES
from pajamo.data.run_folder import read_manifest, verify_run
from pajamo.errors import IntegrityError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.saving import load_language_model, save_language_model
from pajamo.pipeline.proteins.fine_tuning.record import FineTunedRun
from pajamo.pipeline.proteins.fine_tuning.saving import load_fine_tuned
from pajamo.training.trainer.report import TrainingResult

FIRST = frozenset(RESIDUES[:10])
Made = Callable[..., dict[str, Any]]


def label(sequence: str, kind: str) -> str:
    """Share of the first ten amino acids, whether they are most, or whether one stands before each residue."""
    share = sum(letter in FIRST for letter in sequence) / len(sequence)
    if kind == "regression":
        return f"{share:.4f}"
    if kind == "classification":
        return "many" if share > 0.5 else "few"
    return "-" + "".join("H" if before in FIRST else "C" for before in sequence[:-1])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model, a FASTA file, and a table of labels of each kind."""
    folder = tmp_path_factory.mktemp("labels")
    rng = np.random.default_rng(0)
    chosen = [rng.choice(list(RESIDUES), rng.integers(20, 50)) for _ in range(150)]
    sequences = ["".join(one) for one in chosen]
    for kind in ("regression", "classification", "residues"):
        rows = [f"{one},{label(one, kind)}" for one in sequences]
        (folder / f"{kind}.csv").write_text("\n".join(["sequence,label", *rows]) + "\n")
    fasta = [f">p{number}\n{one}\n" for number, one in enumerate(sequences)]
    (folder / "proteins.fasta").write_text("".join(fasta))
    model = ProteinLanguageModel(ProteinModelSettings(layers=1, width=32, heads=2))
    model.initialise(1)
    save_language_model(model, folder / "model")
    return folder


@pytest.fixture(scope="module")
def study(place: Path) -> Made:
    """A study that trains in a second; keyword arguments change [training]."""

    def made(kind: str = "residues", lora: object = False, **training: Any) -> dict[str, Any]:
        return {
            "name": kind,
            "seed": 2,
            "model": place / "model",
            "data": {"path": place / f"{kind}.csv", "kind": kind},
            "split": {"by": "protein", "validation": 0.15, "test": 0.3},
            "lora": lora,
            "training": {
                "steps": 60, "packs": 1, "tokens": 2048, "validate_every": 20, "save_every": 30, "device": "cpu",
                "schedule": {"warm_up": 5}, "optimiser": {"learning_rate": 0.01}, **training,
            },
        }  # fmt: skip

    return made


def completed(study: dict[str, Any], runs: Path) -> FineTunedRun:
    with pytest.warns(pajamo.PajamoWarning, match="keeps no relatives apart"):
        done = fine_tune(study, runs=runs)
    assert isinstance(done, FineTunedRun)
    return done


@pytest.fixture(scope="module")
def residues(study: Made, tmp_path_factory: pytest.TempPathFactory) -> FineTunedRun:
    """All weights learn a class that hangs on the residue before: no baseline can tell it."""
    return completed(study(), tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def regression(study: Made, tmp_path_factory: pytest.TempPathFactory) -> FineTunedRun:
    """Additions of low rank learn a share of residues, which a count of residues tells exactly."""
    lora = {"rank": 8, "on": ("query", "key", "value", "output", "inner", "outer")}
    return completed(study("regression", lora, steps=80), tmp_path_factory.mktemp("runs"))


def value(run: FineTunedRun, model: str, metric: str) -> float:
    table = run.summary.set_index(["model", "metric"])["value"]
    return float(table[(model, metric)])


def test_what_hangs_on_neighbours_is_learned_and_beats_every_baseline(residues: FineTunedRun) -> None:
    assert value(residues, "fine-tuned model", "accuracy") > 0.95
    assert set(residues.summary["model"].iloc[1:3]) == {
        "majority of each residue's type",
        "frozen embeddings",
    }
    assert residues.verdict["outcome"] == "beats"
    assert "more than the" in residues.verdict["sentence"]
    # Nothing is known of the first residue of each protein, so that it does not count.
    test = residues.table("sets").query("set == 'test'")
    assert residues.summary["observations"].iloc[0] == (test["residues"] - 1).sum()


def test_a_model_that_a_count_of_residues_beats_is_said_to_lose(regression: FineTunedRun) -> None:
    assert value(regression, "fine-tuned model", "Spearman") > 0.7
    assert value(regression, "composition and length", "Spearman") > 0.99
    assert regression.verdict["outcome"] == "loses"
    assert "does not beat the best baseline" in regression.verdict["sentence"]
    assert "does not beat the best baseline" in (regression.path / "report.html").read_text()
    assert regression.about["learned"] < 0.5 * regression.about["weights"]


def test_predictions_of_the_saved_model_are_those_that_were_judged(
    place: Path, residues: FineTunedRun, regression: FineTunedRun
) -> None:
    again = predict_property(place / "proteins.fasta", regression.path)
    judged = regression.table("predictions")
    np.testing.assert_allclose(again["label"].iloc[judged["protein"] - 1], judged["told"], rtol=1e-5)
    again = predict_property(place / "proteins.fasta", residues.path)
    letters = again.groupby("protein", sort=False)["class"].agg("".join)
    for row in residues.table("predictions").itertuples():
        assert letters.iloc[row.protein - 1][1:] == row.told[1:]
        assert row.recorded[0] == "-"


def test_probabilities_of_residues_sum_to_one(place: Path, residues: FineTunedRun) -> None:
    table = predict_property(place / "proteins.fasta", residues.path)
    assert list(table.columns) == ["protein", "place", "residue", "class", "p(C)", "p(H)"]
    np.testing.assert_allclose(table["p(C)"] + table["p(H)"], 1.0, atol=1e-6)
    assert (
        "".join(table["residue"][table["protein"] == "p0"]) == pd.read_csv(place / "residues.csv").iloc[0, 0]
    )


def test_the_model_beside_the_head_is_an_ordinary_one_with_additions_merged(
    place: Path, regression: FineTunedRun
) -> None:
    before, after = load_language_model(place / "model"), load_language_model(regression.path / "model")
    changed = {
        name
        for (name, one), (_, two) in zip(before.named_parameters(), after.named_parameters(), strict=True)
        if not torch.equal(one, two)
    }
    assert changed
    assert all(name.startswith("encoder.blocks.") and name.endswith(".weight") for name in changed)
    assert set(load_fine_tuned(regression.path).model.state_dict()) >= {"head.weight", "head.bias"}


def test_stopped_by_the_time_limit_it_goes_on_to_the_same_bits(study: Made, tmp_path: Path) -> None:
    short = {"steps": 6, "save_every": 2, "validate_every": 3, "schedule": {"warm_up": 2}}
    asked = study("classification", {"rank": 2}, **short)
    whole = completed(asked, tmp_path / "whole")
    stopped = study("classification", {"rank": 2}, minutes=1e-6, **short)
    with pytest.warns(pajamo.PajamoWarning, match="keeps no relatives apart"):
        done = fine_tune(stopped, runs=tmp_path / "parts")
    stops = 0
    while isinstance(done, TrainingResult):
        assert done.stopped == "time"
        stops += 1
        done = fine_tune(stopped, runs=tmp_path / "parts")
    assert stops > 1
    assert done.path.name == whole.path.name
    for (name, one), (other, two) in zip(
        whole.model().named_parameters(), done.model().named_parameters(), strict=True
    ):
        assert name == other
        np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy())
    pd.testing.assert_frame_equal(whole.summary, done.summary)
    said: list[str] = []
    assert fine_tune(asked, runs=tmp_path / "whole", progress=said.append) == whole
    assert "complete" in said[0]


def test_the_folder_is_whole_and_its_report_is_rendered_again_to_the_same_bytes(
    regression: FineTunedRun,
) -> None:
    assert read_manifest(regression.path)["kind"] == "fine-tuned"
    before = (regression.path / "report.html").read_bytes()
    pajamo.report(regression.path)
    assert (regression.path / "report.html").read_bytes() == before
    assert verify_run(regression.path) == regression.verify()
    course = regression.table("course").dropna(subset=["kept_aside"])
    assert list(course["step"]) == [20, 40, 60, 80]
    assert course["kept_aside"].iloc[-1] < course["kept_aside"].iloc[0]


def test_the_study_that_the_run_holds_says_the_same(residues: FineTunedRun) -> None:
    kept = load_fine_tuning_study(residues.path / "study.toml")
    assert kept.lora is None
    assert kept.training.steps == 60


def test_a_head_of_another_model_is_refused(residues: FineTunedRun, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(residues.path, tmp_path / "run")
    other = ProteinLanguageModel(ProteinModelSettings(layers=1, width=16, heads=2))
    other.initialise(0)
    save_language_model(other, tmp_path / "run" / "model")
    with pytest.raises(IntegrityError, match="does not fit the model"):
        load_fine_tuned(tmp_path / "run")
