"""What a user orders from: one row a candidate, and which cells or wells go into which lane."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.campaigns.costs.allocation import Batch, Entry
from pajamo.campaigns.costs.bill import CENTS, Array, in_cents
from pajamo.campaigns.costs.knapsack import Chosen
from pajamo.campaigns.costs.model import CostModel
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.protocols.planning.allocation import deal

CONTROL, SHARED = "control", "shared"
"""Kinds of rows beside those of candidates."""
COLUMNS = (
    "candidate", "kind", "targets", "guides", "cells_per_guide", "replicates", "units", "lanes",
    "expected_gain", "noise_sd", "cost",
)  # fmt: skip


def order_sheet(chosen: Chosen, costs: CostModel) -> pd.DataFrame:
    """What to order: one row a candidate, one for controls, one for what all share; costs add up to the total.

    Returns
    -------
    Columns: candidate; kind ("new", "repeat", "control", "shared"); targets; guides; cells_per_guide (usable, in each
    replicate); replicates; units (captured cells or wells of all runs); lanes (of each run); expected_gain;
    noise_sd (of the recorded effect); cost (of the candidate alone; runs, lanes and controls are in "shared").
    """
    batch = chosen.batch
    lanes = lanes_of(batch, costs)
    rows = [
        _row(entry, float(noise), costs, lanes)
        for entry, noise in zip(batch.entries, chosen.noise, strict=True)
    ]
    own = sum(int(in_cents(costs.own(entry))) for entry in batch.entries)
    load = costs.load(batch.entries)
    each = chosen.controls / costs.control_guides if costs.control_guides else 1.0
    units = float(costs.control_units(load, batch.runs, lanes))
    rows.append(
        [CONTROL, CONTROL, "", costs.control_guides, each, batch.runs, units, lanes, np.nan, np.nan, 0.0]
    )
    shared = (chosen.cost.cents - own) / CENTS
    rows.append([SHARED, SHARED, "", 0, np.nan, batch.runs, 0.0, lanes, np.nan, np.nan, shared])
    return pd.DataFrame(rows, columns=list(COLUMNS))


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


def _row(entry: Entry, noise: float, costs: CostModel, lanes: int) -> list[object]:
    given = entry.allocation
    units: Array = costs.load_of(given, entry.order, made=entry.made).units
    cents = int(in_cents(costs.own(entry)))
    kind = "repeat" if entry.made else "new"
    return [
        entry.name, kind, ", ".join(entry.targets), given.guides, given.cells_per_guide, given.replicates,
        float(units), lanes, entry.gain, float(np.sqrt(noise)), cents / CENTS,
    ]  # fmt: skip
