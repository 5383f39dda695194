"""The physical frame: which of the equivalent sets of energies of a fitted model is reported, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats

from pajamo.data.assays.assay import Assay, Experiment
from pajamo.explanations.assays.applying import apply
from pajamo.explanations.assays.gauges import Array, LetterMap, fix_gauge
from pajamo.explanations.assays.gauging import gauge_distribution, linear_readers, wild_type_window
from pajamo.explanations.assays.symmetries import all_symmetries
from pajamo.explanations.assays.symmetry import Symmetry, identity
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel

FEW = 3
"""Rows without which a rank correlation says nothing."""


@dataclass(frozen=True)
class PhysicalFrame:
    """A model in the frame that was chosen.

    Attributes
    ----------
    model: with the same predictions as the one that was given.
    applied: the symmetry that led there.
    equivalents: how many frames there were.
    sentence: what was chosen and why.
    """

    model: AssayModel
    applied: Symmetry
    equivalents: int
    sentence: str


@dataclass(frozen=True)
class _Rule:
    """What speaks for a frame: the greatest score wins, and frames within the margin of it stay in."""

    reason: str
    score: Callable[[AssayModel], float]
    margin: float


def canonical(model: AssayModel, assay: Assay) -> PhysicalFrame:
    """Choose among the frames that no data can tell apart; the likelihood does not change.

    In this order, each rule deciding among the frames that the ones before left:

    1. the activity rises with what is recorded (mean bin, value, ln RNA/DNA);
    2. prior energy matrices, where they were given, prefer it by at least one nat;
    3. the wild type's sites are bound more strongly than random sequences (sum over sites, in kT);
    4. the first declared reader, then the next, binds the wild type most strongly (names that can be exchanged).

    Parameters
    ----------
    model: fitted.
    assay: that it was fitted to, with all its sets.
    """
    candidates = [identity(model.assembly.blueprint), *all_symmetries(model)]
    left = [(symmetry, apply(model, symmetry)) for symmetry in candidates]
    reasons = []
    for rule in _rules(model.assembly, assay) if len(left) > 1 else ():
        scores = [rule.score(changed) for _, changed in left]
        close = [score >= max(scores) - rule.margin for score in scores]
        if not all(close):
            reasons.append(rule.reason)
        left = [each for each, keep in zip(left, close, strict=True) if keep]
    applied, chosen = left[0]
    return PhysicalFrame(
        chosen, applied, len(candidates), _sentence(model, applied, len(candidates), reasons)
    )


def _sentence(model: AssayModel, applied: Symmetry, count: int, reasons: list[str]) -> str:
    if count == 1:
        return "The mechanism has no discrete symmetry: its energies have one frame."
    moved = applied.describe(model.assembly.blueprint)
    did = (
        f"The fit ended in another one and was turned by {moved}."
        if moved
        else "The fit had ended in this one."
    )
    why = " and ".join(reasons) or "no rule prefers another"
    return f"{count} sets of energies predict the same. The one shown was chosen because in it {why}. {did}"


def _rules(assembly: Assembly, assay: Assay) -> list[_Rule]:
    rules = [_Rule("the activity rises with what is recorded", lambda m: rise(m, assay), 0.05)]
    if any(reader.matrix is not None for reader in assembly.blueprint.readers.values()):
        rules.append(_Rule("the prior energy matrices are met", _prior, 1.0))
    energies = _energies(assembly)
    reason = "the wild type's sites are bound more strongly than random sequences"
    rules.append(
        _Rule(reason, lambda m: sum(specificity(m.assembly, name, assay) for name in energies), 0.05)
    )
    return rules + [_binds(name, assay) for name in energies]


def _binds(reader: str, assay: Assay) -> _Rule:
    reason = f"{reader} binds the wild type more strongly"
    return _Rule(reason, lambda model: -_native(model.assembly, reader, assay), 1e-6)


def _energies(assembly: Assembly) -> list[str]:
    """Linear readers of free energies."""
    in_kT = {term.encoder for term in assembly.blueprint.terms if term.unit == "kT"}
    return [name for name in linear_readers(assembly) if name in in_kT]


def rise(model: AssayModel, assay: Assay) -> float:
    """Rank correlation of activity and what was recorded on the training set, the mean over experiments."""
    found = []
    for experiment in assay.part("training").experiments:
        if experiment.n >= FEW:
            recorded = mean_recorded(experiment)
            known = np.isfinite(recorded)
            found.append(stats.spearmanr(model.coordinate(experiment)[known], recorded[known]).statistic)
    return float(np.nan_to_num(np.mean(found))) if found else 0.0


def mean_recorded(experiment: Experiment) -> Array:
    """One number a row of what was recorded: the mean bin, the value, cut or not, ln RNA per DNA."""
    recorded = experiment.recorded
    if "counts" in recorded:
        counts = np.asarray(recorded["counts"], dtype=float)
        reads = counts.sum(axis=1)
        total = counts @ np.arange(1.0, counts.shape[1] + 1)
        return np.asarray(np.divide(total, reads, out=np.full(len(reads), np.nan), where=reads > 0))
    if "value" in recorded:
        return np.asarray(recorded["value"], dtype=float)
    if "label" in recorded:
        return np.asarray(recorded["label"], dtype=float)
    return np.asarray(np.log(recorded["rna"] + 0.5) - np.log(recorded["dna"] + 0.5))


def specificity(assembly: Assembly, reader: str, assay: Assay) -> float:
    """By how much the wild type is bound more strongly than random letters are on average, in kT."""
    uniform = gauge_distribution(assembly, reader, "uniform", assay)
    random = fix_gauge(LetterMap.of(assembly.reader(reader)), uniform).constant
    return float(random) - _native(assembly, reader, assay)


def _native(assembly: Assembly, reader: str, assay: Assay) -> float:
    window = torch.as_tensor(wild_type_window(assembly, reader, assay.wild_type)[None])
    with torch.no_grad():
        return float(assembly.reader(reader)(window)[0])


def _prior(model: AssayModel) -> float:
    return -float(model.assembly.penalty().detach())
