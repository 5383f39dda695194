"""A fitted model of an assay goes to disk and comes back: same bits, readable facts, and no damage unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays import Assay, Experiment, alphabet_of
from pajamo.errors import DataError, IntegrityError, ModelError
from pajamo.explanations.designs.goals import Goal
from pajamo.explanations.designs.sequences import design_sequences
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.predicting import predict_sequences
from pajamo.training.assays.saved import load_assay_model, save_assay_model
from pajamo.training.checkpoints import read_state, write_state

LENGTH = 12
DNA = alphabet_of("dna")
WILD_TYPE = "ACGTACGTACGT"

FREE = {"kind": "bins", "columns": ["b1", "b2", "b3"], "library": "b0", "knots": 6}
GATES = {"kind": "bins", "columns": ["b1", "b2", "b3"], "gates": "lognormal"}
MEASUREMENTS: dict[str, dict[str, Any]] = {
    "free bins": FREE,
    "gates": GATES,
    "tanh": {"kind": "continuous"},
    "spline": {"kind": "continuous", "nonlinearity": "spline", "noise": "skewed-t"},
    "measured": {"kind": "continuous", "error": "dy", "noise": "measured", "nonlinearity": "sigmoid"},
    "negative-binomial": {"kind": "barcodes", "rna": "r", "dna": "d"},
    "beta-binomial": {"kind": "barcodes", "rna": "r", "dna": "d", "noise": "beta-binomial"},
}
LAC: dict[str, Any] = {
    "kind": "thermodynamic",
    "sites": {"CRP": {"start": 0, "length": 5}, "RNAP": {"start": 6, "length": 6}},
    "regulators": {"CRP": {"concentration": "cAMP"}},
    "interactions": {"CRP+RNAP": {"initial": -1.0}},
    "states": {
        "free": {},
        "C": {"bound": ["CRP"]},
        "R": {"bound": ["RNAP"], "rate": "slow"},
        "CR": {"bound": ["CRP", "RNAP"], "rate": "fast"},
    },
}
MECHANISMS: dict[str, dict[str, Any]] = {
    "thermodynamic": LAC,
    **{
        name: {"kind": "latent", "reads": {"encoder": name}} for name in ("additive", "neighbour", "pairwise")
    },
    **{
        name: {"kind": "latent", "reads": {"encoder": name, "hidden": [4]}}
        for name in ("network", "convolution")
    },
    "mean": {"kind": "latent", "sequence": False},
    "kinetic": {
        "kind": "kinetic",
        "states": ["off", "on"],
        "transitions": {"off->on": {"reads": {"start": 2, "length": 4}}, "on->off": {}},
        "outputs": {"rna": {"on": 1.0}},
    },
}


def study(
    mechanism: dict[str, Any], *measurements: dict[str, Any], inputs: dict[str, Any] | None = None
) -> AssayStudy:
    experiments = {
        f"e{number}": {"path": "t.csv", "measurement": measurement, "inputs": inputs or {}}
        for number, measurement in enumerate(measurements)
    }
    return parse_assay_study({"name": "s", "experiments": experiments, "mechanisms": {"m": mechanism}})


def sequences(rows: int, seed: int = 0) -> list[str]:
    letters = np.random.default_rng(seed).choice(list("ACGT"), size=(rows, LENGTH))
    return ["".join(row) for row in letters]


def assay_of(settings: AssayStudy, rows: int = 40) -> Assay:
    """Random sequences, with random readings of each experiment's own kind."""
    rng = np.random.default_rng(1)
    found = []
    for name, experiment in settings.experiments.items():
        kind = experiment.measurement.kind
        recorded = {
            "bins": {"counts": rng.integers(1, 9, size=(rows, 3)).astype(float)},
            "continuous": {"value": rng.normal(size=rows), "error": rng.uniform(0.1, 1, size=rows)},
            "barcodes": {"rna": rng.integers(1, 9, size=rows).astype(float), "dna": np.full(rows, 5.0)},
        }[kind]
        if getattr(experiment.measurement, "library", None):
            recorded["library"] = rng.integers(0, 4, size=rows).astype(float)
        inputs = {
            key: rng.uniform(0.5, 2, size=rows) for key, given in experiment.inputs.items() if given != "fit"
        }
        codes = DNA.encode(sequences(rows))
        found.append(Experiment(name, codes, recorded, np.zeros(rows, dtype=np.int8), inputs))
    return Assay(DNA, DNA.encode([WILD_TYPE])[0], tuple(found))


