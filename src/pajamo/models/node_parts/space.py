"""The state that a network moves: components of the responses, or levels of genes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from pajamo.data.history import Segment
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.models.base import Array
from pajamo.models.flow_parts.assembly import UNKNOWN
from pajamo.models.node_parts.coordinates import Coordinates

PRECISION = torch.float32
"""Of training; predictions are integrated in float64."""


@dataclass(frozen=True)
class StateSpace:
    """How states, levels and the coordinates in which they are compared belong together.

    Attributes
    ----------
    coordinates: in which predictions and measurements are compared.
    in_levels: whether the state is the level of each gene; if not, it is the coordinates themselves.
    genes: names, in the order of the levels.
    targets: column of each perturbed gene or drug in the dose.
    media: position of each medium.
    """

    coordinates: Coordinates
    in_levels: bool
    genes: tuple[str, ...]
    targets: tuple[str, ...]
    media: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of components of the state."""
        return len(self.genes) if self.in_levels else self.coordinates.size

    @property
    def every_gene(self) -> bool:
        """Whether no gene is left out of the coordinates."""
        return self.coordinates.size == len(self.genes)

    def state(self, levels: Array) -> Array:
        """States of levels, as far as the coordinates hold them, shape (..., components)."""
        values = self.coordinates.values(levels)
        return self.coordinates.levels(values) if self.in_levels else values

    def variances(self, variance: Array) -> Array:
        """Variances of states whose genes err independently, shape (..., components)."""
        values = self.coordinates.variances(variance)
        return values @ self.coordinates.decode**2 if self.in_levels else values

    def levels(self, state: Array) -> Array:
        """Levels of states, shape (..., genes)."""
        return state if self.in_levels else self.coordinates.levels(state)

    def compared(self, state: torch.Tensor) -> torch.Tensor:
        """Coordinates of states, shape (..., coordinates)."""
        if not self.in_levels:
            return state
        centre, encode, _ = self._tensors
        return (state - centre.to(state)) @ encode.to(state)

    def intervene(self, segments: Sequence[Segment], dtype: torch.dtype = PRECISION) -> Intervention:
        """Numbers of segments; where components are no genes, edits act through the dose alone.

        Doses have one column a target, and a last one for all targets that were never perturbed.
        """
        last = len(self.targets)
        strange = {
            edit.target: last for s in segments for edit in s.edits if edit.target not in self._targets
        }
        columns = {**self._targets, **strange}
        made = Intervention.of(segments, self._components, self._media, targets=columns, dtype=dtype)
        return replace(made, dose=made.dose[:, : last + 1])

    @cached_property
    def _tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.coordinates.tensors(PRECISION)

    @cached_property
    def _components(self) -> Mapping[str, int]:
        if self.in_levels or self.every_gene:
            return {name: i for i, name in enumerate(self.genes)}
        return {f"component {i + 1}": i for i in range(self.size)}

    @cached_property
    def _media(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self.media)}

    @cached_property
    def _targets(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate((*self.targets, UNKNOWN))}
