from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from markupsafe import Markup
from matplotlib.figure import Figure

from pajamo.config.assays import declare, parse_assay_study
from pajamo.data.assays.alphabet import Alphabet
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.models.assays.model import AssayModel
from pajamo.reports.assays.sections import footprints, matrices, mechanism, models, prediction, uncertainty
from pajamo.reports.figures.theme import png
from pajamo.training.assays.saved import save_assay_model

WILD_TYPE = "ACGTACGTACGTAC"
EXPERIMENT = "sorted"
PROMOTER = {
    "sites": {"CRP": {"start": 1, "length": 5}, "RNAP": {"start": 8, "length": 6}},
    "interactions": {"CRP+RNAP": {}},
    "transcribes": ["RNAP"],
}


@pytest.fixture
def drawn() -> Callable[[Callable[[], Figure]], Figure]:
    """Draw a figure as the page does, warnings being errors, and hand it over for inspection."""

    def draw(make: Callable[[], Figure]) -> Figure:
        made: list[Figure] = []
        png(lambda: made.append(make()) or made[0], dpi=30)
        return made[0]

    return draw


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave pictures out of pages whose words are tested: they take most of the time."""
    for module in (footprints, matrices, mechanism, models, prediction, uncertainty):
        monkeypatch.setattr(module, "svg", lambda name, make: Markup("<svg></svg>"))


def sorted_reads(rng: np.random.Generator, rows: int) -> Experiment:
    codes = np.tile(Alphabet("ACGT").encode([WILD_TYPE])[0], (rows, 1))
    mutated = rng.random(codes.shape) < 0.2
    codes[mutated] = rng.integers(0, 4, mutated.sum())
    counts = rng.integers(0, 4, (rows, 4)).astype(float)
    counts[:, 0] += 1
    return Experiment(EXPERIMENT, codes, {"counts": counts}, np.arange(rows) % 3)


@pytest.fixture
def assay() -> Assay:
    alphabet = Alphabet("ACGT")
    return Assay(alphabet, alphabet.encode([WILD_TYPE])[0], (sorted_reads(np.random.default_rng(3), 120),))


@pytest.fixture
def promoter(assay: Assay) -> AssayModel:
    """Two sites that attract each other, with random energies."""
    return a_model("promoter", declare("thermodynamic", **PROMOTER), assay)


def a_model(name: str, mechanism: object, assay: Assay) -> AssayModel:
    bins = {"kind": "bins", "columns": ["a", "b", "c", "d"], "knots": 6}
    experiments = {EXPERIMENT: {"path": "reads.csv", "measurement": bins}}
    study = parse_assay_study({"name": "x", "experiments": experiments})
    model = AssayModel(name, mechanism, study.experiments)  # type: ignore[arg-type]
    assembly = model.build(assay)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for _, reader in assembly.readers():
            reader.randomise(generator)
        assembly.constants.fill_(-1.5)
        for values in assembly.measurements.parameters():
            values.normal_(generator=generator)
    return model


@pytest.fixture
def folder(tmp_path: Path, assay: Assay, promoter: AssayModel) -> Path:
    """A run's folder as small as can be, with every table that a run may leave."""
    baseline = a_model("additive", declare("latent"), assay)
    for model in (promoter, baseline):
        save_assay_model(model, assay, tmp_path / "models" / f"{model.name}.safetensors")
        write_predictions(model, assay, tmp_path)
    write_facts(tmp_path)
    write_tables(tmp_path)
    return tmp_path


def write_predictions(model: AssayModel, assay: Assay, folder: Path) -> None:
    test = assay.experiment(EXPERIMENT).part("test")
    counts = test.recorded["counts"]
    table = model.predict(test).assign(
        experiment=EXPERIMENT,
        sequence=assay.alphabet.decode(test.codes),
        set="test",
        measured=counts @ np.arange(1, 5) / counts.sum(axis=1),
        observations=counts.sum(axis=1),
        log_likelihood=model.log_likelihood(test),
    )
    (folder / "predictions").mkdir(exist_ok=True)
    table.to_csv(folder / "predictions" / f"{model.name}.csv.gz", index=False)


def write_facts(folder: Path) -> None:
    verdict = {
        "sentence": "On the test set, promoter beats the best baseline, additive, by 0.07 bits per observation.",
        "model": "promoter", "baseline": "additive", "improvement": 0.07, "low": 0.05, "high": 0.09,
        "outcome": "beats", "ceiling": "", "set_name": "test", "experiments": [EXPERIMENT], "rows": 30,
        "observations": 200,
    }  # fmt: skip
    models = [
        {
            "name": "additive",
            "kind": "baseline",
            "title": "letters alone",
            "reference": "",
            "limits": "no unit",
        },
        {"name": "promoter", "kind": "mechanism", "title": "two sites", "frame": "One of 2 frames."},
    ]
    about = {
        "kind": "assay", "title": "a small promoter", "alphabet": "ACGT", "wild_type": WILD_TYPE,
        "wild_type_given": False, "level": 0.9, "scored_set": "test",
        "models": [m | {"files": [f"models/{m['name']}.safetensors"], "verdicts": ["converged"]} for m in models],
        "experiments": [
            {"name": EXPERIMENT, "source": "reads.csv", "measurement": "bins", "rows": 90, "sha256": "ab"}
        ],
        "refusals": {"network": "too few rows"}, "provenance": {"seed": "0", "pajamo": "0.1"},
        "notes": ["Nothing else."],
    }  # fmt: skip
    (folder / "verdict.json").write_text(json.dumps(verdict))
    (folder / "about.json").write_text(json.dumps(about))
    (folder / "study.toml").write_text('name = "small"\n')


