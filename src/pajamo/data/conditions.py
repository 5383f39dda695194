"""What was done to a group of cells, in one canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pajamo.errors import DataError

SEPARATOR = "+"
CONTROL_TOKENS = frozenset({"ctrl", "control", "non-targeting", "nt", "nontargeting", "negctrl"})
"""Spellings of "nothing" that other tools write inside a combination, as in "KLF1+ctrl"."""


@dataclass(frozen=True, order=True)
class Condition:
    """The genes perturbed in a cell, in which context, and when it was measured.

    Attributes
    ----------
    genes: the perturbed genes, sorted and unique, so that A+B equals B+A; empty for the control.
    context: cell line, donor or medium; empty if the screen has one context.
    time: when the cells were measured, in the unit of the screen's own time column; NaN-free,
        0 if the screen has one time.
    """

    genes: tuple[str, ...]
    context: str = ""
    time: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "genes", tuple(sorted(set(self.genes))))

    @property
    def order(self) -> int:
        """Number of genes perturbed at once: 0 control, 1 single, 2 double."""
        return len(self.genes)

    @property
    def is_control(self) -> bool:
        """Whether nothing was perturbed."""
        return not self.genes

    @property
    def setting(self) -> tuple[str, float]:
        """Context and time: what a matching control shares."""
        return self.context, self.time

    @property
    def control(self) -> Condition:
        """The control measured in the same context at the same time."""
        return Condition((), self.context, self.time)

    def parts(self) -> tuple[Condition, ...]:
        """The single perturbations of which this one is the combination, in the same setting."""
        return tuple(Condition((gene,), self.context, self.time) for gene in self.genes)

    def to_list(self) -> list[object]:
        """Genes, context and time as JSON can hold them."""
        return [list(self.genes), self.context, self.time]

    @classmethod
    def from_list(cls, values: Sequence[Any]) -> Condition:
        """Read what `to_list` wrote."""
        genes, context, time = values
        return cls(tuple(genes), str(context), float(time))

    def __str__(self) -> str:
        label = SEPARATOR.join(self.genes) if self.genes else "control"
        if self.context:
            label += f" in {self.context}"
        if self.time:
            label += f" at {self.time:g}"
        return label


def parse_perturbation(label: str, control: str) -> tuple[str, ...]:
    """Read "A+B" as its genes; the control label, and control tokens within a combination, are nothing.

    Raises
    ------
    DataError: an empty part, as in "A+" or "A++B".
    """
    text = label.strip()
    if text == control:
        return ()
    parts = [part.strip() for part in text.split(SEPARATOR)]
    if any(not part for part in parts):
        raise DataError(
            f"perturbation {label!r} has an empty part",
            where="perturbation column",
            why="combinations are written A+B, so a '+' stands between two gene names",
            fix="rename it, or use the name of the control for cells without a perturbation",
        )
    return tuple(sorted({part for part in parts if part != control and part.lower() not in CONTROL_TOKENS}))


def singles_of(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Every single perturbation that occurs in the conditions, alone or in a combination, sorted."""
    return tuple(sorted({part for condition in conditions for part in condition.parts()}))
