"""A model of guide-target pairs is saved, read back, and predicts pairs as they are written in a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays import Assay, Experiment, alphabet_of
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.errors import DataError, ModelError
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.pair_predicting import AT_ONCE, predict_pairs
from pajamo.training.assays.saved import load_assay_model, save_assay_model
from pajamo.training.checkpoints import read_state

GUIDE = "GACGCATAAAGATGAGACGC"
RATE = {"kind": "rate", "lower": -5.0}
LATENT = {"kind": "latent", "reads": {"encoder": "additive"}}
SCHEME = {
    "kind": "kinetic",
    "states": ["free", "bound"],
    "transitions": {
        "free->bound": {"reads": {"start": 0, "length": 3}},
        "bound->free": {"reads": {"start": 3, "length": 8, "encoder": "convolution"}, "makes": ["cut"]},
    },
}


def study(
    measurement: dict[str, Any], mechanism: dict[str, Any] = LATENT, enzyme: str = "Cas9"
) -> AssayStudy:
    experiment = {"path": "t.csv", "pairs": {"enzyme": enzyme}, "measurement": measurement}
    settings = {"name": "s", "alphabet": "guide-target", "mechanisms": {"m": mechanism}}
    return parse_assay_study(settings | {"experiments": {"e": experiment}})


def targets(rows: int, seed: int = 0) -> list[str]:
    """Targets of the guide with some bases changed, inserted or left out."""
    rng = np.random.default_rng(seed)
    found = []
    for row in range(rows):
        target = list(GUIDE)
        for place in rng.integers(0, 20, size=3):
            target[place] = str(rng.choice(list("ACGT")))
        if row % 4 == 1:
            target.pop(int(rng.integers(0, 20)))
        found.append("".join(target) + "TGG")
    return found


def assay_of(measurement: dict[str, Any], rows: int = 30, pam: int = 0) -> Assay:
    alphabet, rng = PairAlphabet(pam=pam), np.random.default_rng(1)
    pairs = read_pairs([GUIDE + "NGG"] * rows, targets(rows), enzyme_of("Cas9"), pam=pam)
    value = rng.normal(-3, 1, size=rows)
    recorded = {
        "rate": {"value": value, "censored": np.zeros(rows)},
        "cut": {"label": (value > -3).astype(float), "guide": np.arange(rows) % 4.0},
    }[measurement["kind"]]
    matched = alphabet.encode_pairs([pairs.guides[0]], [pairs.guides[0]])[0]
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets)
    experiment = Experiment("e", codes, recorded, np.zeros(rows, dtype=np.int8))
    return Assay(alphabet, matched, (experiment,))


def fitted(settings: AssayStudy, assay: Assay) -> AssayModel:
    """A model whose every number differs from what building gives it, as after a fit."""
    model = AssayModel("m", settings.mechanisms["m"], settings.experiments)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for values in model.build(assay).parameters():
            values += 0.3 * torch.randn(values.shape, generator=generator, dtype=values.dtype)
    return model


@pytest.mark.parametrize("measurement", [RATE, {"kind": "cut"}, {"kind": "cut", "offsets": "none"}])
@pytest.mark.parametrize("mechanism", [LATENT, SCHEME])
def test_a_model_of_pairs_comes_back_bit_for_bit(
    tmp_path: Path, measurement: dict[str, Any], mechanism: dict[str, Any]
) -> None:
    settings, assay = study(measurement, mechanism), assay_of(measurement)
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    loaded = load_assay_model(tmp_path / "m.safetensors")
    (experiment,) = assay.experiments
    pd.testing.assert_frame_equal(model.predict(experiment), loaded.predict(experiment), check_exact=True)
    np.testing.assert_array_equal(model.log_likelihood(experiment), loaded.log_likelihood(experiment))
    assert loaded.frame == Frame.of(assay)
    _, facts = read_state(tmp_path / "m.safetensors")
    assert facts["alphabet"] == "guide-target"
    assert facts["wild_type"] == f"GGN{GUIDE[::-1]}:GGN{GUIDE[::-1]}"


@pytest.mark.parametrize("pam", [0, 3, 4])
def test_pairs_as_written_are_the_rows_of_the_assay(tmp_path: Path, pam: int) -> None:
    settings, assay = study(RATE), assay_of(RATE, pam=pam)
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    for own in (model, load_assay_model(tmp_path / "m.safetensors")):
        found = predict_pairs(own, GUIDE + "NGG", targets(30))
        assert list(found) == ["guide", "target", "activity", "expected"]
        assert found["target"].tolist() == targets(30)
        expected = model.predict(assay.experiments[0])[["activity", "expected"]]
        pd.testing.assert_frame_equal(found[["activity", "expected"]], expected, check_exact=True)


def test_guides_of_other_lengths_and_enzymes_share_a_model(tmp_path: Path) -> None:
    """Position 4 is the first of the protospacer for both; 20 and 18 of its bases are paired."""
    experiments = {
        "nine": {"path": "t.csv", "pairs": {"enzyme": "Cas9"}, "measurement": RATE},
        "twelve": {"path": "t.csv", "pairs": {"enzyme": "Cas12a"}, "measurement": RATE},
    }
    reads = {"kind": "latent", "reads": {"start": 4, "length": 20, "encoder": "additive"}}
    settings = parse_assay_study(
        {"name": "s", "alphabet": "guide-target", "mechanisms": {"m": reads}, "experiments": experiments}
    )
    whole, alphabet = assay_of(RATE, pam=4), PairAlphabet(pam=4)
    twelve = GUIDE[::-1][:18]
    codes = alphabet.encode_pairs(
        ["TTTA" + twelve] * 2, ["TTTA" + twelve, "TTTC" + twelve[:9] + "A" + twelve[10:]]
    )
    codes = np.pad(codes, ((0, 0), (0, 2)), constant_values=alphabet.missing)
    recorded = {"value": np.array([-1.0, -2.0]), "censored": np.zeros(2)}
    other = Experiment("twelve", codes, recorded, np.zeros(2, dtype=np.int8))
    assay = Assay(alphabet, whole.wild_type, (replace(whole.experiments[0], name="nine"), other))
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    for own in (model, load_assay_model(tmp_path / "m.safetensors")):
        found = predict_pairs(own, "TTTA" + twelve, ["TTTA" + twelve], experiment="twelve")
        matched = predict_pairs(own, GUIDE + "NGG", [GUIDE + "TGG"], experiment="nine")
        assert found["activity"][0] == pytest.approx(matched["activity"][0])


def test_an_alignment_that_is_given_counts() -> None:
    model = fitted(study(RATE), assay_of(RATE))
    guide, target = GUIDE + "NGG", GUIDE[1:] + "TGG"
    found = predict_pairs(model, [guide] * 3, [target, "-" + target, GUIDE[0] + "-" + GUIDE[2:] + "TGG"])
    assert found["expected"][0] == found["expected"][1]
    assert found["expected"][0] != found["expected"][2]


def test_many_pairs_equal_the_same_ones_in_parts() -> None:
    model = fitted(study(RATE), assay_of(RATE))
    own = targets(50)
    many = predict_pairs(model, GUIDE + "NGG", own * (AT_ONCE // 50 + 2))
    assert len(many) > AT_ONCE
    few = predict_pairs(model, GUIDE + "NGG", own)
    np.testing.assert_array_equal(
        many["expected"].to_numpy().reshape(-1, 50), np.tile(few["expected"], (len(many) // 50, 1))
    )


@pytest.mark.parametrize(
    ("guides", "own", "words"),
    [
        ([GUIDE], [GUIDE + "TGG"], "no PAM of Cas9"),
        ([GUIDE + "NGG"], [], "1 guides and 0 targets"),
        ([GUIDE + "NGG"], [GUIDE + "TGG"] * 2, "1 guides and 2 targets"),
        (["A" + GUIDE + "NGG"], [GUIDE + "TGG"], "24 letters, the model was fitted to 23"),
        ([GUIDE + "NGG", GUIDE[1:] + "NGG"], [GUIDE + "TGG"] * 2, "22 letters, the model was fitted to 23"),
        ([GUIDE[1:] + "NGG"], [GUIDE + "TGG"], "22 letters"),
        ([GUIDE + "NGG"], [GUIDE + "TGZ"], "row 0: 'Z'"),
    ],
)
def test_pairs_that_cannot_be_predicted_say_why(guides: list[str], own: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        predict_pairs(fitted(study(RATE), assay_of(RATE)), guides, own)


def test_the_enzyme_of_the_experiment_says_where_the_pam_is() -> None:
    model = fitted(study(RATE, enzyme="Cas12a"), assay_of(RATE))
    with pytest.raises(DataError, match="no PAM of Cas12a"):
        predict_pairs(model, GUIDE + "NGG", [GUIDE + "TGG"])
    assert len(predict_pairs(model, "TTTA" + GUIDE[1:], ["TTTA" + GUIDE[1:]])) == 1


def test_a_model_of_sequences_has_no_pairs() -> None:
    settings = {"name": "s", "experiments": {"e": {"path": "t.csv", "measurement": {"kind": "continuous"}}}}
    parsed = parse_assay_study(settings | {"mechanisms": {"m": LATENT}})
    model = AssayModel("m", parsed.mechanisms["m"], parsed.experiments)
    with pytest.raises(ModelError, match="not fitted"):
        predict_pairs(model, GUIDE + "NGG", [GUIDE + "TGG"])
    model.build(Frame(alphabet_of("dna"), "ACGT", 4, False).empty(parsed.experiments))
    with pytest.raises(ModelError, match="not fitted to guide-target pairs"):
        predict_pairs(model, GUIDE + "NGG", [GUIDE + "TGG"])