def fitted(settings: AssayStudy, assay: Assay) -> AssayModel:
    """A model whose every number differs from what building gives it, as after a fit."""
    model = AssayModel("lac", settings.mechanisms["m"], settings.experiments, seed=3)
    assembly = model.build(assay)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for values in assembly.parameters():
            values += 0.1 * torch.randn(values.shape, generator=generator, dtype=values.dtype)
        assembly.centre += 0.25
        assembly.spread *= 1.5
    return model


def same(model: AssayModel, other: AssayModel, assay: Assay) -> None:
    for experiment in assay.experiments:
        pd.testing.assert_frame_equal(model.predict(experiment), other.predict(experiment), check_exact=True)
        np.testing.assert_array_equal(model.log_likelihood(experiment), other.log_likelihood(experiment))


@pytest.mark.parametrize("measurement", MEASUREMENTS)
def test_every_measurement_comes_back_bit_for_bit(tmp_path: Path, measurement: str) -> None:
    settings = study(MECHANISMS["additive"], MEASUREMENTS[measurement])
    assay = assay_of(settings)
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    same(model, load_assay_model(tmp_path / "m.safetensors"), assay)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_mechanism_comes_back_bit_for_bit(tmp_path: Path, mechanism: str) -> None:
    inputs = {"cAMP": "dose"} if mechanism == "thermodynamic" else None
    settings = study(MECHANISMS[mechanism], FREE, {"kind": "continuous"}, inputs=inputs)
    assay = assay_of(settings)
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    loaded = load_assay_model(tmp_path / "m.safetensors")
    same(model, loaded, assay)
    assert loaded.mechanism == model.mechanism
    assert loaded.experiments == model.experiments
    assert (loaded.name, loaded.seed) == ("lac", 3)


def test_prior_matrix_file_need_not_be_there(tmp_path: Path) -> None:
    matrix = tmp_path / "crp.csv"
    pd.DataFrame(np.random.default_rng(0).normal(size=(5, 4)), columns=list("ACGT")).to_csv(
        matrix, index=False
    )
    sites = {"CRP": {"start": 0, "length": 5, "matrix": matrix}, "RNAP": {"start": 6, "length": 6}}
    settings = study({"kind": "thermodynamic", "sites": sites, "transcribes": ["RNAP"]}, FREE)
    assay = assay_of(settings)
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    matrix.unlink()
    loaded = load_assay_model(tmp_path / "m.safetensors")
    same(model, loaded, assay)
    assert loaded.assembly.penalty().item() == model.assembly.penalty().item()
    assert loaded.mechanism == model.mechanism


def test_a_fitted_concentration_comes_back(tmp_path: Path) -> None:
    settings = study(LAC, FREE, {"kind": "continuous"}, inputs={"cAMP": 2.0})
    first = settings.experiments["e0"].model_copy(update={"inputs": {"cAMP": "fit"}})
    settings = settings.model_copy(update={"experiments": {**settings.experiments, "e0": first}})
    assay = assay_of(settings)
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    same(model, load_assay_model(tmp_path / "m.safetensors"), assay)


def test_facts_can_be_read_by_a_person(tmp_path: Path) -> None:
    settings = study(LAC, FREE, inputs={"cAMP": "dose"})
    assay = assay_of(settings)
    model = fitted(settings, assay)
    save_assay_model(model, assay, tmp_path / "m.safetensors")
    _, facts = read_state(tmp_path / "m.safetensors")
    readable = facts["readable"]
    terms = {term["name"]: term for term in readable["terms"]}
    assert terms["CRP+RNAP"]["unit"] == "kT"
    position = model.assembly.constant_terms.index(model.assembly.blueprint.term("CRP+RNAP"))
    assert terms["CRP+RNAP"]["value"] == model.assembly.constants[position].item()
    assert terms["RNAP"]["reads"]["start"] == 6
    assert readable["states"]["CR"]["terms"] == {"CRP": 1.0, "RNAP": 1.0, "CRP+RNAP": 1.0}
    assert readable["states"]["CR"]["times"] == {"cAMP": 1.0}
    assert readable["kT in kcal/mol"] == pytest.approx(0.6163, abs=1e-3)
    assert set(next(iter(readable["outputs"].values()))) == {"R", "CR"}
    assert facts["wild_type"] == WILD_TYPE


