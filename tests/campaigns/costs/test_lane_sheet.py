"""What is ordered, and how lanes are filled: everything adds up."""

import pytest

from pajamo.campaigns.costs.allocation import Allocation, Batch, Entry
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.campaigns.costs.sheet import lane_sheet, lane_totals
from pajamo.campaigns.costs.table import TableCost
from pajamo.config.campaigns.cost import ScreenCostSettings, TableCostSettings
from pajamo.protocols.errors import is_proportional


def test_lanes_are_balanced_and_every_perturbation_is_in_each() -> None:
    costs = ScreenCost(ScreenCostSettings(cells_per_lane=1000))
    entries = tuple(Entry((name,), Allocation(3, 41)) for name in "ABCDEFGH")
    batch = Batch(entries)
    sheet, totals = lane_sheet(batch, costs), lane_totals(batch, costs)
    lanes = costs.fewest_lanes(costs.load(entries), 1)
    assert lanes > 1
    assert (sheet.groupby("candidate")["lane"].nunique() == lanes).all()
    assert sheet[sheet["candidate"] == "A"]["units"].sum() == 123
    assert totals["units"].max() - totals["units"].min() <= 1
    assert (totals["captured"] <= 1000).all()
    assert totals["to_load"].to_numpy() == pytest.approx(totals["captured"] / 0.575)
    cells = sheet.pivot(index="candidate", columns="lane", values="units")
    assert is_proportional(cells.loc["A"], cells.loc["control"], tolerance=1e-3)


def test_repeats_of_a_candidate_go_onto_different_plates() -> None:
    costs = TableCost(TableCostSettings(wells_per_plate=6, control_wells=1))
    batch = Batch(tuple(Entry((name,), Allocation(replicates=3)) for name in "ABCDE"))
    sheet = lane_sheet(batch, costs)
    assert costs.fewest_lanes(costs.load(batch.entries), 1) == 3
    assert (sheet["units"] == 1).all()
    assert (lane_totals(batch, costs)["units"] == 6).all()
