"""What a model of dynamics lets its users read: network, rest points, attractors, orders."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.models.flow_parts.fitted_flow import FittedFlow
from pajamo.models.flow_parts.network import hub_table, network_table
from pajamo.models.flow_parts.orders import commutator_table, delay_table, step_table
from pajamo.models.flow_parts.resting import (
    RANDOM_STARTS,
    AttractorTable,
    RestPointTable,
    attractor_table,
    rest_points,
)
from pajamo.units import LOG_NORMALISED


class FlowReadings:
    """Tables of a fitted flow, for models that have one as `flow`."""

    flow: FittedFlow
    seed: int

    def network(self) -> pd.DataFrame:
        """Edges regulator -> gene with value, se, z and sign, the surest first; see `network_table`."""
        return network_table(self.flow, LOG_NORMALISED)

    def hubs(self) -> pd.DataFrame:
        """Regulators by how many genes they surely move; see `hub_table`."""
        return hub_table(self.network())

    def rest_points(self, conditions: Sequence[Condition]) -> RestPointTable:
        """Where cells of each condition come to rest, and the stability margin there, per unit of time.

        Raises
        ------
        ModelError: cells are in a medium that no training control was in.
        """
        return rest_points(self.flow, conditions)

    def attractors(self, condition: Condition, *, starts: int = RANDOM_STARTS) -> AttractorTable:
        """States that cells under a condition's edits can rest in, and which starts flow to which.

        Parameters
        ----------
        starts: random ones, beside unperturbed cells and cells at rest under each known perturbation.

        Raises
        ------
        ModelError: cells are in a medium that no training control was in.
        """
        return attractor_table(self.flow, condition, random=starts, seed=self.seed)

    def commutator(
        self, first: str, second: str, *, medium: str | None = None, duration: float | None = None
    ) -> pd.Series:
        """How much it matters which of two operations (perturbations or media) comes first.

        Raises
        ------
        ModelError: an operation or a medium that the flow does not know.
        """
        return self.commutators([first, second], medium=medium, duration=duration).iloc[0]

    def commutators(
        self,
        operations: Sequence[str] | None = None,
        *,
        medium: str | None = None,
        duration: float | None = None,
    ) -> pd.DataFrame:
        """The commutator of every two operations, the largest first; of all known perturbations if none are named.

        See `commutator_table` for the columns.
        """
        names = self.flow.regulation.targets[:-1] if operations is None else operations
        table = commutator_table(self.flow, names, medium=medium, duration=duration)
        return table.sort_values("kappa", ascending=False, kind="stable", ignore_index=True)

    def step_orders(self, condition: Condition, arm: str | None = None) -> pd.DataFrame:
        """How much exchanging two steps of the protocol changes what becomes of a condition; see `step_table`."""
        return step_table(self.flow, condition, arm)

    def delay_sensitivity(self, conditions: Sequence[Condition]) -> pd.DataFrame:
        """What one more unit of delay until edits act takes from each change; see `delay_table`."""
        return delay_table(self.flow, conditions)
