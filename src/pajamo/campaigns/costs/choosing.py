"""The cost model that settings ask for."""

from __future__ import annotations

from collections.abc import Mapping

from pajamo.campaigns.costs.model import CostModel
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.campaigns.costs.table import TableCost
from pajamo.config.campaigns.constraints import LayoutSettings
from pajamo.config.campaigns.cost import ScreenCostSettings, TableCostSettings
from pajamo.protocols.errors import Variances


def cost_model(
    settings: ScreenCostSettings | TableCostSettings,
    layout: LayoutSettings | None = None,
    variances: Variances | None = None,
    of_target: Mapping[str, Variances] | None = None,
) -> CostModel:
    """Make the cost model.

    Parameters
    ----------
    settings: of a screen or of a table.
    layout: limits of lanes or plates.
    variances, of_target: of a screen, as in `ScreenCost`.
    """
    if isinstance(settings, TableCostSettings):
        return TableCost(settings, layout)
    return ScreenCost(settings, layout, variances, of_target)
