"""Maps from sequence to one latent number, without a mechanism: how much each says of what was measured.

    python benchmarks/sequence_maps.py [DATA] [--data-set mpsa] [--maps pairwise network] [--seed 0]
    python benchmarks/sequence_maps.py --mavenn FOLDER/mavenn/bin/python    # MAVE-NN beside
    python benchmarks/sequence_maps.py --score CSV ...    # what peers/mavenn_fit.py --predictions wrote

and the other way round: `--predictions FOLDER` writes the test rows that `peers/mavenn_fit.py --score` reads.

DATA is the folder with `cisreg/`; by default $PAJAMO_DEV_DATA or ../shared/data. MPSA (splicing, RNA, log10 PSI) and
amyloid (nucleation, protein) are seen through global epistasis, Sort-Seq through free bins. The splits are the data
sets' own; settings were chosen on the validation sets. With --refit a map, once validation has chosen its fit, learns
from the training and validation rows together (test figures and seconds are then of that fit, those of validation of
the fit that was chosen); that this helps was found on folds of these rows, never on the test set.
Published: Tareen et al. 2022, Genome Biol. 23:98.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import add_data, machine, print_table
from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.evaluation.information.estimate import InformationEstimate
from pajamo.evaluation.information.mutual import information_about_reads, information_about_values
from pajamo.models.assays.ladder import rung
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.refit import refit_assay
from pajamo.training.assays.report import FitReport

CONTINUOUS = {"kind": "continuous", "nonlinearity": "tanh", "noise": "skewed-t", "heteroskedastic": 2}
# The noise of log10 PSI changes more with its mean than a parabola can: order 4 is better on the validation set.
SPLICING = {**CONTINUOUS, "heteroskedastic": 4}
BINS = {"kind": "bins", "columns": [f"ct_{number}" for number in range(10)]}
DATA_SETS: dict[str, dict[str, Any]] = {
    "mpsa": {"alphabet": "rna", "measurement": SPLICING},
    "amyloid": {"alphabet": "protein*", "measurement": CONTINUOUS},
    "sortseq": {"alphabet": "dna", "measurement": BINS},
}
PUBLISHED = {
    ("mpsa", "additive"): 0.262,
    ("mpsa", "neighbour"): 0.333,
    ("mpsa", "pairwise"): 0.367,
    ("mpsa", "network"): 0.489,
    ("amyloid", "additive"): 1.187,
    ("sortseq", "additive"): 0.658,
}
MAPS = ("additive", "neighbour", "pairwise", "network", "convolution")


def study(data: Path, name: str) -> AssayStudy:
    """One data set of the development data."""
    chosen = DATA_SETS[name]
    path = data / "cisreg" / f"mavenn_{name}.csv.gz"
    experiment = {"path": str(path), "split": "set", "measurement": chosen["measurement"]}
    return parse_assay_study(
        {"name": name, "alphabet": chosen["alphabet"], "experiments": {name: experiment}}
    )


def fit(asked: AssayStudy, assay: Assay, encoder: str, seed: int) -> tuple[AssayModel, FitReport]:
    """A map of the ladder, fitted as a run does."""
    model = AssayModel(encoder, rung(encoder).mechanism, asked.experiments, seed=seed)
    return model, fit_assay(model, assay)


def information(model: AssayModel, assay: Assay, part: str) -> InformationEstimate:
    """What the latent number says of what was measured (I_pred), in bits."""
    experiment = assay.part(part).experiments[0]
    predicted = model.coordinate(experiment)
    if "counts" in experiment.recorded:
        return information_about_reads(predicted, experiment.recorded["counts"])
    return information_about_values(predicted, experiment.recorded["value"])


def validation_nats(model: AssayModel, assay: Assay) -> float:
    """Minus the log-likelihood of a validation row."""
    return -float(model.log_likelihood(assay.part("validation").experiments[0]).mean())


def save_predictions(folder: Path, model: AssayModel, assay: Assay) -> None:
    """The latent number of each test row beside what was measured, for scoring by other estimators."""
    experiment = assay.part("test").experiments[0]
    recorded = experiment.recorded
    table = pd.DataFrame({"phi": model.coordinate(experiment)})
    if "counts" in recorded:
        table[[f"ct_{number}" for number in range(recorded["counts"].shape[1])]] = recorded["counts"]
    else:
        table["y"] = recorded["value"]
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{experiment.name}-{model.name}.csv", index=False)


def row(asked: AssayStudy, assay: Assay, encoder: str, options: argparse.Namespace) -> dict[str, object]:
    """Fit one map, and what it says of the sets that it did not learn from."""
    began = time.process_time()
    model, report = fit(asked, assay, encoder, options.seed)
    seconds = time.process_time() - began
    validation, nats = information(model, assay, "validation"), validation_nats(model, assay)
    if options.refit:
        report = refit_assay(model, assay, report)
        seconds = report.cpu_seconds
    if options.predictions:
        save_predictions(options.predictions, model, assay)
    test = information(model, assay, "test")
    return {
        "data": asked.name,
        "map": encoder,
        "parameters": sum(parameter.numel() for parameter in model.assembly.parameters()),
        "validation nats": nats,
        "validation bits": validation.bits,
        "test bits": test.bits,
        "+-": test.standard_error,
        "published": PUBLISHED.get((asked.name, encoder), np.nan),
        "steps": report.steps,
        "learned from": "training, validation" if report.refitted else "training",
        "CPU s": seconds,
    }


def peer_row(interpreter: Path, data: Path, name: str, encoder: str, seed: int) -> dict[str, object] | None:
    """MAVE-NN's own map of the same rows, fitted in its environment and scored as ours; None if it has none."""
    task = f"{name}-{encoder.replace('neighbour', 'neighbor')}"
    script = Path(__file__).parent / "peers" / "mavenn_fit.py"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"{task}.csv"
        command = [
            interpreter,
            script,
            "--task",
            task,
            "--data",
            data,
            "--seed",
            str(seed),
            "--predictions",
            place,
        ]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{task}: MAVE-NN gave nothing: {done.stderr.strip().splitlines()[-1:]}", flush=True)
            return None
        test = scored(pd.read_csv(place))
    said = json.loads(done.stdout.splitlines()[-1])
    return {
        "data": name,
        "map": f"{encoder}, {said['peer']}",
        "test bits": test.bits,
        "+-": test.standard_error,
        "steps": said["epochs"],
        "learned from": "training",
        "CPU s": said.get("fit_cpu_seconds", np.nan),
    }