def write_tables(folder: Path) -> None:
    for name, table in {**scores(), **estimates(), **of_positions()}.items():
        table.to_csv(folder / f"{name}.csv", index=False)


def scores() -> dict[str, pd.DataFrame]:
    rows = [
        {
            "model": model, "kind": kind, "experiment": EXPERIMENT, "set": "test", "metric": metric, "value": value,
            "low": value - 0.05, "high": value + 0.05, "unit": unit, "rows": 30, "observations": 200.0, "note": "",
            "best_baseline": "additive", "difference": 0.07 * (kind == "mechanism"),
            "difference_low": 0.05 * (kind == "mechanism"), "difference_high": 0.09 * (kind == "mechanism"),
        }
        for model, kind, more in (("additive", "baseline", 0.0), ("promoter", "mechanism", 0.07))
        for metric, value, unit in (
            ("log_likelihood", -1.2 + more, "nats per observation"),
            ("I_var", 0.5 + more, "bits"),
            ("I_pred", 0.55 + more, "bits"),
        )
    ]  # fmt: skip
    fits = [
        {
            "model": model, "kind": kind, "fit": model, "parameters": 80, "converged": "yes", "gap": 1e-4,
            "objective": 100.0, "steps": 9, "starts": 4, "best_start": 1.2, "worst_start": 1.4, "cpu_seconds": 2.0,
            "verdict": "converged",
        }
        for model, kind in (("additive", "baseline"), ("promoter", "mechanism"))
    ]  # fmt: skip
    intrinsic = pd.DataFrame(
        {
            "experiment": EXPERIMENT,
            "set": "test",
            "bound": ["lower", "upper"],
            "value": [0.7, np.nan],
            "low": [0.65, np.nan],
            "high": [0.75, np.nan],
            "meaning": ["what the bins of two reads share", "entropy less that of the noise"],
            "note": ["", "what a sorter adds to the noise cannot be known"],
        }
    )
    counts = {"experiment": [EXPERIMENT] * 3, "set": ["training", "validation", "test"], "rows": [30, 30, 30]}
    tables = {"summary": pd.DataFrame(rows), "fits": pd.DataFrame(fits), "split_counts": pd.DataFrame(counts)}
    return tables | {"intrinsic": intrinsic}


def estimates() -> dict[str, pd.DataFrame]:
    parameters = pd.DataFrame(
        {
            "quantity": ["interaction energy", "binding energy of the wild type"],
            "of": ["CRP+RNAP", "RNAP"],
            "value": [-2.6, -7.5],
            "unit": "kcal/mol",
            "low": [-np.inf, -18.0],
            "high": [-1.6, 2.9],
            "level": 0.9,
            "method": ["profile", "Laplace"],
            "value_kT": [-4.2, -12.2],
            "verdict": ["only its upper end is set", "held by its prior (95 % of its variance)"],
            "model": "promoter",
        }
    )
    values = np.linspace(-6, 0, 9)
    profile = pd.DataFrame(
        {
            "value": values,
            "drop": np.maximum(values + 2.6, 0) ** 2,
            "converged": values > -5,
            "quantity": "CRP+RNAP",
        }
    ).assign(unit="kcal/mol", model="promoter", gained=0.0)
    states = pd.DataFrame(
        {"state": ["free", "CRP", "RNAP", "CRP+RNAP"], "energy": [0.0, 1.3, -0.4, -1.1], "rate": [0, 0, 1, 1]}
    )
    weights = np.exp(-states["energy"] / 0.616)
    states = states.assign(occupancy=weights / weights.sum(), experiment=EXPERIMENT, model="promoter")
    sloppy = pd.DataFrame(
        {"information": [1.0], "determined": [0.0], "moves": ["level of RNAP"], "model": ["promoter"]}
    )
    compared = pd.DataFrame(
        {"model": ["promoter", "additive"], "held_out": [-1.1, -1.2], "difference": [0.0, -0.1]}
    )
    return {
        "parameters": parameters, "profiles": profile, "states": states, "sloppy_directions": sloppy,
        "comparison": compared,
    }  # fmt: skip


def of_positions() -> dict[str, pd.DataFrame]:
    letters = ["mutated", *"ACGT"]
    index = pd.MultiIndex.from_product([range(len(WILD_TYPE)), letters], names=["position", "comparison"])
    table = index.to_frame(index=False)
    table["wild_type"] = [WILD_TYPE[place] for place in table["position"]]
    footprint = table.assign(bits=0.01, standard_error=0.001, chance=0.002, experiment=EXPERIMENT)
    # Letter G never occurs at position 1, which CRP's site begins with.
    footprint.loc[(footprint["position"] == 1) & (footprint["comparison"] == "G"), "bits"] = np.nan
    shifts = table[table["comparison"] != table["wild_type"]]
    return {
        "footprints": footprint,
        "shifts": shifts.assign(shift=-0.3, standard_error=0.1, experiment=EXPERIMENT),
    }