def saved(tmp_path: Path) -> Path:
    settings = study(LAC, FREE, {"kind": "continuous"}, inputs={"cAMP": 1.5})
    assay = assay_of(settings)
    path = tmp_path / "m.safetensors"
    save_assay_model(fitted(settings, assay), assay, path)
    return path


def test_one_altered_byte_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="damaged"):
        load_assay_model(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format 2, this version reads format 1"),
        ({"kind": "something"}, "no model of an assay"),
        ({"mechanism": {"kind": "latent"}}, "does not hold a whole model"),
        ({"mechanism": {"kind": "of the future"}}, "does not hold a whole model"),
        ({"wild_type": None}, "does not hold a whole model"),
        ({"length": None}, "does not hold a whole model"),
    ],
)
def test_what_this_version_cannot_read_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = saved(tmp_path)
    arrays, facts = read_state(path)
    write_state(path, arrays, facts | change)
    with pytest.raises(IntegrityError, match=words) as caught:
        load_assay_model(path)
    assert "m.safetensors" in caught.value.where


def test_missing_arrays_and_missing_file_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    arrays, facts = read_state(path)
    del arrays["constants"]
    write_state(path, arrays, facts)
    with pytest.raises(IntegrityError, match="does not hold a whole model"):
        load_assay_model(path)
    with pytest.raises(IntegrityError, match="no such file"):
        load_assay_model(tmp_path / "none.safetensors")


def test_a_model_that_is_not_fitted_is_not_saved(tmp_path: Path) -> None:
    settings = study(LAC, FREE, inputs={"cAMP": 1})
    with pytest.raises(ModelError, match="not fitted"):
        save_assay_model(
            AssayModel("m", settings.mechanisms["m"], settings.experiments),
            assay_of(settings),
            tmp_path / "m",
        )
    assert not (tmp_path / "m").exists()


# Predictions for new sequences


def test_new_sequences_are_predicted_as_rows_of_an_assay(tmp_path: Path) -> None:
    model = load_assay_model(saved(tmp_path))
    new = sequences(7, seed=5)
    found = predict_sequences(model, new, experiment="e1")
    rows = Experiment("e1", DNA.encode(new), {}, np.zeros(7, dtype=np.int8), {"cAMP": np.full(7, 1.5)})
    assert list(found["sequence"]) == new
    pd.testing.assert_frame_equal(
        found[["activity", "coordinate", "expected"]], model.predict(rows), check_exact=True
    )


@pytest.mark.parametrize("coordinate", ["logit", "log", "linear"])
def test_an_activity_is_the_mechanisms_own_and_a_coordinate_the_measurements(coordinate: str) -> None:
    """A promoter of one site: the activity is the Boltzmann weight of its bound state over the partition function."""
    one_site = {"kind": "thermodynamic", "sites": {"P": {"start": 2, "length": 4}}, "transcribes": ["P"]}
    settings = study(one_site, {"kind": "continuous", "coordinate": coordinate}, GATES)
    model = fitted(settings, assay_of(settings))
    with torch.no_grad():
        model.assembly.centre.copy_(torch.tensor([0.3, 0.0], dtype=torch.float64))
        model.assembly.spread.copy_(torch.tensor([2.5, 1.0], dtype=torch.float64))
    reader, codes = model.assembly.reader("P"), torch.as_tensor(DNA.encode(sequences(5)))
    weight = np.exp(-reader(codes[:, 2:6]).detach().numpy())
    expected = weight / (1 + weight)
    scaled = {"logit": np.log(weight), "log": np.log(expected), "linear": expected}[coordinate]
    one, other = (predict_sequences(model, sequences(5), experiment=name) for name in ("e0", "e1"))
    np.testing.assert_allclose(one["activity"], expected, rtol=1e-12)
    np.testing.assert_allclose(one["coordinate"], (scaled - 0.3) / 2.5, rtol=1e-12)
    np.testing.assert_allclose(other["coordinate"], np.log(expected), rtol=1e-12)
    np.testing.assert_array_equal(one["activity"], other["activity"])


