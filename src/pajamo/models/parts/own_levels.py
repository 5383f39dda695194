"""What perturbations do to the level and to the production of their own targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import Edit, HistoryRule
from pajamo.data.training_set import Setting, TrainingSet
from pajamo.models.base import Array
from pajamo.models.parts.training_rows import order_of

HARD = 0.0
"""Share of its own production equation that a target keeps when its level is held. It stands where the protocol
says nothing, too: a level that was measured can be held, whatever brought it about."""


@dataclass(frozen=True)
class OwnLevels:
    """Changes of perturbed genes' own levels, ln(1 + CP10K), and what to expect of genes never perturbed.

    Attributes
    ----------
    changes: gene, for those both perturbed and measured, to the mean change of its own level.
    variances: gene to the squared standard error of that mean.
    share: change of a gene that was never perturbed, as a share of its control level (knockdowns).
    step: the same as a fixed amount (activations).
    """

    changes: Mapping[str, float]
    variances: Mapping[str, float]
    share: float
    step: float

    @classmethod
    def of(cls, training: TrainingSet) -> OwnLevels:
        """Average each target's own change over its training conditions, weighted by their precision."""
        seen = _own_changes(training)
        changes, variances = {}, {}
        for gene, (change, variance, _) in seen.items():
            weight = 1.0 / variance
            changes[gene] = float(weight @ change / weight.sum())
            variances[gene] = float(1.0 / weight.sum())
        mean = np.array(list(changes.values()))
        level = np.array([levels.mean() for _, _, levels in seen.values()])
        if not len(mean):
            return cls({}, {}, 0.0, 0.0)
        if mean.mean() < 0 and level.any():
            # Less than nothing cannot be left: a knockdown takes a share of what there was.
            return cls(changes, variances, float(np.clip(mean @ level / (level @ level), -1.0, 0.0)), 0.0)
        return cls(changes, variances, 0.0, float(mean.mean()))

    def change(self, gene: str, level: float) -> float:
        """Change of a gene's own level when it is perturbed; `level` is that of its control."""
        return self.changes[gene] if gene in self.changes else self.share * level + self.step

    def write(
        self, delta: Array, conditions: Sequence[Condition], genes: Sequence[str], control: Array
    ) -> None:
        """Put each target's own change where it stands in `delta`; both arrays of shape (conditions, genes)."""
        column = {gene: i for i, gene in enumerate(genes)}
        for row, condition in enumerate(conditions):
            for at, gene in ((column[g], g) for g in condition.genes if g in column):
                delta[row, at] = self.change(gene, float(control[row, at]))

    def facts(self) -> dict[str, object]:
        """What JSON can hold."""
        return {
            "changes": dict(self.changes),
            "variances": dict(self.variances),
            "share": self.share,
            "step": self.step,
        }

    @classmethod
    def restored(cls, facts: object) -> OwnLevels:
        """Read what `facts` gave."""
        kept = cast("dict[str, dict[str, float]]", facts)
        numbers = cast("dict[str, float]", facts)
        return cls(kept["changes"], kept["variances"], numbers["share"], numbers["step"])


def kept_production(rule: HistoryRule | None, genes: Sequence[str], setting: Setting) -> dict[str, float]:
    """Share of its own equation that each gene keeps when it is perturbed; empty where the protocol does not say.

    0 for a knockout or a clamp, 1 - strength for CRISPRi, 1 + strength for CRISPRa, 1 for a shift.
    """
    kept: dict[str, float] = {}
    for gene in genes if rule is not None else ():
        for edit in last_edits(rule, Condition((gene,), *setting)):
            if edit.target == gene:
                kept[gene] = _kept(edit)
    return kept


def last_edits(rule: HistoryRule | None, condition: Condition) -> Sequence[Edit]:
    """Edits that act in the last segment before measurement, of the cells that carry most of them."""
    if rule is None:
        return ()
    words = [word for _, word in rule.history(condition).branches if len(word)]
    most = max((tuple(word)[-1].edits for word in words), key=len, default=frozenset())
    return sorted(most)


def _kept(edit: Edit) -> float:
    if edit.kind == "crispri":
        return 1.0 - edit.strength
    if edit.kind == "crispra":
        return 1.0 + edit.strength
    return 1.0 if edit.kind == "shift" else HARD


def _own_changes(training: TrainingSet) -> dict[str, tuple[Array, Array, Array]]:
    """Per perturbed and measured gene: own changes, their variances, control levels, over its conditions."""
    column = {str(gene): i for i, gene in enumerate(training.genes)}
    control = training.control_mean(training.conditions)
    noise = training.variance_of_mean + training.control_variance_of_mean(training.conditions)
    # A measured change of a silent gene looks exact; a part of the typical error keeps its weight finite.
    noise = noise + 0.1 * noise.mean() + np.finfo(float).tiny
    order = np.array(order_of(training))
    found: dict[str, tuple[Array, Array, Array]] = {}
    for gene in sorted({g for c in training.conditions for g in c.genes} & column.keys()):
        rows = order[[gene in training.conditions[row].genes for row in order]]
        at = column[gene]
        found[gene] = (training.delta[rows, at], noise[rows, at], control[rows, at])
    return found


def target_columns(conditions: Sequence[Condition], genes: Sequence[str]) -> list[NDArray[np.intp]]:
    """For each condition the columns of its perturbed genes that were measured."""
    column = {gene: i for i, gene in enumerate(genes)}
    return [np.array([column[g] for g in c.genes if g in column], dtype=np.intp) for c in conditions]
