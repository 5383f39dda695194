"""Maps from sequence to one latent number, without a mechanism: how much each says of what was measured.

    python benchmarks/sequence_maps.py [DATA] [--data-set mpsa] [--maps pairwise network] [--seed 0]
    python benchmarks/sequence_maps.py --score CSV ...    # what peers/mavenn_fit.py --predictions wrote

DATA is the folder with `cisreg/`; by default $PAJAMO_DEV_DATA or ../shared/data. MPSA (splicing, RNA, log10 PSI) and
amyloid (nucleation, protein) are seen through global epistasis, Sort-Seq through free bins. The splits are the data
sets' own; settings were chosen on the validation sets. Published: Tareen et al. 2022, Genome Biol. 23:98.
"""

from __future__ import annotations

import argparse
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


def row(asked: AssayStudy, assay: Assay, encoder: str, seed: int) -> dict[str, object]:
    """Fit one map, and what it says of the sets that it did not learn from."""
    began = time.process_time()
    model, report = fit(asked, assay, encoder, seed)
    seconds = time.process_time() - began
    validation, test = (information(model, assay, part) for part in ("validation", "test"))
    return {
        "data": asked.name,
        "map": encoder,
        "parameters": sum(parameter.numel() for parameter in model.assembly.parameters()),
        "validation nats": -model.log_likelihood(assay.part("validation").experiments[0]).mean(),
        "validation bits": validation.bits,
        "test bits": test.bits,
        "+-": test.standard_error,
        "published": PUBLISHED.get((asked.name, encoder), np.nan),
        "steps": report.steps,
        "CPU s": seconds,
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
        "--score", nargs="+", type=Path, help="tables with columns phi and y, or phi and ct_*"
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
            rows.append(row(asked, assay, encoder, arguments.seed))
            print(rows[-1], flush=True)
    forms = {"CPU s": ".1f", "validation nats": ".4f"} | dict.fromkeys(
        ("validation bits", "test bits", "+-", "published"), ".3f"
    )
    print_table("I_pred between the latent number and what was measured", pd.DataFrame(rows), forms)


if __name__ == "__main__":
    main()
