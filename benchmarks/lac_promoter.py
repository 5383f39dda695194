"""The lac promoter's four states from random starts: convergence, information, matrices, and what is known of dG_I.

    python benchmarks/lac_promoter.py [DATA] [--seeds 6] [--only starts|epochs|profiles] [--mavenn PYTHON]

The declaration and the reads are those that ship (studies/lac-promoter.toml: Kinney et al. 2010, full-wt, with
MAVE-NN's split and, as MAVE-NN does, the unsorted library taken for a tenth bin). DATA is the folder with
`cisreg/*_tau_final_all.*.txt`, Kinney's matrices; by default $PAJAMO_DEV_DATA or ../shared/data. With --mavenn, the
interpreter of MAVE-NN's own environment, MAVE-NN fits its additive map side by side (its four-state map does not run
on current Keras). Published: Tareen et al. 2022, Genome Biol. 23:98; Tareen and Kinney 2019, arXiv 2001.03560.

The third part asks which statement about the CRP-RNAP interaction energy the data alone support: profiles from
different starts, then under instruments that are tied to the activity in different ways.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from common import ROOT, add_data, machine, print_table
from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.evaluation.information.metrics import predictive_information, variational_information
from pajamo.explanations.assays.canonical import canonical
from pajamo.explanations.assays.profile import Profile, profile
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.adam import fit_by_epochs
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.report import FitReport
from pajamo.training.assays.starts import lay_over

MECHANISM, INTERACTION = "four-state", "CRP+RNAP"
STARTS = 4
MATRICES = {"CRP": "crp_tau_final_all.26.txt", "RNAP": "rnap_tau_final_all.41.txt"}
PROFILED_SEEDS = (0, 1, 2)
EPOCHS_TIMED = 3


def declared() -> AssayStudy:
    """The shipped study."""
    return parse_assay_study(tomllib.loads((ROOT / "studies" / "lac-promoter.toml").read_text()))


def fitted(study: AssayStudy, assay: Assay, seed: int) -> tuple[AssayModel, FitReport]:
    """The four states from random starts, in the physical frame."""
    model = AssayModel(MECHANISM, study.mechanisms[MECHANISM], study.experiments, seed=seed)
    report = fit_assay(model, assay, starts=STARTS)
    return canonical(model, assay).model, report


def interaction(model: AssayModel) -> float:
    """The interaction energy, kcal/mol."""
    assembly = model.assembly
    names = [assembly.blueprint.terms[place].name for place in assembly.constant_terms]
    return float(assembly.constants[names.index(INTERACTION)].detach()) * assembly.blueprint.kT


def agreement(model: AssayModel, folder: Path) -> dict[str, float]:
    """Correlation with Kinney's matrices, each position's mean taken away."""
    found = {}
    for site, file in MATRICES.items():
        theirs = np.genfromtxt(folder / file, skip_header=1)[:, 1:5]
        ours = model.assembly.reader(site).matrix.detach().numpy()
        pair = [matrix - matrix.mean(axis=1, keepdims=True) for matrix in (ours, theirs)]
        found[f"r {site}"] = float(np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1])
    return found


def judged(model: AssayModel, assay: Assay) -> dict[str, float]:
    """Information of the test set, bits a read."""
    test = assay.part("test").experiments[0]
    counts = test.recorded["counts"]
    variational = variational_information(-model.log_likelihood(test) / counts.sum(axis=1), counts)
    predictive = predictive_information(model.coordinate(test), counts)
    return {
        "I_var": variational.bits,
        "+-": variational.standard_error,
        "I_pred": predictive.bits,
        "+- ": predictive.standard_error,
    }


def starts(
    study: AssayStudy, assay: Assay, folder: Path, seeds: int
) -> tuple[pd.DataFrame, list[AssayModel]]:
    """One row a seed."""
    rows, models = [], []
    for seed in range(seeds):
        model, report = fitted(study, assay, seed)
        measured = judged(model, assay) | {"dG_I": interaction(model)} | agreement(model, folder)
        how = {"CPU s": report.cpu_seconds, "objective": report.objective, "gap": report.gap}
        rows.append({"seed": seed, **how, "converged": report.converged, **measured})
        models.append(model)
        print(rows[-1], flush=True)
    return pd.DataFrame(rows), models


def epochs(study: AssayStudy, assay: Assay) -> pd.DataFrame:
    """CPU-seconds of a pass of Adam over the training set, at two sizes of batches."""
    rows = []
    for batch in (1024, 100):
        model = AssayModel(MECHANISM, study.mechanisms[MECHANISM], study.experiments)
        training = rows_of(assay.part("training"))
        assembly = model.build(assay.part("training"))
        for _, reader in assembly.readers():
            reader.randomise(torch.Generator().manual_seed(0))
        lay_over(assembly, training)
        times = []
        for _ in range(EPOCHS_TIMED):
            began = time.process_time()
            fit_by_epochs(assembly, training, epochs=1, batch=batch)
            times.append(time.process_time() - began)
        rows.append({"batch": batch, "CPU s an epoch": min(times), "rows": len(training[0])})
    return pd.DataFrame(rows)


class TiedBins(FreeBins):
    """Free bins whose curves are functions of the activity itself, with knots that stay where they were laid.

    Energies can then stretch the activity against the curves' smoothness, which the product's normalised activity
    rules out.
    """

    normalised = False
    ends = (-6.0, 4.0)

    def start(self, activity: Tensor, recorded: dict[str, Tensor]) -> None:
        """The level of each bin, and the grid where it is declared."""
        super().start(activity, recorded)
        self.span = torch.tensor(self.ends, dtype=torch.float64)

    def follow(self, activity: Tensor) -> None:
        """Stay."""
        del activity


@dataclass(frozen=True)
class Variant:
    """A way to see the activity: `make` gives the instrument for so many bins."""

    name: str
    make: Callable[[int], FreeBins]


def tied(knots: int, roughness: float, ends: tuple[float, float]) -> Callable[[int], FreeBins]:
    """Curves of the activity itself."""

    def make(bins: int) -> FreeBins:
        made = TiedBins(bins, knots, roughness=roughness)
        made.ends = ends
        return made.double()

    return make


def free(knots: int, roughness: float = 10.0) -> Callable[[int], FreeBins]:
    """Curves of the normalised activity."""
    return lambda bins: FreeBins(bins, knots, roughness=roughness).double()


VARIANTS = (
    Variant("normalised, 12 knots", free(12)),
    Variant("normalised, 24 knots", free(24)),
    Variant("normalised, 96 knots", free(96)),
    Variant("normalised, 48 knots, 10 x as stiff", free(48, 100.0)),
    Variant("normalised, 48 knots, a tenth as stiff", free(48, 1.0)),
    Variant("tied to logit t, 48 knots on -6..4", tied(48, 10.0, (-6.0, 4.0))),
    Variant("tied to logit t, 48 knots on -6..4, 10 x as stiff", tied(48, 100.0, (-6.0, 4.0))),
    Variant("tied to logit t, 16 knots on -6..4", tied(16, 10.0, (-6.0, 4.0))),
    Variant("tied to logit t, 48 knots on -10..8", tied(48, 10.0, (-10.0, 8.0))),
)


def seen_by(model: AssayModel, assay: Assay, variant: Variant) -> AssayModel:
    """The fitted energies, fitted on under another instrument."""
    changed = AssayModel(variant.name, model.mechanism, model.experiments)
    training = rows_of(assay.part("training"))
    assembly = changed.build(assay.part("training"))
    assembly.load_state_dict(model.assembly.state_dict())
    bins = training[0].recorded["counts"].shape[1]
    assembly.measurements[0] = variant.make(bins)
    assembly.centre.zero_()
    assembly.spread.fill_(1.0)
    lay_over(assembly, training)
    for _ in range(2):
        newton(Problem(assembly, training))
    return changed


def profile_row(name: str, model: AssayModel, assay: Assay) -> dict[str, object]:
    """The 90 % interval of the interaction, and how much the data object to Forcier's value."""
    began = time.process_time()
    found = profile(model, assay, INTERACTION)
    row = {
        "instrument": name,
        "dG_I": found.value,
        "low": found.low,
        "high": found.high,
        "drop at -4.04": at(found, -4.04, "drop"),
        "of it likelihood": at(found, -4.04, "log_likelihood_drop"),
        "drop at -2": at(found, -2.0, "drop"),
        "I_var": judged(model, assay)["I_var"],
        "all converged": bool(found.curve["converged"].all()),
        "CPU s": time.process_time() - began,
    }
    print(row, flush=True)
    return row