def test_an_activity_is_the_one_that_sequences_are_designed_for() -> None:
    settings = study(LAC, FREE, inputs={"cAMP": 1.5})
    model = fitted(settings, assay_of(settings))
    designed = design_sequences(model, Goal(want="max"), WILD_TYPE, n=3).table
    predicted = predict_sequences(model, designed["sequence"].tolist())
    column = next(name for name in designed if name.startswith("activity in e0"))
    np.testing.assert_allclose(predicted["activity"], designed[column], rtol=1e-12)


def test_the_activity_of_a_map_is_its_trait() -> None:
    settings = study(MECHANISMS["additive"], {"kind": "continuous"})
    model = fitted(settings, assay_of(settings))
    trait = next(reader for _, reader in model.assembly.readers())(torch.as_tensor(DNA.encode(sequences(4))))
    found = predict_sequences(model, sequences(4))
    np.testing.assert_allclose(found["activity"], trait.detach(), rtol=1e-12)
    centre, spread = (float(values[0]) for values in (model.assembly.centre, model.assembly.spread))
    np.testing.assert_allclose(found["coordinate"], (found["activity"] - centre) / spread, rtol=1e-12)


def test_an_input_changes_what_is_predicted(tmp_path: Path) -> None:
    model = load_assay_model(saved(tmp_path))
    new = sequences(3)
    one = predict_sequences(model, new, experiment="e1", inputs={"cAMP": 3.0})
    each = predict_sequences(model, new, experiment="e1", inputs={"cAMP": [3.0, 1.5, 3.0]})
    default = predict_sequences(model, new, experiment="e1")
    assert each["activity"].tolist() == [one["activity"][0], default["activity"][1], one["activity"][2]]
    assert (one["activity"] != default["activity"]).all()


@pytest.mark.parametrize(
    ("new", "more", "kind", "words"),
    [
        (["ACGU" * 3], {"experiment": "e0"}, DataError, "outside the alphabet"),
        ([WILD_TYPE, "ACGT"], {"experiment": "e0"}, DataError, "4 letters, the model was fitted to 12"),
        ([WILD_TYPE + "A"], {"experiment": "e0"}, DataError, "13 letters"),
        ([], {"experiment": "e0"}, DataError, "no sequences"),
        ([WILD_TYPE], {}, ModelError, "which experiment"),
        ([WILD_TYPE], {"experiment": "e9"}, ModelError, "no experiment 'e9'"),
        ([WILD_TYPE], {"experiment": "e0", "inputs": {"camp": 1}}, ModelError, "takes no input 'camp'"),
        ([WILD_TYPE], {"experiment": "e0", "inputs": {"cAMP": -1}}, DataError, "negative"),
        ([WILD_TYPE], {"experiment": "e0", "inputs": {"cAMP": [1, 2]}}, DataError, "shape"),
    ],
)
def test_what_cannot_be_predicted_says_why(
    tmp_path: Path, new: list[str], more: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        predict_sequences(load_assay_model(saved(tmp_path)), new, **more)


def test_inputs_that_are_columns_or_fitted(tmp_path: Path) -> None:
    settings = study(LAC, FREE, FREE, inputs={"cAMP": "dose"})
    second = settings.experiments["e1"].model_copy(update={"inputs": {"cAMP": "fit"}})
    settings = settings.model_copy(update={"experiments": {**settings.experiments, "e1": second}})
    assay = assay_of(settings)
    save_assay_model(fitted(settings, assay), assay, tmp_path / "m.safetensors")
    model = load_assay_model(tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match="input 'cAMP' is missing"):
        predict_sequences(model, [WILD_TYPE], experiment="e0")
    with pytest.raises(ModelError, match="takes no input 'cAMP'") as caught:
        predict_sequences(model, [WILD_TYPE], experiment="e1", inputs={"cAMP": 1})
    assert "estimated" in caught.value.why
    assert len(predict_sequences(model, [WILD_TYPE], experiment="e1")) == 1


def test_frame_of_an_assay_makes_an_empty_one_like_it() -> None:
    settings = study(LAC, FREE, inputs={"cAMP": "dose"})
    assay = assay_of(settings)
    frame = Frame.of(assay)
    empty = frame.empty(settings.experiments)
    assert Frame.of(empty) == frame
    assert empty.experiments[0].recorded["counts"].shape == (0, 3)
    np.testing.assert_array_equal(empty.wild_type, assay.wild_type)
