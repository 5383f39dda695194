"""What edits do to a drift, as numbers: one row a segment of a cell's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from pajamo.data.history import Edit, Segment


@dataclass(frozen=True)
class Intervention:
    """Edits and medium of a batch of segments.

    Attributes
    ----------
    factor: production of each component is multiplied by it (0 knockout, 1 - s CRISPRi, 1 + s CRISPRa),
        shape (rows, components).
    shift: added to production, level per unit of time, shape (rows, components).
    held: True where the level is clamped, shape (rows, components).
    level: the level at which it is clamped, shape (rows, components).
    medium: position of the medium in the drift's own list, shape (rows,).
    dose: how strongly each target of a drift's own list is edited, whether or not it is a component: -1 knockout,
        -s CRISPRi, s CRISPRa and shift; shape (rows, targets), no targets if the drift has no such list.
    """

    factor: torch.Tensor
    shift: torch.Tensor
    held: torch.Tensor
    level: torch.Tensor
    medium: torch.Tensor
    dose: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))

    @classmethod
    def of(
        cls,
        segments: Sequence[Segment],
        components: Mapping[str, int],
        media: Mapping[str, int],
        *,
        targets: Mapping[str, int] | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Intervention:
        """Numbers of the given segments; an edit whose target is no component acts on nothing here."""
        rows = len(segments)
        factor = torch.ones(rows, len(components), dtype=dtype)
        shift, level = torch.zeros_like(factor), torch.zeros_like(factor)
        held = torch.zeros(rows, len(components), dtype=torch.bool)
        for row, segment in enumerate(segments):
            for edit in segment.edits:
                if edit.target in components:
                    _write(edit, (row, components[edit.target]), factor, shift, held, level)
        medium = torch.tensor([media.get(segment.medium, 0) for segment in segments], dtype=torch.long)
        return cls(factor, shift, held, level, medium, _doses(segments, targets or {}, dtype))

    def __getitem__(self, rows: torch.Tensor | slice) -> Intervention:
        return Intervention(
            self.factor[rows], self.shift[rows], self.held[rows], self.level[rows], self.medium[rows],
            self.dose[rows] if self.dose.numel() else self.dose,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.factor)

    def clamp(self, state: torch.Tensor) -> torch.Tensor:
        """The state with clamped components at their level."""
        return torch.where(self.held, self.level, state)


def _write(
    edit: Edit,
    at: tuple[int, int],
    factor: torch.Tensor,
    shift: torch.Tensor,
    held: torch.Tensor,
    level: torch.Tensor,
) -> None:
    if edit.kind == "knockout":
        factor[at] = 0.0
    elif edit.kind == "crispri":
        factor[at] *= 1.0 - edit.strength
    elif edit.kind == "crispra":
        factor[at] *= 1.0 + edit.strength
    elif edit.kind == "shift":
        shift[at] += edit.strength
    else:
        held[at] = True
        level[at] = edit.strength


def _doses(segments: Sequence[Segment], targets: Mapping[str, int], dtype: torch.dtype) -> torch.Tensor:
    dose = torch.zeros(len(segments), len(targets), dtype=dtype)
    for row, segment in enumerate(segments):
        for edit in segment.edits:
            if edit.target in targets:
                dose[row, targets[edit.target]] += dose_of(edit)
    return dose


def dose_of(edit: Edit) -> float:
    """How strongly an edit acts: -1 knockout, -s CRISPRi, s for the others."""
    if edit.kind == "knockout":
        return -1.0
    return -edit.strength if edit.kind == "crispri" else edit.strength
