"""A protein model from a study to a complete run: judged beside what it must beat, resumed, verified, reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pajamo
from pajamo.api import train
from pajamo.data.run_folder import read_manifest, verify_run
from pajamo.errors import IntegrityError, ModelError, StudyError
from pajamo.pipeline.proteins.run_record import ProteinRun
from pajamo.training.trainer.report import TrainingResult

Study = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> ProteinRun:
    """One complete run for all tests that only look at it."""
    folder: Path = request.getfixturevalue("proteins")
    from tests.pipeline.proteins.conftest import WILD_TYPE

    raw = {
        "name": "tiny",
        "data": {"path": folder / "proteins.fasta", "clusters": folder / "clusters.tsv", "longest": 128},
        "split": {"by": "column", "families": "family", "validation": 0.1, "test": 0.1},
        "model": {"layers": 1, "width": 16, "heads": 2},
        "training": {"steps": 6, "packs": 2, "tokens": 256, "device": "cpu", "schedule": {"warm_up": 2}},
        "variants": {"wild": {"path": folder / "variants.csv", "sequence": WILD_TYPE}},
    }
    done = train(raw, runs=tmp_path_factory.mktemp("runs"))
    assert isinstance(done, ProteinRun)
    return done


def test_the_model_stands_beside_what_it_must_beat(complete: ProteinRun) -> None:
    table = complete.summary
    assert set(table["set"]) == {"validation", "test"}
    assert set(table["model"]) == {"language model", "unigram", "3-gram", "3-gram between neighbours"}
    same = table[table["residues"] == "all"].groupby("set")["asked"].nunique()
    assert (same == 1).all()
    assert (table["low"] <= table["perplexity"]).all()
    assert "of families that it never saw" in complete.verdict["sentence"]


def test_a_model_that_learned_nothing_is_said_to_lose(complete: ProteinRun) -> None:
    assert "more than the" in complete.verdict["sentence"]


def test_variants_stand_beside_blosum62_and_relatives(complete: ProteinRun) -> None:
    table = complete.table("variants")
    assert list(table["by"][:3]) == ["language model, masked", "language model, wild type", "BLOSUM62"]
    relatives = int(table["by"].iloc[3].split()[2])
    assert relatives in range(1, 6)


def test_hidden_residues_and_variants_are_looked_at_while_it_trains(complete: ProteinRun) -> None:
    looked = complete.table("course").dropna(subset=["nats"])
    assert list(looked["step"]) == [6]
    assert looked["perplexity"].iloc[0] == pytest.approx(np.exp(looked["nats"].iloc[0]))
    assert -1 <= looked["spearman wild"].iloc[0] <= 1


def test_the_folder_is_whole_and_its_model_loads(complete: ProteinRun) -> None:
    assert verify_run(complete.path) == complete.verify()
    model = complete.model()
    assert sum(weight.numel() for weight in model.parameters()) == complete.about["weights"]
    assert "<svg" in (complete.path / "report.html").read_text()


def test_the_report_is_rendered_again_to_the_same_bytes(complete: ProteinRun) -> None:
    before = (complete.path / "report.html").read_bytes()
    pajamo.report(complete.path)
    assert (complete.path / "report.html").read_bytes() == before
    verify_run(complete.path)


def test_no_family_is_on_two_sides(complete: ProteinRun) -> None:
    assert complete.about["split"]["families"] == 40
    assert complete.about["proteins"] == {"training": 160, "validation": 20, "test": 20}


def test_stopped_by_the_time_limit_it_goes_on_to_the_same_bits(study: Study, tmp_path: Path) -> None:
    whole = train(study(), runs=tmp_path / "whole")
    stops, done = 0, train(study(minutes=1e-6), runs=tmp_path / "parts")
    while isinstance(done, TrainingResult):
        assert done.stopped == "time"
        assert done.exit_code == 75
        stops += 1
        done = train(study(minutes=1e-6), runs=tmp_path / "parts")
    assert stops > 1
    assert isinstance(whole, ProteinRun)
    assert done.path.name == whole.path.name
    for (name, one), (other, two) in zip(
        whole.model().named_parameters(), done.model().named_parameters(), strict=True
    ):
        assert name == other
        np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy())
    assert whole.about["provenance"]["order of data"] == done.about["provenance"]["order of data"]


def test_the_same_study_is_done_once(study: Study, tmp_path: Path) -> None:
    said: list[str] = []
    first = train(study(steps=3, schedule={"warm_up": 0}), runs=tmp_path)
    again = train(study(steps=3, schedule={"warm_up": 0}), runs=tmp_path, progress=said.append)
    assert first == again
    assert "complete" in said[0]


def test_an_altered_run_is_found(study: Study, tmp_path: Path) -> None:
    done = train(study(steps=3, schedule={"warm_up": 0}), runs=tmp_path)
    assert isinstance(done, ProteinRun)
    (done.path / "model" / "config.json").write_text("{}")
    with pytest.raises(IntegrityError, match="not as it was written"):
        train(study(steps=3, schedule={"warm_up": 0}), runs=tmp_path)


def test_settings_of_the_machine_do_not_make_another_run(study: Study, tmp_path: Path) -> None:
    first = train(study(steps=3, schedule={"warm_up": 0}), runs=tmp_path)
    other = train(study(steps=3, schedule={"warm_up": 0}, keep=5, recompute=True), runs=tmp_path)
    assert first == other
    assert isinstance(first, ProteinRun)
    assert read_manifest(first.path)["kind"] == "proteins"


def test_a_gpu_that_is_not_there_is_an_error(study: Study, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(ModelError, match="this machine has none"):
        train(study(device="cuda"), runs=tmp_path)
    assert not list(tmp_path.glob("tiny-*"))


def test_a_study_without_a_model_is_refused() -> None:
    with pytest.raises(StudyError, match="nothing of a model"):
        train({"data": {"path": "x.fasta"}})
