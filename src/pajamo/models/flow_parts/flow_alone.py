"""A fitted flow under another protocol than it was fitted to: nothing was measured there, and the flow speaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.models.base import Reference
from pajamo.models.flow_parts.at_rest import AtRest
from pajamo.models.flow_parts.fitted_flow import FittedFlow
from pajamo.models.flow_parts.in_time import InTime

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FlowAlone:
    """The law of a flow that was moved to another protocol.

    Attributes
    ----------
    fitted: the law of the protocol that the data came from, which says how sure columns are.
    """

    fitted: InTime | AtRest

    def knows(self, condition: Condition) -> bool:
        """Nothing was measured under this protocol."""
        del condition
        return False

    def respond(self, conditions: Sequence[Condition], flow: FittedFlow) -> tuple[Array, Array]:
        """Mean and variance of each change: the flow's; errors of the columns, and the scatter of combinations.

        That the flow holds under this protocol is taken for granted: no variance is added for it.
        """
        weights, regulation = flow.weights(conditions), flow.regulation
        unknown = np.array(
            [sum(gene not in regulation.targets for gene in condition.genes) for condition in conditions]
        )
        pairs = np.array([math.comb(condition.order, 2) for condition in conditions])
        variance = weights**2 @ regulation.sd**2 + unknown[:, None] * regulation.typical
        return flow.changes(conditions), variance + pairs[:, None] * self.fitted.pair_scatter

    def control(self, conditions: Sequence[Condition], flow: FittedFlow, reference: Reference) -> Array:
        """The flow's own unperturbed cells along this protocol."""
        del reference
        return flow.controls(conditions)

    def reach(self) -> dict[str, float]:
        """Size of each perturbation's response relative to a typical one."""
        return self.fitted.reach()

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name."""
        return self.fitted.state()

    def facts(self) -> dict[str, object]:
        """Names."""
        return self.fitted.facts()
