"""The CRP-RNAP interaction energy from all five Sort-Seq experiments, and its distance to a direct measurement.

    python benchmarks/joint_sort_seq.py [DATA] [--quick] [--variants NAME ...] [--list] [--profiles]

DATA is the folder with `cisreg/sortseq_raw_file_S2.tsv.gz` and `cisreg/forcier2018_*.tsv`; by default
$PAJAMO_DEV_DATA or ../shared/data. The declaration is studies/joint-sort-seq.toml; every variant changes one thing
of it. First Forcier's own data: the allelic manifold of promoters with CRP at -61.5, fitted anew, and the bound that
needs no model. Then one row a variant: dG_I with its profile interval, the nats that the data lose at Forcier's
value, CRP's activity at 500 and at 150 micromolar cAMP relative to wild-type cells, and the likelihood of the sorted
reads of the test set (which bin, given that a read was sorted: the same question for every variant) with its
difference to the four states. The whole table takes a quarter of a CPU-hour; --quick does full-wt alone.

Sources: Kinney et al. 2010, PNAS 107:9158; Forcier et al. 2018, eLife 7:e40618.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from common import add_data, machine, print_table
from forcier import DIRECT, DIRECT_ERROR, manifold, ruler
from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.evaluation.assays.resampling import interval, resampled_totals, totals
from pajamo.evaluation.assays.scores import per_observation
from pajamo.explanations.assays.canonical import canonical
from pajamo.explanations.assays.profile import profile
from pajamo.explanations.assays.profile_points import Profiler
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.starts import lay_over
from sort_seq_variants import BASE, INTERACTION, MECHANISM, QUICK, VARIANTS, varied

STARTS = 2
REACHES = (0.6, 1.2, 2.4)
"""Distances of a profile's points from the optimum, kcal/mol, until the end of the interval is passed."""
QUANTILE = 1.645
"""Signed root of twice the drop at the ends of a 90 % interval."""


@dataclass(frozen=True)
class Fitted:
    """A variant at its optimum; `gap` is what one more Newton step promises, in nats."""

    name: str
    assay: Assay
    model: AssayModel
    gap: float
    seconds: float


def from_random_starts(name: str, path: Path) -> Fitted:
    """Fit a variant as a user would."""
    study = varied(name, path)
    assay = read_assay(study)
    model = AssayModel(name, study.mechanisms[MECHANISM], study.experiments)
    report = fit_assay(model, assay, starts=STARTS)
    return Fitted(name, assay, canonical(model, assay).model, report.gap, report.cpu_seconds)


def from_another(name: str, path: Path, start: AssayModel) -> Fitted:
    """Fit a variant from the energies of another: it is a small change, and stays in the physical frame."""
    study, began = varied(name, path), time.process_time()
    assay = read_assay(study)
    model = AssayModel(name, study.mechanisms[MECHANISM], study.experiments)
    assembly = model.build(assay.part("training"))
    inherit(assembly, start.assembly, assay.wild_type)
    training = rows_of(assay.part("training"))
    lay_over(assembly, training)
    newton(Problem(assembly, training))
    done = newton(Problem(assembly, training))
    return Fitted(name, assay, model, done.gap, time.process_time() - began)


@torch.no_grad()
def inherit(assembly: Assembly, other: Assembly, wild_type: Codes) -> None:
    """Take the matrices, where they read the same positions, and the constants of another model, by name."""
    theirs = constants(other, kcal=False)
    for place, name in enumerate(constants(assembly)):
        assembly.constants[place] = theirs.get(name.split("@")[0], float(assembly.constants[place]))
    for name, reader in assembly.readers():
        if name not in other.blueprint.readers:
            continue
        matrix = other.reader(name).matrix
        shift = start_of(assembly, name) - start_of(other, name)
        reader.weights[0] = other.reader(name).weights[0]
        for position in range(matrix.shape[0]):
            here = position - shift
            if 0 <= here < assembly.blueprint.readers[name].length:
                reader.weights[1 + 4 * here : 5 + 4 * here] = matrix[position]
    # On the logit scale a constant in the polymerase's energy shifts every activity and free curves take it back: it
    # ends anywhere. Other scales need a start at which the wild type is not saturated.
    polymerase = assembly.reader("RNAP")
    polymerase.weights[0] -= polymerase(wild_type_window(assembly, wild_type))[0]


