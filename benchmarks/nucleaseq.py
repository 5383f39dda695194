"""Cleavage rates of one guide predicted from another: R-loop, windowed networks found by search, additive maps.

    python benchmarks/nucleaseq.py [DATA] [--evaluations 0] [--peer CSV ...]

DATA is the folder with `kinetics/`; by default $PAJAMO_DEV_DATA or ../shared/data. NucleaSeq (Jones et al. 2021, Nat
Biotechnol 39, 84), wild-type Cas9, unique targets of two guides. Each model learns from one guide alone (fits,
starts, search: everything) and predicts the other; figures are Pearson correlations of log10 k, readings and
predictions beyond the limit of 1e-5 /s set to it. "NGG" are targets of 23 letters whose PAM is NGG. --evaluations
adds an ensemble of windowed networks found by so many evaluations; --peer reads tables with columns guide, target,
log10_k. A second table says how many readings of the other guide the intervals of a prediction hold, with and without
what refits of the training guide say that a new guide adds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import add_data, machine, print_table
from pajamo.config.assays import AssayStudy, SearchSettings, parse_assay_study
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.evaluation.pairs.covering import rate_coverage
from pajamo.explanations.assays.information import information
from pajamo.explanations.pairs.unseen import output_variance, unseen_guides
from pajamo.explanations.pairs.widening import Widening
from pajamo.measurements.scalar.standard import DEGREES
from pajamo.models.assays.model import AssayModel
from pajamo.search.declaring import space_of
from pajamo.search.executing import Here
from pajamo.search.loop import search
from pajamo.search.posterior import best
from pajamo.search.record import Record
from pajamo.search.rewarding import Task
from pajamo.training.assays.fit import fit_assay

LIMIT = -5.0
SHOWN = (0.5, 0.9)
MEMBERS = 12
FILE = "kinetics/nucleaseq_wtcas9_unique.csv.gz"
PUBLISHED = "Elektrum, choosing on the test guide: .858 / .838"
MODELS: dict[str, dict[str, Any]] = {
    "additive": {"kind": "latent", "reads": {"encoder": "additive", "sd": 1.0}},
    "shared along the guide": {
        "kind": "latent",
        "reads": {"encoder": "profile", "changes": "kind", "sd": 2.0},
    },
    "r-loop": {"kind": "r-loop"},
}


def study(path: Path, test: str, noise: str = "student") -> AssayStudy:
    """Everything but the test guide is for learning."""
    experiment = {
        "path": str(path),
        "pairs": {"guide": "on_target", "target": "sequence"},
        "output": "cleavage",
        "measurement": {"kind": "rate", "value": "log10_k", "lower": LIMIT, "noise": noise},
    }
    return parse_assay_study(
        {
            "name": "nucleaseq",
            "alphabet": "guide-target",
            "holdout": [0.0, 0.0],
            "test_guides": [test],
            "experiments": {"wt": experiment},
            "mechanisms": MODELS,
        }
    )


def scored(predicted: np.ndarray, value: np.ndarray, chosen: np.ndarray) -> float:
    """Pearson correlation of some rows, predictions beyond the limit set to it."""
    said = np.maximum(predicted, LIMIT)
    return float(np.corrcoef(said[chosen], value[chosen])[0, 1])


def reading(model: AssayModel, assay: Assay) -> np.ndarray:
    """log10 of the rate as it would be written down."""
    import torch

    rows = assay.experiments[0]
    activity = torch.as_tensor(model.coordinate(rows))
    with torch.no_grad():
        return model.assembly.measurement(rows.name).expected_recorded(activity).numpy()


def covered(model: AssayModel, assay: Assay) -> dict[str, float]:
    """How many readings of the other guide intervals hold: those of the fit alone, and widened for a new guide."""
    pairs, found = assay.part("test").experiments[0], information(model, assay)
    table = unseen_guides(model, assay)
    added = Widening.of(table, assay).added(pairs, assay.alphabet.missing)
    own = output_variance(model, found, pairs)
    said = model.predict(pairs)["expected"].to_numpy()
    scale = float(model.assembly.measurement(pairs.name).log_scale.detach().exp())
    rows = {}
    for name, variance in (("fit", own), ("new guide", own + added)):
        made = rate_coverage(
            said, np.sqrt(variance) / np.log(10), pairs.recorded["value"], pairs.recorded["censored"],
            scale=scale, degrees=DEGREES, levels=SHOWN,
        )  # fmt: skip
        rows |= {f"{level:.0%}, {name}": held for level, held in zip(SHOWN, made["coverage"], strict=True)}
    return rows | {"sd added": table["sd"].item() / np.log(10)}


def of_ensemble(asked: AssayStudy, assay: Assay, evaluations: int, folder: Path) -> np.ndarray:
    """The mean of twelve networks whose schemes and windows were found by search inside the training guide."""
    settings = SearchSettings(cycles=(4, 5, 6), evaluations=evaluations, generation=24, members=MEMBERS)
    learned = assay.part("training")
    task = Task(asked, space_of(asked, settings, assay.length), learned, settings)
    record = Record(folder / f"{asked.test_guides[0]}-{evaluations}.jsonl")
    found = search(task, record, Here(), lambda line: print(line, flush=True))
    said = []
    for one in best(found, settings.members):
        model = AssayModel("member", task.space.settings(one.candidate), asked.experiments)
        fit_assay(model, learned, starts=1)
        said.append(reading(model, assay.part("test")))
    return np.mean(said, axis=0)


def main() -> None:
    """Print one row a model and direction."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--evaluations", type=int, default=0)
    parser.add_argument(
        "--folder", type=Path, default=Path("runs"), help="where the searches' records are kept"
    )
    parser.add_argument("--peer", nargs="*", type=Path, default=[])
    arguments = parser.parse_args()
    print(machine())
    path = arguments.data / FILE
    table = pd.read_csv(path)
    guides = list(table["on_target"].unique())
    rows, intervals = [], []
    for test in reversed(guides):
        asked = study(path, test)
        assay = read_assay(asked)
        own = table[table["on_target"] == test]
        value = own["log10_k"].to_numpy()
        assert np.allclose(np.maximum(value, LIMIT), assay.part("test").experiments[0].recorded["value"])
        strict = (own["sequence"].str.len() == 23) & own["sequence"].str.endswith("GG")
        parts = {"r": np.ones(len(own), dtype=bool), "r of NGG": strict.to_numpy()}
        direction = "1 -> 2" if test == guides[1] else "2 -> 1"
        for name, mechanism in asked.mechanisms.items():
            began = time.process_time()
            model = AssayModel(name, mechanism, asked.experiments)
            report = fit_assay(model, assay, starts=1)
            took = time.process_time() - began
            said = reading(model, assay.part("test"))
            held = {key: scored(said, value, chosen) for key, chosen in parts.items()}
            intervals.append({"model": name, "direction": direction, **covered(model, assay)})
            rows.append(
                {
                    "model": name,
                    "direction": direction,
                    **held,
                    "left, nats": report.gap,
                    "CPU s": took,
                }
            )
            print(rows[-1], flush=True)
        if arguments.evaluations:
            began = time.process_time()
            arguments.folder.mkdir(exist_ok=True)
            said = of_ensemble(asked, assay, arguments.evaluations, arguments.folder)
            held = {key: scored(said, value, chosen) for key, chosen in parts.items()}
            rows.append(
                {
                    "model": "windows by search, 12 averaged",
                    "direction": direction,
                    **held,
                    "CPU s": time.process_time() - began,
                }
            )
        for peer in arguments.peer:
            rows.append(
                {
                    "model": peer.stem,
                    "direction": "guide " + ("2" if test == guides[1] else "1"),
                    **_of_peer(peer, own),
                }
            )
    print_table(
        f"Rates of a guide that was not learned from ({PUBLISHED})",
        pd.DataFrame(rows),
        {"r": ".3f", "r of NGG": ".3f", "left, nats": ".1g", "CPU s": ".1f"},
    )
    shown = pd.DataFrame(intervals)
    print_table(
        "Share of readings of the other guide within 50 and 90 % intervals, before and after these know of it",
        shown,
        dict.fromkeys(shown.columns[2:], ".3f"),
    )


def _of_peer(path: Path, own: pd.DataFrame) -> dict[str, float]:
    """A peer's predictions for those targets that it gives; the same clip."""
    said = pd.read_csv(path).set_index("target")["log10_k"]
    shared = own[own["sequence"].isin(said.index)]
    predicted = said.loc[shared["sequence"]].to_numpy()
    return {"r of NGG": scored(predicted, shared["log10_k"].to_numpy(), np.ones(len(shared), dtype=bool))}


if __name__ == "__main__":
    main()
