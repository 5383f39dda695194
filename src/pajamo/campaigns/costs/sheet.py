"""Which cells or wells go into which lane, and how many cells have to be loaded for them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.campaigns.costs.allocation import Batch, Entry
from pajamo.campaigns.costs.model import CostModel
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.protocols.planning.allocation import deal

CONTROL = "control"
"""Name of the control beside those of candidates."""


def lane_sheet(batch: Batch, costs: CostModel) -> pd.DataFrame:
    """What goes into which lane (plate): every candidate and the control in each, as evenly as whole numbers allow.

    `pajamo.protocols.planning` advises it: effects of lanes then cancel between a perturbation and its control.

    Returns
    -------
    One row a candidate (and the control) and lane: candidate, run, lane, units (usable cells, or wells).
    """
    lanes = lanes_of(batch, costs)
    places = batch.runs * lanes
    weight = np.full(places, 1.0 / places)
    load = costs.load(batch.entries)
    controls = round(float(costs.controls(load, batch.runs, lanes)) * batch.runs)
    names = [*(entry.name for entry in batch.entries), CONTROL]
    numbers = np.array([*(_units(entry, costs) for entry in batch.entries), controls], dtype=float)
    dealt = deal(numbers, weight)
    run, lane = np.divmod(np.arange(places), lanes)
    table = pd.DataFrame(
        {
            "candidate": np.repeat(names, places),
            "run": np.tile(run + 1, len(names)),
            "lane": np.tile(lane + 1, len(names)),
            "units": dealt.ravel().astype(int),
        }
    )
    return table[table["units"] > 0].reset_index(drop=True)


def lane_totals(batch: Batch, costs: CostModel) -> pd.DataFrame:
    """One row a lane: usable cells (wells), and for screens the cells to capture and to load for them."""
    summed = lane_sheet(batch, costs).groupby(["run", "lane"])["units"].sum()
    table = pd.DataFrame(summed.reset_index())
    if not isinstance(costs, ScreenCost):
        return table
    load = costs.load(batch.entries)
    lanes = lanes_of(batch, costs)
    captured = float(costs.units(load, batch.runs, lanes)) / (batch.runs * lanes)
    return table.assign(captured=captured, to_load=captured / costs.settings.capture)


def lanes_of(batch: Batch, costs: CostModel) -> int:
    """Lanes of each run."""
    return batch.lanes or costs.fewest_lanes(costs.load(batch.entries), batch.runs)


def _units(entry: Entry, costs: CostModel) -> int:
    each = costs.load_of(entry.allocation, entry.order)
    return round(float(each.usable))