def wild_type_window(assembly: Assembly, wild_type: Codes) -> torch.Tensor:
    """What the polymerase reads of the wild type in its own place, shape (1, width)."""
    first, width = start_of(assembly, "RNAP"), assembly.blueprint.readers["RNAP"].length
    return torch.as_tensor(wild_type[None, first : first + width])


def start_of(assembly: Assembly, reader: str) -> int:
    """First position that a reader reads, in the middle of its places."""
    starts = sorted(term.start for term in assembly.blueprint.terms if term.encoder == reader)
    return starts[len(starts) // 2]


def constants(assembly: Assembly, *, kcal: bool = True) -> dict[str, float]:
    """Constants by name: energies in kcal/mol (or kT), activities and rates as natural logarithms."""
    terms = [assembly.blueprint.terms[place] for place in assembly.constant_terms]
    scale = [assembly.blueprint.kT if kcal and term.unit == "kT" else 1.0 for term in terms]
    values = assembly.constants.detach().tolist()
    return {term.name: value * by for term, value, by in zip(terms, values, scale, strict=True)}


def contacts(model: AssayModel) -> list[str]:
    """Names of the interactions, the strongest first."""
    names = [name for name in constants(model.assembly) if name.startswith(INTERACTION)]
    return sorted(names, key=lambda name: constants(model.assembly)[name])


def sorted_likelihood(fit: Fitted) -> pd.DataFrame:
    """Of each test sequence: ln-likelihood of its reads among the sorted bins, reads, letters."""
    parts = []
    for experiment in fit.assay.part("test").experiments:
        with torch.no_grad():
            shares = fit.model.assembly.measurement(experiment.name).log_probabilities(
                torch.as_tensor(fit.model.coordinate(experiment))
            )
        sorted_bins = 9 if experiment.name.endswith("wt") else 5
        counts = experiment.recorded["counts"][:, -sorted_bins:]
        own = torch.log_softmax(shares[:, -sorted_bins:], dim=1).numpy()
        letters = [row.tobytes() for row in experiment.codes]
        columns = {"sequence": letters, "nats": (counts * own).sum(axis=1), "reads": counts.sum(axis=1)}
        parts.append(pd.DataFrame(columns).assign(experiment=experiment.name))
    return pd.concat(parts)


def difference(own: pd.DataFrame, base: pd.DataFrame) -> str:
    """How many millinats more a read one says than the other, with a paired 95 % interval over sequences."""
    keys = ["sequence", "experiment"]
    both = own.groupby(keys).sum().join(base.groupby(keys).sum(), rsuffix=" base", how="inner").reset_index()
    units = np.unique(both["sequence"].to_numpy(), return_inverse=True)[1]
    columns = np.stack([1000 * (both["nats"] - both["nats base"]), both["reads"]], axis=1)
    of_units = totals(columns, units)
    value = float(per_observation(of_units.sum(axis=0, keepdims=True))[0])
    low, high = interval(per_observation, resampled_totals(of_units, 0), len(of_units))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def profiled_by(fit: Fitted, name: str) -> dict[str, float]:
    """The profile as the product makes it."""
    found = profile(fit.model, fit.assay, name)
    lost = np.interp(DIRECT, found.curve["value"], found.curve["drop"], left=np.nan, right=np.nan)
    return {"dG_I": found.value, "low": found.low, "high": found.high, "lost at -4.04": float(lost)}


def few_points(fit: Fitted, name: str) -> dict[str, float]:
    """The same from a few points: the signed root of twice the drop is nearly a line, on which the ends are read."""
    profiler, kT = Profiler(fit.model, fit.assay, name), fit.model.assembly.blueprint.kT
    best = profiler.freed()
    for side in (-1.0, 1.0):
        for reach in REACHES:
            point = profiler.at(best.value + side * reach / kT)
            if 2 * (point.objective - best.objective) > QUANTILE**2:
                break
    profiler.at(DIRECT / kT)
    lowest = profiler.lowest
    points = sorted(profiler.points.values(), key=lambda point: point.value)
    values = [point.value * kT for point in points]
    roots = [
        math.copysign(math.sqrt(2 * (point.objective - lowest.objective)), point.value - lowest.value)
        for point in points
    ]
    low, high = np.interp([-QUANTILE, QUANTILE], roots, values, left=np.nan, right=np.nan)
    lost = profiler.at(DIRECT / kT).objective - lowest.objective
    return {"dG_I": lowest.value * kT, "low": float(low), "high": float(high), "lost at -4.04": lost}


def row(fit: Fitted, base: pd.DataFrame, full: bool) -> dict[str, object]:
    """One line of the table."""
    found, name = constants(fit.model.assembly), contacts(fit.model)[0]
    test = sorted_likelihood(fit)
    line: dict[str, object] = {"variant": fit.name, "dG_I": found[name], "low": np.nan, "high": np.nan}
    line |= {"lost at -4.04": np.nan, "gap": fit.gap}
    line |= {
        key: math.exp(found[f"ln crp in {key}"]) if f"ln crp in {key}" in found else np.nan
        for key in ("full-500", "full-150")
    }
    line |= {"nats a read": test["nats"].sum() / test["reads"].sum(), "10^-3 more": difference(test, base)}
    others = {k: round(v, 2) for k, v in found.items() if k != name and not k.startswith("ln crp in full-")}
    began = time.process_time()
    line |= profiled_by(fit, name) if full else few_points(fit, name)
    line |= {
        "other constants": str(others) if others else "",
        "CPU s": fit.seconds + time.process_time() - began,
    }
    print(line, flush=True)
    return line


def stretched(folder: Path, model: AssayModel) -> str:
    """dG_I when the energies are counted in the unit that Forcier's promoters give them."""
    slope, low, high, promoters = ruler(folder, model)
    here = constants(model.assembly)[INTERACTION]
    lines = (
        f"\nForcier's strengths of {promoters} promoters ask for polymerase energies {slope:.2f} times as large",
        f"(90 %: {low:.2f} to {high:.2f}) as those that sorted reads give: dG_I = {here:.2f} would be "
        f"{here * slope:.2f} ({here * low:.2f} to {here * high:.2f}),",
        "if all energies stretch together.",
    )
    return "\n".join(lines)


def merits(table: pd.DataFrame) -> pd.DataFrame:
    """Targets, what was measured, and whether they are met."""
    base = table[table["variant"] == BASE]
    rows = []
    if len(base):
        low, high = float(base["low"].iloc[0]), float(base["high"].iloc[0])
        meets = low <= DIRECT + 2 * DIRECT_ERROR and high >= DIRECT - 2 * DIRECT_ERROR
        text = f"{float(base['dG_I'].iloc[0]):.2f} [{low:.2f}, {high:.2f}]"
        rows.append(("dG_I of five experiments against the direct -4.04 +- .09", text, "reported", meets))
    near = table.loc[(table["dG_I"] - DIRECT).abs().idxmin()]
    rows.append(
        (
            f"nearest variant: {near['variant']}",
            f"{near['dG_I']:.2f}",
            "reported",
            abs(near["dG_I"] - DIRECT) < 0.2,
        )
    )
    return pd.DataFrame(rows, columns=["figure", "measured", "target", "agrees"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--quick", action="store_true", help="full-wt alone")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the names of the variants")
    parser.add_argument(
        "--profiles", action="store_true", help="whole profiles, which take three times as long"
    )
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(VARIANTS))
        return
    folder = arguments.data / "cisreg"
    path = (folder / "sortseq_raw_file_S2.tsv.gz").resolve()
    if not path.is_file():
        parser.error(f"there is no {path}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    print(machine())
    print(manifold(folder))
    names = list(QUICK if arguments.quick else arguments.variants or VARIANTS)
    first = from_random_starts(names[0] if arguments.quick else BASE, path)
    base = sorted_likelihood(first)
    print(stretched(folder, first.model), flush=True)
    full = arguments.profiles
    rows = [row(first, base, full)] if first.name in names else []
    for name in names:
        if name != first.name:
            rows.append(row(from_another(name, path, first.model), base, full))
    forms = dict.fromkeys(("dG_I", "low", "high", "full-500", "full-150"), ".2f") | {
        "gap": ".1g", "nats a read": ".4f", "lost at -4.04": ".1f", "CPU s": ".0f",
    }  # fmt: skip
    table = pd.DataFrame(rows)
    title = "dG_I, kcal/mol at 37 degrees (at 25 degrees times .961), with 90 % profile intervals"
    print_table(title, table, forms)
    print_table("Figures of merit", merits(table))


if __name__ == "__main__":
    main()
