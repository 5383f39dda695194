"""What a screen offers to a split: its conditions by gene set, and which doubles have which singles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pajamo.data.conditions import SEPARATOR, Condition
from pajamo.errors import SplitError, shorten

Genes = tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """The perturbed conditions of a screen, without controls.

    A combination measured in several contexts or at several times is one gene set: it is held out
    everywhere at once, since its response elsewhere would give it away.
    """

    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, conditions: Iterable[Condition]) -> Design:
        """Leave out the controls and bring the rest in order."""
        return cls(tuple(sorted(c for c in conditions if not c.is_control)))

    @cached_property
    def genes(self) -> tuple[str, ...]:
        """Every perturbed gene, sorted."""
        return tuple(sorted({gene for condition in self.conditions for gene in condition.genes}))

    @cached_property
    def combinations(self) -> tuple[Genes, ...]:
        """Gene sets of two or more genes, sorted."""
        return tuple(sorted({c.genes for c in self.conditions if c.order > 1}))

    @cached_property
    def orphans(self) -> tuple[Genes, ...]:
        """Combinations of which no gene was ever perturbed alone: nothing to compose them from."""
        alone = {c.genes[0] for c in self.conditions if c.order == 1}
        return tuple(genes for genes in self.combinations if not alone.intersection(genes))

    @cached_property
    def candidates(self) -> tuple[Genes, ...]:
        """Combinations that may be held out: those with at least one measured single."""
        orphans = set(self.orphans)
        return tuple(genes for genes in self.combinations if genes not in orphans)

    @cached_property
    def complete_doubles(self) -> tuple[Genes, ...]:
        """Doubles of which both singles were measured wherever the double was."""
        measured = set(self.conditions)
        lacking = {c.genes for c in self.conditions if not all(part in measured for part in c.parts())}
        return tuple(genes for genes in self.combinations if len(genes) == 2 and genes not in lacking)

    def of_sets(self, gene_sets: Iterable[Genes]) -> tuple[Condition, ...]:
        """Conditions, in every setting, with one of these gene sets."""
        wanted = set(gene_sets)
        return tuple(c for c in self.conditions if c.genes in wanted)

    def without(self, held: Iterable[Condition]) -> tuple[Condition, ...]:
        """All other conditions."""
        gone = set(held)
        return tuple(c for c in self.conditions if c not in gone)

    def notes(self) -> tuple[str, ...]:
        """What is reported of the doubles that no composition can predict."""
        if not self.orphans:
            return ()
        named = shorten(SEPARATOR.join(genes) for genes in self.orphans)
        return (f"{len(self.orphans)} combinations have no measured single to be composed of: {named}",)


def require(found: Sequence[object], needed: int, what: str, kind: str, fix: str) -> None:
    """Refuse a split that needs more than the screen has.

    Raises
    ------
    SplitError: with the number needed and the number found.
    """
    if len(found) < needed:
        raise SplitError(
            f"the split {kind!r} needs {needed} {what}, the screen has {len(found)}",
            where="[split]",
            why=f"found: {shorten(map(_named, found))}" if found else f"there are no {what}",
            fix=fix,
        )


def _named(item: object) -> str:
    return SEPARATOR.join(item) if isinstance(item, tuple) else str(item) or "(without a name)"


def require_parts(folds: int, kind: str) -> None:
    """Refuse a partition into a single part.

    Raises
    ------
    SplitError: fewer than two folds.
    """
    if folds < 2:
        raise SplitError(
            f"the split {kind!r} needs 2 or more folds, the study says {folds}",
            where="[split] folds",
            why="each fold is one part, and the others are the training side",
            fix="set folds = 2 or more",
        )
