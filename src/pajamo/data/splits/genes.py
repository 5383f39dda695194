"""Splits that hold out genes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pajamo.config import SplitSettings
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Pseudobulk
from pajamo.data.splits.design import Design, require, require_parts
from pajamo.data.splits.split import WITHOUT, Fold
from pajamo.errors import SplitError, nearest, shorten

FEWER = "use another kind of split, or a screen with more perturbations"


def leave_gene_out(settings: SplitSettings, design: Design, bulk: Pseudobulk, seed: int) -> tuple[Fold, ...]:
    """One fold for each gene that occurs in combinations, or for those in `held`; `folds` does not apply."""
    del bulk, seed
    require(design.candidates, 1, "combinations with a measured single", "leave-gene-out", FEWER)
    known = sorted({gene for combination in design.candidates for gene in combination})
    genes = [_known(str(gene), known) for gene in settings.held] or known
    folds = (_without(gene, settings.missing, design) for gene in genes)
    usable = tuple(fold for fold in folds if fold.train)
    require(usable, 1, "folds with something left to learn from", "leave-gene-out", FEWER)
    return usable


def _known(gene: str, known: Sequence[str]) -> str:
    if gene in known:
        return gene
    raise SplitError(
        f"{gene} is in no combination that can be held out",
        where="[split] held",
        fix=f"{nearest(gene, known)}known: {shorten(known)}",
    )


def _without(gene: str, missing: int, design: Design) -> Fold:
    test = design.of_sets(combination for combination in design.candidates if gene in combination)
    removed = {gene} if missing == 1 else {other for condition in test for other in condition.genes}
    singles = {c for c in design.conditions if c.order == 1 and c.genes[0] in removed}
    touched = {c for c in design.conditions if gene in c.genes}
    return Fold(WITHOUT + gene, design.without(singles | touched), test)


def unseen_perturbation(
    settings: SplitSettings, design: Design, bulk: Pseudobulk, seed: int
) -> tuple[Fold, ...]:
    """Divide the perturbed genes at random into `folds` parts; hold out all that touches one part."""
    del bulk
    parts = settings.folds
    require_parts(parts, "unseen-perturbation")
    require(
        design.genes, parts, "perturbed genes", "unseen-perturbation", f"set folds below {parts}; {FEWER}"
    )
    order = np.random.default_rng([seed, 0]).permutation(np.array(design.genes, dtype=object))
    folds = []
    for part, genes in enumerate(np.array_split(order, parts)):
        test = tuple(_touching(design, genes.tolist()))
        folds.append(Fold(f"genes-{part + 1}", design.without(test), test))
    usable = tuple(fold for fold in folds if fold.train)
    require(usable, 1, "folds with something left to learn from", "unseen-perturbation", FEWER)
    return usable


def _touching(design: Design, genes: Iterable[str]) -> list[Condition]:
    held = set(genes)
    return [c for c in design.conditions if held.intersection(c.genes)]
