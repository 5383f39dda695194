"""From a finished run of an assay's study to the sequences that narrow an energy: proposed, recorded, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.explanations.assays.planted import planted

import pajamo
from pajamo.config.campaigns.study import parse_campaign_study
from pajamo.data.atomic import sha256, write_json, write_text
from pajamo.errors import DataError, ModelError, StudyError
from pajamo.training.assays.saved import save_assay_model

BINS = [f"bin{n}" for n in range(5)]
STUDY = """
name = "tiny"
wild_type = "AAAAAAAA"
holdout = [0.0, 0.0]
[experiments.one]
path = "TABLE"
measurement = { kind = "bins", columns = ["bin0", "bin1", "bin2", "bin3", "bin4"], knots = 8 }
[mechanisms.planted]
kind = "thermodynamic"
transcribes = ["RNAP"]
sites.CRP = { start = 0, length = 4 }
sites.RNAP = { start = 4, length = 4 }
interactions."CRP+RNAP" = {}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a finished run leaves that a campaign reads: study, model, verdict, and the table beside it."""
    folder = tmp_path_factory.mktemp("run")
    model, assay = planted(rows=300, reads=40, noise=0.3)
    experiment = assay.experiments[0]
    table = pd.DataFrame(experiment.recorded["counts"].astype(int), columns=BINS)
    table["x"] = ["".join("ACGT"[code] for code in row) for row in experiment.codes]
    table = table.drop_duplicates("x")
    table.to_csv(folder / "table.csv", index=False)
    write_text(folder / "study.toml", STUDY.replace("TABLE", str(folder / "table.csv")))
    (folder / "models").mkdir()
    save_assay_model(model, assay, folder / "models" / "planted.safetensors")
    files = {"planted": ["models/planted.safetensors"], "maps": ["models/a", "models/b"], "none": []}
    about = {
        "models": [{"name": name, "files": found} for name, found in files.items()],
        "experiments": [{"name": "one", "sha256": sha256(folder / "table.csv")}],
    }
    write_json(folder / "about.json", about)
    write_json(folder / "verdict.json", {"model": "planted"})
    write_json(folder / "manifest.json", {"kind": "assay", "files": {}})
    return folder


@pytest.fixture
def study(run: Path, tmp_path: Path) -> dict[str, Any]:
    """Sixty random sequences."""
    codes = np.random.default_rng(3).integers(0, 4, (60, 8))
    sequences = ["".join("ACGT"[code] for code in row) for row in codes]
    table = pd.DataFrame({"candidate": [f"v{n}" for n in range(60)], "sequence": sequences})
    table.to_csv(tmp_path / "candidates.csv", index=False)
    return {
        "name": "narrow",
        "goal": "mechanism",
        "candidates": {
            "kind": "assay",
            "run": str(run),
            "candidates": str(tmp_path / "candidates.csv"),
            "parameters": ["CRP+RNAP"],
            "reads": 40.0,
        },
        "batch": {"size": 6},
        "comparison": 8,
    }


def test_a_batch_narrows_the_energy_more_than_random_ones(study: dict[str, Any], tmp_path: Path) -> None:
    campaign = pajamo.new_campaign(study, tmp_path / "c.sqlite")
    made = pajamo.propose_round(campaign).proposal
    assert made.model == "mechanism"
    assert made.acquisition == "expected-information"
    assert made.unit == "nats about the parameters"
    assert made.outputs == tuple(BINS)
    assert made.at_random is not None
    assert made.expected > made.at_random > 0
    (told,) = [note for note in made.notes if note.startswith("CRP+RNAP is")]
    assert "kcal/mol" in told
    assert "a random one to" in told
    counts = pd.DataFrame(np.full((6, 5), 8), columns=BINS).assign(candidate=made.candidates)
    pajamo.record_results(campaign, counts)
    second = pajamo.propose_round(campaign).proposal
    assert not set(second.candidates) & set(made.candidates)
    assert second.fingerprint != made.fingerprint
    assert pajamo.replay_round(campaign, 2) == []


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"parameters": ["CRP+RNA"]}, StudyError, r"CRP\+RNAP"),
        ({"experiment": "two"}, ModelError, "no experiment 'two'"),
        ({"model": "plantd"}, ModelError, "planted"),
        ({"model": "maps"}, ModelError, "each experiment on its own"),
        ({"reads": 0.0}, StudyError, "reads"),
    ],
)
def test_what_is_refused(
    study: dict[str, Any], change: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        pajamo.propose(study | {"candidates": study["candidates"] | change})


def test_candidates_of_another_length_are_refused(study: dict[str, Any]) -> None:
    path = Path(study["candidates"]["candidates"])
    table = pd.read_csv(path)
    table.loc[4, "sequence"] = "ACGTACG"
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match="'v4' has 7 letters, the assay's sequences 8"):
        pajamo.propose(study)


def test_a_run_of_something_else_is_refused(study: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "screen").mkdir()
    write_json(tmp_path / "screen" / "manifest.json", {"kind": "screen", "files": {}})
    asked = study | {"candidates": study["candidates"] | {"run": str(tmp_path / "screen")}}
    with pytest.raises(DataError, match="not on an assay"):
        pajamo.propose(asked)


def test_a_table_that_changed_is_refused(study: dict[str, Any], run: Path) -> None:
    before = (run / "table.csv").read_bytes()
    try:
        (run / "table.csv").write_bytes(before + b"\n")
        with pytest.raises(DataError, match="not what the run was made with"):
            pajamo.propose(study)
    finally:
        (run / "table.csv").write_bytes(before)


def test_the_goal_needs_an_assay() -> None:
    raw = {"name": "x", "goal": "mechanism", "outputs": ["y"], "batch": {"size": 1}}
    with pytest.raises(StudyError, match="assay"):
        parse_campaign_study(raw | {"candidates": {"kind": "table", "path": "t.csv"}})