def at(found: Profile, value: float, column: str) -> float:
    """The curve at a value, between its points; nan beyond them."""
    curve = found.curve
    return float(np.interp(value, curve["value"], curve[column], left=np.nan, right=np.nan))


def profiles(assay: Assay, models: list[AssayModel]) -> pd.DataFrame:
    """From several starts' optima under the product's instrument, then under others from the first."""
    rows = [
        profile_row(f"normalised, 48 knots (seed {seed})", models[seed], assay)
        for seed in PROFILED_SEEDS
        if seed < len(models)
    ]
    rows += [profile_row(v.name, seen_by(models[0], assay, v), assay) for v in VARIANTS]
    return pd.DataFrame(rows)


def peer(python: Path, data: Path) -> None:
    """MAVE-NN's additive map on the same split."""
    script = ROOT / "benchmarks" / "peers" / "mavenn_fit.py"
    command = [python, script, "--task", "sortseq-additive", "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    print("MAVE-NN, additive:", json.loads(done.stdout.strip().splitlines()[-1]))


def merits(table: pd.DataFrame, timed: pd.DataFrame | None, found: pd.DataFrame | None) -> pd.DataFrame:
    """Targets, what was measured, and whether they are met."""
    rows: list[tuple[str, str, str, bool]] = []

    def add(figure: str, target: str, values: pd.Series, good: bool) -> None:
        span = f"{values.min():.4g} .. {values.max():.4g}"
        rows.append((figure, target, span, good))

    add("test I_var, bits", ">= .71", table["I_var"], bool(table["I_var"].min() >= 0.71))
    add("test I_pred, bits (facts: .72)", ">= .72", table["I_pred"], bool(table["I_pred"].min() >= 0.72))
    add("CPU-seconds of a fit", "<= 60", table["CPU s"], bool(table["CPU s"].max() <= 60))
    add("seeds converged", "all", table["converged"].astype(int), bool(table["converged"].all()))
    add("r CRP", "> .987", table["r CRP"], bool(table["r CRP"].min() > 0.987))
    add("r RNAP", "> .994", table["r RNAP"], bool(table["r RNAP"].min() > 0.994))
    if timed is not None:
        large = timed[timed["batch"] == 1024]["CPU s an epoch"]
        add("CPU-seconds an epoch, batch 1024", "<= .25", large, bool(large.max() <= 0.25))
    if found is not None:
        same = found[found["instrument"].str.contains("seed")]
        for end in ("low", "high"):
            spread = float(same[end].max() - same[end].min())
            add(f"profile of dG_I, {end} end, {len(same)} starts", "equal to .05", same[end], spread <= 0.05)
    return pd.DataFrame(rows, columns=["figure", "target", "measured", "met"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--only", choices=("starts", "epochs", "profiles"))
    parser.add_argument("--mavenn", type=Path, help="interpreter of MAVE-NN's environment")
    arguments = parser.parse_args()
    print(machine())
    study = declared()
    assay = read_assay(study)
    forms = dict.fromkeys(("I_var", "+-", "I_pred", "+- ", "r CRP", "r RNAP"), ".4f") | {
        "CPU s": ".1f", "objective": ".2f", "gap": ".1g", "dG_I": ".3f", "low": ".2f", "high": ".2f",
        "drop at -4.04": ".1f", "of it likelihood": ".1f", "drop at -2": ".1f", "CPU s an epoch": ".3f",
    }  # fmt: skip
    timed = found = None
    if arguments.only in (None, "epochs"):
        timed = epochs(study, assay)
        print_table("Adam, a pass over the training set (MAVE-NN 1.1.4: 2.05 at batch 100)", timed, forms)
        if arguments.only:
            return
    table, models = starts(study, assay, arguments.data / "cisreg", arguments.seeds)
    print_table(
        "Four states from random starts (MAVE-NN 1.1.4: I_var .600 and I_pred .691 after 130 epochs and 266 "
        "CPU-seconds; .689 in its tutorial)", table, forms,
    )  # fmt: skip
    if arguments.mavenn:
        peer(arguments.mavenn, arguments.data)
    if arguments.only in (None, "profiles"):
        found = profiles(assay, models)
        print_table("Profile of dG_I, kcal/mol: 90 % interval, and nats lost elsewhere", found, forms)
    print_table("Figures of merit", merits(table, timed, found), {})


if __name__ == "__main__":
    main()
