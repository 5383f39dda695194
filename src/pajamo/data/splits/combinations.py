"""Splits that hold out combinations whose singles may be known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from pajamo.config import SplitSettings
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Pseudobulk
from pajamo.data.splits.design import Design, Genes, require, require_parts
from pajamo.data.splits.split import Fold
from pajamo.data.training_set import TrainingSet

FEWER = "use another kind of split, or a screen with more combinations"


def doubles(settings: SplitSettings, design: Design, bulk: Pseudobulk, seed: int) -> tuple[Fold, ...]:
    """Hold out a random share of the combinations, `folds` times."""
    del bulk
    require(design.candidates, 2, "combinations with a measured single", "doubles", FEWER)
    count = held_out(settings.holdout, len(design.candidates))
    folds = []
    for repeat in range(settings.folds):
        test = design.of_sets(_shuffled(design.candidates, seed, repeat)[:count])
        folds.append(Fold(f"repeat-{repeat + 1}", design.without(test), test))
    return tuple(folds)


def cluster(settings: SplitSettings, design: Design, bulk: Pseudobulk, seed: int) -> tuple[Fold, ...]:
    """Group the combinations by response and hold out one group at a time."""
    k = settings.folds
    require_parts(k, "cluster")
    require(
        design.candidates,
        k,
        "combinations with a measured single",
        "cluster",
        f"set folds below {k}; {FEWER}",
    )
    labels = _response_clusters(design.candidates, design, bulk, k, seed)
    folds = []
    for group in range(k):
        test = design.of_sets(
            genes for genes, label in zip(design.candidates, labels, strict=True) if label == group
        )
        folds.append(Fold(f"cluster-{group + 1}", design.without(test), test))
    return tuple(folds)


def missing_single(settings: SplitSettings, design: Design, bulk: Pseudobulk, seed: int) -> tuple[Fold, ...]:
    """Hold out doubles together with one or both of their singles."""
    del bulk
    require(design.complete_doubles, 2, "doubles with both singles", "missing-single", FEWER)
    count = held_out(settings.holdout, len(design.complete_doubles))
    folds = []
    for repeat in range(settings.folds):
        order = _shuffled(design.complete_doubles, seed, repeat)
        chosen, unmeasured = _choose(order, count, settings.missing, np.random.default_rng([seed, repeat, 1]))
        test = design.of_sets(chosen)
        gone = {c for c in design.conditions if c.order == 1 and c.genes[0] in unmeasured}
        folds.append(Fold(f"repeat-{repeat + 1}", design.without(gone | set(test)), test))
    return tuple(folds)


def shortfall(settings: SplitSettings, design: Design, folds: Sequence[Fold]) -> tuple[str, ...]:
    """Say so where a screen's pairs did not allow to hold out as many doubles as asked."""
    if settings.kind != "missing-single":
        return ()
    asked = held_out(settings.holdout, len(design.complete_doubles))
    found = min(len({c.genes for c in fold.test}) for fold in folds)
    if found == asked:
        return ()
    return (f"some folds hold out {found} doubles, not {asked}: no more can each lack exactly one single",)


def held_out(share: float, available: int) -> int:
    """Number held out: at least one, and at least one stays."""
    return min(max(round(share * available), 1), available - 1)


def _shuffled(items: Sequence[Genes], seed: int, repeat: int) -> list[Genes]:
    # The order does not depend on the share held out: that is what makes the shares nested.
    return [items[i] for i in np.random.default_rng([seed, repeat]).permutation(len(items))]


def _choose(
    order: Sequence[Genes], count: int, missing: int, rng: np.random.Generator
) -> tuple[list[Genes], set[str]]:
    """Take doubles in the given order; each must end with exactly `missing` of its singles unmeasured.

    A double whose two genes were already both kept, or both removed, for earlier ones is passed over
    when one single should be missing, so that fewer than `count` may be taken.
    """
    chosen: list[Genes] = []
    unmeasured: set[str] = set()
    kept: set[str] = set()
    for genes in order:
        if len(chosen) == count:
            break
        first, second = rng.permutation(genes).tolist()
        if missing == 2:
            unmeasured |= {first, second}
        else:
            if first in kept or second in unmeasured:
                first, second = second, first
            if first in kept or second in unmeasured:
                continue
            unmeasured.add(first)
            kept.add(second)
        chosen.append(genes)
    return chosen, unmeasured


def _response_clusters(
    gene_sets: Sequence[Genes], design: Design, bulk: Pseudobulk, k: int, seed: int
) -> NDArray[np.intp]:
    """Label of each gene set by k-means of its change against control, averaged over settings.

    Clusters are numbered by their first member, so that the names of folds do not depend on
    k-means' own numbering.
    """
    conditions: tuple[Condition, ...] = design.of_sets(gene_sets)
    delta = TrainingSet.from_pseudobulk(bulk, conditions, shared_control=True).delta
    position = {genes: i for i, genes in enumerate(gene_sets)}
    where = np.array([position[c.genes] for c in conditions])
    response = np.zeros((len(gene_sets), delta.shape[1]))
    np.add.at(response, where, delta)
    response /= np.bincount(where, minlength=len(gene_sets))[:, None]
    labels = KMeans(k, n_init=10, random_state=seed).fit_predict(response)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], dtype=np.intp)
