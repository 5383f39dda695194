"""Fits of variants of the joint Sort-Seq study, and what they say of reads that none of them saw.

Used by joint_sort_seq.py.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.evaluation.assays.resampling import interval, resampled_totals, totals
from pajamo.evaluation.assays.scores import per_observation
from pajamo.evaluation.information.metrics import variational_information
from pajamo.explanations.assays.canonical import canonical
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.measurement import Measurement, Recorded
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.starts import lay_over
from sort_seq_variants import BASE, MECHANISM, POOLED, VARIANTS, varied

STARTS = 2
PRECISE = 1e-4
"""Nats that a last step may still promise: along the valley, a hundredth of a nat is .04 kcal/mol."""
LAST_STEPS = 10
"""Steps that are spent on it: where instruments are not convex, a few thousandths stay."""
FIRST_LEAK = -5.0
"""ln of the activity without polymerase at the start; at 0, where others start, it would be as large as with it."""


@dataclass(frozen=True)
class Fitted:
    """A variant at its optimum; `gap` is what one more Newton step promises, in nats."""

    name: str
    assay: Assay
    model: AssayModel
    gap: float
    seconds: float


class ScoredShares(FreeBins):
    """The loss of Tareen and Kinney's notebook: shares of the bins taken for ln of Poisson rates.

    Each sequence loses sum_b exp(p_b) - y_b p_b, y_b being the share of its reads in bin b. It is no likelihood.
    """

    convex = False
    expand = Measurement.expand

    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """Minus the loss of each row."""
        shares = torch.softmax(self.log_weights(activity), dim=1)
        found = recorded["counts"] / recorded["counts"].sum(dim=1, keepdim=True)
        return (found * shares - shares.exp()).sum(dim=1)


def from_random_starts(path: Path, folder: Path) -> Fitted:
    """Fit the four states as a user would."""
    study = varied(BASE, path, folder)
    assay = read_assay(study)
    model = AssayModel(BASE, study.mechanisms[MECHANISM], study.experiments)
    report = fit_assay(model, assay, starts=STARTS)
    return Fitted(BASE, assay, canonical(model, assay).model, report.gap, report.cpu_seconds)


def from_another(name: str, path: Path, folder: Path, start: AssayModel) -> Fitted:
    """Fit a variant from the energies of another: it is a small change, and stays in the physical frame."""
    study, began = varied(name, path, folder), time.process_time()
    assay = read_assay(study)
    model = AssayModel(name, study.mechanisms[MECHANISM], study.experiments)
    training = rows_of(assay.part("training"))
    assembly = model.build(assay.part("training"))
    inherit(assembly, start.assembly, assay.wild_type)
    if VARIANTS[name].scores_shares:
        score_shares(assembly)
    lay_over(assembly, training)
    newton(Problem(assembly, training))
    done = newton(Problem(assembly, training), limit=LAST_STEPS, tolerance=PRECISE)
    return Fitted(name, assay, model, done.gap, time.process_time() - began)


def score_shares(assembly: Assembly) -> None:
    """Put the notebook's loss in the place of the likelihood."""
    for number, bins in enumerate(assembly.measurements):
        assembly.measurements[number] = ScoredShares(*bins.curves.shape).double()


@torch.no_grad()
def inherit(assembly: Assembly, other: Assembly, wild_type: Codes) -> None:
    """Take the matrices, where they read the same positions, and the constants of another model, by name."""
    theirs = constants(other, kcal=False) | {"ln rate of leak": FIRST_LEAK}
    for place, name in enumerate(constants(assembly)):
        assembly.constants[place] = theirs.get(name.split("@")[0], float(assembly.constants[place]))
    for name, reader in assembly.readers():
        if name in other.blueprint.readers:
            shift = start_of(assembly, name) - start_of(other, name)
            take_matrix(reader, other.reader(name), shift, assembly.blueprint.readers[name].length)
    # On the logit scale a constant in the polymerase's energy shifts every activity and free curves take it back: it
    # ends anywhere. Other scales need a start at which the wild type is not saturated.
    polymerase = assembly.reader("RNAP")
    polymerase.weights[0] -= polymerase(wild_type_window(assembly, wild_type))[0]


def take_matrix(reader: LinearEncoder, other: LinearEncoder, shift: int, length: int) -> None:
    """The constant, and the energies of single letters at the positions that both read."""
    reader.weights[0] = other.weights[0]
    for position, energies in enumerate(other.matrix):
        here = position - shift
        if 0 <= here < length:
            reader.weights[1 + 4 * here : 5 + 4 * here] = energies


def wild_type_window(assembly: Assembly, wild_type: Codes) -> Tensor:
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


def sorted_likelihood(fit: Fitted) -> pd.DataFrame:
    """Of each test sequence: letters, ln-likelihood of its reads among the sorted bins, reads; and I_var in bits."""
    parts = []
    for experiment in fit.assay.part("test").experiments:
        with torch.no_grad():
            shares = fit.model.assembly.measurement(experiment.name).log_probabilities(
                torch.as_tensor(fit.model.coordinate(experiment))
            )
        sorted_bins = 9 if experiment.name.endswith("wt") else 5
        counts = experiment.recorded["counts"][:, -sorted_bins:]
        own = torch.log_softmax(shares[:, -sorted_bins:], dim=1).numpy()
        nats, reads = (counts * own).sum(axis=1), counts.sum(axis=1)
        letters = [row.tobytes() for row in experiment.codes]
        columns = {"sequence": letters, "nats": nats, "reads": reads, "bits": information(nats, counts)}
        parts.append(pd.DataFrame(columns).assign(experiment=experiment.name))
    return pd.concat(parts)


def information(nats: np.ndarray, counts: np.ndarray) -> float:
    """I_var of the bin of a read, given that it was sorted."""
    reads = counts.sum(axis=1)
    losses = np.divide(-nats, reads, out=np.zeros(len(nats)), where=reads > 0)
    return variational_information(losses, counts).bits


def difference(own: pd.DataFrame, base: pd.DataFrame) -> tuple[float, float, float]:
    """How many millinats more a read one says than the other, with a paired 95 % interval over sequences.

    Sequences count that both have in their test sets, experiment by experiment.
    """
    if POOLED in set(own["experiment"]):
        wild = base["experiment"].str.endswith("wt")
        base = base.assign(experiment=base["experiment"].where(~wild, POOLED))
    keys, summed = ["sequence", "experiment"], ["nats", "reads"]
    both = own.groupby(keys)[summed].sum()
    both = both.join(base.groupby(keys)[summed].sum(), rsuffix=" base", how="inner").reset_index()
    units = np.unique(both["sequence"].to_numpy(), return_inverse=True)[1]
    columns = np.stack([1000 * (both["nats"] - both["nats base"]), both["reads"]], axis=1)
    of_units = totals(columns, units)
    value = float(per_observation(of_units.sum(axis=0, keepdims=True))[0])
    low, high = interval(per_observation, resampled_totals(of_units, 0), len(of_units))
    return value, float(low), float(high)
