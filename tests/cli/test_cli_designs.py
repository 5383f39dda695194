"""Designing sequences, planning libraries and simulating assays, from the command line and from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.explanations.designs.planted_promoters import READING, SORTER, one_site, promoter

import pajamo
from pajamo.config.assays import BinsSettings, parse_assay_study
from pajamo.data.assays.reading import read_assay
from pajamo.errors import IntegrityError, ModelError
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.designs.simulation import simulate
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.predicting import predict_sequences
from pajamo.training.assays.saved import save_assay_model
from pajamo.training.saved import load_model

LONG = BinsSettings(bin="bin", bins=("a", "b", "c"), library="all", count="reads", knots=8)
SINGLE = LONG.model_copy(update={"count": None})


def saved(model: AssayModel, folder: Path) -> Path:
    file = folder / "model.safetensors"
    save_assay_model(model, simulate(model, Mutagenesis(variants=5, rate=0.3)), file)
    return file


def test_designed_sequences_are_the_best_there_are(command: Callable[..., Any], tmp_path: Path) -> None:
    outcome = command(
        "sequences", saved(one_site(), tmp_path), "--want", "max", "--gc", 0.2, 0.6, "--forbid", "GG",
        "--edits", 2, "--fixed", "0-1", "--n", 3, "-o", "best.csv",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "nothing is better" in outcome.out
    made = pd.read_csv(tmp_path / "best.csv")
    every = [f"AC{a}{b}{c}" for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    allowed = [
        each
        for each in every
        if sum(x != y for x, y in zip(each, "ACGTA", strict=True)) <= 2
        and 1 <= each.count("G") + each.count("C") <= 3
        and "GG" not in each
        and "CC" not in each
    ]
    activity = predict_sequences(one_site(), allowed)["activity"]
    assert made["sequence"].iloc[0] == allowed[int(np.argmax(activity))]
    assert made["activity in plate"].iloc[0] == pytest.approx(activity.max(), rel=1e-9)
    assert set(made["sequence"]) <= set(allowed)


def test_a_wanted_value_is_reached_at_a_concentration(command: Callable[..., Any], tmp_path: Path) -> None:
    file = saved(promoter(crp=True), tmp_path)
    outcome = command("sequences", file, "--want", 0.3, "--input", "crp=2", "--n", 1, "-o", "one.csv")
    assert outcome.code == 0, outcome.err
    made = pd.read_csv(tmp_path / "one.csv")
    assert made["activity in plate (crp = 2)"].iloc[0] == pytest.approx(0.3, rel=0.1)


def test_a_larger_library_measures_more_finely(command: Callable[..., Any], tmp_path: Path) -> None:
    outcome = command(
        "library", saved(promoter(), tmp_path), "--wanted", "A+R=0.3", "--rate", 0.2, "--variants", 300,
        "--variants", 3000, "--reads", 1, "-o", "plan.csv",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "fewest variants" in outcome.out
    widths = pd.read_csv(tmp_path / "plan.csv").set_index("variants")["A+R"]
    assert widths[3000] < widths[300]


@pytest.mark.parametrize("measurement", [READING, SORTER, LONG, SINGLE])
def test_simulated_tables_are_read_again(
    command: Callable[..., Any], tmp_path: Path, measurement: Any
) -> None:
    model = one_site(measurement)
    outcome = command(
        "simulate", saved(model, tmp_path), "--rate", 0.3, "--variants", 40, "--reads", 10, "-o", "t.csv"
    )
    assert outcome.code == 0, outcome.err
    declared = measurement.model_dump(mode="json")
    study = {"name": "again", "experiments": {"plate": {"path": tmp_path / "t.csv", "measurement": declared}}}
    read = read_assay(parse_assay_study(study)).experiments[0]
    drawn = simulate(model, Mutagenesis(variants=40, rate=0.3), reads=10.0).experiments[0]
    order, again = np.lexsort(drawn.codes.T), np.lexsort(read.codes.T)
    np.testing.assert_array_equal(read.codes[again], drawn.codes[order])
    for key, values in drawn.recorded.items():
        np.testing.assert_allclose(read.recorded[key][again], values[order])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sequences", "model.safetensors", "--want", "most"), "give max, min or a number"),
        (("sequences", "model.safetensors", "--want", "max", "--fixed", "5-2"), "FIRST-LAST"),
        (("sequences", "model.safetensors", "--want", "max", "--of", "light"), "activity or expected"),
        (("sequences", "model.safetensors", "--want", "max", "--start", "ACG"), "3 letters"),
        (("sequences", "model.safetensors", "--want", "max", "--input", "crp=1"), "cannot be set"),
        (("sequences", "model.safetensors", "--want", "max", "--model", "bound"), "only a run"),
        (("sequences", "missing.safetensors", "--want", "max"), "missing.safetensors"),
        (("library", "model.safetensors", "--wanted", "A+R"), "give NAME=VALUE"),
        (("library", "model.safetensors", "--wanted", "A+Q=.2"), "A+Q"),
        (("simulate", "model.safetensors", "--rate", "2"), "rate"),
        (("simulate", "model.safetensors", "--input", "crp=1"), "cannot be set"),
    ],
)
def test_what_cannot_be_is_a_user_error(
    command: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    saved(promoter(), tmp_path)
    outcome = command(*arguments)
    assert outcome.code == 2
    assert words in " ".join(outcome.err.replace("│", " ").split())


def test_a_model_predicts_sequences_itself() -> None:
    model, asked = one_site(), ["ACGTA", "CCGTA"]
    pd.testing.assert_frame_equal(model.predict_sequences(asked), predict_sequences(model, asked))


def test_a_model_of_sequences_is_not_read_as_one_of_perturbations(tmp_path: Path) -> None:
    file = saved(one_site(), tmp_path)
    with pytest.raises(IntegrityError, match=r"pajamo\.predict_sequences"):
        load_model(file)
    with pytest.raises(ModelError, match=r"pajamo\.predict_sequences"):
        pajamo.evaluate(file, {"name": "any", "data": {"path": "screen.h5ad"}})
    with pytest.raises(ModelError, match=r"pajamo\.predict_sequences"):
        pajamo.predict(file, ["A"])


def test_a_surrogate_takes_a_declaration_as_a_dictionary() -> None:
    mechanism = {"kind": "thermodynamic", "sites": {"A": {"start": 0, "length": 3}}, "transcribes": ["A"]}

    def oracle(sequences: list[str]) -> list[float]:
        return [1 / (1 + np.exp(2.0 - each.count("A"))) for each in sequences]

    made = pajamo.surrogate(oracle, "ACGTA", mechanism, variants=200, rate=0.5, starts=1, steps=20)
    assert "mechanism" in set(made.table["model"])