def scored(table: pd.DataFrame) -> InformationEstimate:
    """I_pred of a peer's predictions for the test rows."""
    predicted = table["phi"].to_numpy(dtype=float)
    if "y" in table:
        return information_about_values(predicted, table["y"].to_numpy(dtype=float))
    return information_about_reads(predicted, table.filter(regex=r"^ct_").to_numpy(dtype=float))


def main() -> None:
    """Print one row a data set and map."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--data-set", nargs="+", choices=DATA_SETS, default=["mpsa", "amyloid", "sortseq"])
    parser.add_argument("--maps", nargs="+", choices=MAPS, help="by default those with a published figure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--refit", action="store_true", help="learn from the validation rows too, once chosen"
    )
    parser.add_argument(
        "--predictions", type=Path, help="folder for a table a map: phi and y, or phi and ct_*"
    )
    parser.add_argument(
        "--score", nargs="+", type=Path, help="tables with columns phi and y, or phi and ct_*"
    )
    parser.add_argument(
        "--mavenn", type=Path, help="interpreter of MAVE-NN's environment: run it side by side"
    )
    arguments = parser.parse_args()
    if arguments.score:
        for file in arguments.score:
            print(file.name, scored(pd.read_csv(file)))
        return
    print(machine())
    rows = []
    for name in arguments.data_set:
        asked = study(arguments.data, name)
        assay = read_assay(asked)
        for encoder in arguments.maps or [e for d, e in PUBLISHED if d == name]:
            rows.append(row(asked, assay, encoder, arguments))
            print(rows[-1], flush=True)
            peer = arguments.mavenn and peer_row(
                arguments.mavenn, arguments.data, name, encoder, arguments.seed
            )
            rows += [peer] if peer else []
    forms = {"CPU s": ".1f", "validation nats": ".4f"} | dict.fromkeys(
        ("validation bits", "test bits", "+-", "published"), ".3f"
    )
    print_table("I_pred between the latent number and what was measured", pd.DataFrame(rows), forms)


if __name__ == "__main__":
    main()
