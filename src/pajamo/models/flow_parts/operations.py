"""What can be done to cells, as a user writes it: a perturbation, or a change of medium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pajamo.data.conditions import SEPARATOR
from pajamo.data.history import Edit
from pajamo.errors import ModelError, nearest, shorten
from pajamo.models.flow_parts.fitted_flow import FittedFlow
from pajamo.models.flow_parts.words import BEGIN


@dataclass(frozen=True)
class Operation:
    """Edits that act from now on, or a medium that cells are moved to.

    Attributes
    ----------
    name: as the user wrote it.
    edits: those of a perturbation, with the dose that was measured; empty for a change of medium.
    medium: empty for a perturbation.
    """

    name: str
    edits: frozenset[Edit] = frozenset()
    medium: str = ""

    @classmethod
    def of(cls, name: str, flow: FittedFlow) -> Operation:
        """A perturbation "A" or "A+B" of genes that were perturbed in training, or the name of a medium.

        Raises
        ------
        ModelError: it is neither.
        """
        doses = dict(zip(flow.regulation.targets[:-1], flow.regulation.dose[:-1], strict=True))
        genes = name.split(SEPARATOR)
        if all(gene in doses for gene in genes):
            return cls(name, frozenset(_edit(gene, float(doses[gene])) for gene in genes))
        if name in flow.media:
            return cls(name, medium=name)
        raise ModelError(
            f"{name!r} is no operation that the flow knows",
            why="an operation is a perturbation that was seen in training, or a medium",
            fix=f"{nearest(name, [*doses, *flow.media])}perturbations: {shorten(doses)}; "
            f"media: {shorten(map(repr, flow.media))}",
        )


def resting_medium(flow: FittedFlow, medium: str | None = None) -> str:
    """The medium in which cells begin: the one given, or the only one, or the first by name.

    Raises
    ------
    ModelError: there is no such medium.
    """
    known = [name for name in flow.media if not name.startswith(BEGIN)]
    if medium is None:
        return known[0]
    if medium not in flow.media:
        raise ModelError(
            f"the flow has no medium {medium!r}",
            fix=f"{nearest(medium, known)}it knows {shorten(map(repr, known))}",
        )
    return medium


def _edit(gene: str, dose: float) -> Edit:
    """An edit of this dose; what it does to production is in the column, whatever its kind was."""
    if np.isclose(dose, -1.0) or dose == 0:
        return Edit(gene)
    return Edit(gene, "crispri", -dose) if -1.0 < dose < 0 else Edit(gene, "crispra", dose)
