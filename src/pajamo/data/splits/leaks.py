"""Does a split keep what it promises? Checked whenever one is made, whatever made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pajamo.data.conditions import Condition
from pajamo.data.splits.split import WITHOUT, Fold, Split
from pajamo.errors import SplitError, shorten

Check = Callable[[Fold, Split], Iterable[Condition]]


def check_leaks(split: Split) -> None:
    """Check that no fold's training side holds what its test side should not have given away.

    Raises
    ------
    SplitError: an empty side; a control among the perturbed; a condition on both sides; or a breach of
        what the kind of split promises. The offenders are named.
    """
    for fold in split.folds:
        _refuse_empty(fold)
        for promise, broken in PROMISES.get(split.kind, ()):
            _refuse(fold, promise, broken(fold, split))


def _refuse_empty(fold: Fold) -> None:
    for side, conditions in (("training", fold.train), ("test", fold.test)):
        if not conditions:
            raise SplitError(
                f"fold {fold.name} has no {side} condition", where="[split]", fix="hold out another share"
            )
    _refuse(
        fold,
        "controls belong to both sides and are not listed",
        [c for c in (*fold.train, *fold.test) if c.is_control],
    )
    _refuse(fold, "no condition is on both sides", set(fold.train) & set(fold.test))


def _refuse(fold: Fold, promise: str, offenders: Iterable[Condition]) -> None:
    named = sorted(offenders)
    if named:
        raise SplitError(
            f"fold {fold.name} leaks: {shorten(named)}",
            where="[split]",
            why=f"the promise is broken that {promise}",
            fix="make the split again with pajamo.data.splits.make_split",
        )


def _genes(conditions: Iterable[Condition]) -> set[str]:
    return {gene for condition in conditions for gene in condition.genes}


def _singles_held_out(fold: Fold, split: Split) -> list[Condition]:
    del split
    return [c for c in fold.test if c.order < 2]


def _seen_elsewhere(fold: Fold, split: Split) -> list[Condition]:
    """Test conditions whose genes were perturbed together in training in another setting."""
    del split
    seen = {c.genes for c in fold.train}
    return [c for c in fold.test if c.genes in seen]


def _wrong_number_of_singles(fold: Fold, split: Split) -> list[Condition]:
    seen = set(fold.train)
    expected = 2 - split.settings.missing
    return [c for c in fold.test if sum(part in seen for part in c.parts()) != expected]


def _left_gene_seen(fold: Fold, split: Split) -> list[Condition]:
    """Training conditions that touch the gene after which the fold is named, and test ones that do not."""
    del split
    gene = fold.name.removeprefix(WITHOUT)
    return [c for c in fold.train if gene in c.genes] + [c for c in fold.test if gene not in c.genes]


def _partner_singles_seen(fold: Fold, split: Split) -> list[Condition]:
    if split.settings.missing == 1:
        return []
    held = _genes(fold.test)
    return [c for c in fold.train if c.order == 1 and c.genes[0] in held]


def _all_genes_seen(fold: Fold, split: Split) -> list[Condition]:
    del split
    seen = _genes(fold.train)
    return [c for c in fold.test if seen.issuperset(c.genes)]


def _context_seen(fold: Fold, split: Split) -> list[Condition]:
    del split
    held = {c.context for c in fold.test}
    return [c for c in fold.train if c.context in held]


def _time_seen(fold: Fold, split: Split) -> list[Condition]:
    del split
    held = {c.time for c in fold.test}
    return [c for c in fold.train if c.time in held]


_COMBINATIONS: Final[tuple[tuple[str, Check], ...]] = (
    ("only combinations are held out", _singles_held_out),
    ("a held-out combination is unseen in every context and at every time", _seen_elsewhere),
)

PROMISES: Final[dict[str, tuple[tuple[str, Check], ...]]] = {
    "doubles": _COMBINATIONS,
    "cluster": _COMBINATIONS,
    "missing-single": (
        *_COMBINATIONS,
        ("each held-out double lacks exactly the number of singles asked for", _wrong_number_of_singles),
    ),
    "leave-gene-out": (
        *_COMBINATIONS,
        ("the gene left out is in every held-out combination and nowhere in training", _left_gene_seen),
        ("no single of a held-out combination is in training", _partner_singles_seen),
    ),
    "unseen-perturbation": (("each held-out condition has a gene that training never saw", _all_genes_seen),),
    "context": (("nothing perturbed in a held-out context is in training", _context_seen),),
    "time": (("nothing perturbed at a held-out time is in training", _time_seen),),
}
