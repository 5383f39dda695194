"""Make a split of the kind that a study asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pajamo.config import SplitSettings
from pajamo.data.pseudobulk import Pseudobulk
from pajamo.data.splits import combinations, genes, settings_held
from pajamo.data.splits.design import Design
from pajamo.data.splits.leaks import check_leaks
from pajamo.data.splits.split import Fold, Split

Maker = Callable[[SplitSettings, Design, Pseudobulk, int], tuple[Fold, ...]]

KINDS: Final[dict[str, Maker]] = {
    "doubles": combinations.doubles,
    "cluster": combinations.cluster,
    "missing-single": combinations.missing_single,
    "leave-gene-out": genes.leave_gene_out,
    "unseen-perturbation": genes.unseen_perturbation,
    "context": settings_held.context,
    "time": settings_held.time,
}


def make_split(settings: SplitSettings, bulk: Pseudobulk, seed: int = 0) -> Split:
    """Divide the perturbed conditions of a screen into training and test, fold by fold.

    The kinds, each a question about generalisation:

    - doubles: a random share of the combinations, `folds` times. With one seed, the smaller share
      is contained in the larger (25 % in 50 % in 75 %), so that learning curves are nested.
    - cluster: combinations grouped by their response (k-means); one group at a time.
    - missing-single: as doubles, but one or both singles of each held-out double are unmeasured too.
    - leave-gene-out: for each gene (or those in `held`), all its combinations, and its single
      (missing = 1) or every single of those combinations (missing = 2).
    - unseen-perturbation: the genes in `folds` parts; everything that touches a part.
    - context, time: all perturbations in one context, or at one time; its controls stay.

    Parameters
    ----------
    settings: the [split] table of a study.
    bulk: the screen by condition; only the kind "cluster" looks at its values.
    seed: of every random choice.

    Raises
    ------
    SplitError: the screen has fewer doubles, genes or settings than the split needs, or it leaks.
    """
    design = Design.of(bulk.conditions)
    folds = KINDS[settings.kind](settings, design, bulk, seed)
    notes = (*design.notes(), *combinations.shortfall(settings, design, folds))
    split = Split(settings.kind, seed, settings, folds, notes)
    check_leaks(split)
    return split
