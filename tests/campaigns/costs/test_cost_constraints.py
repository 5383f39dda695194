"""Demands on a batch: kept where they can be, named where they exclude one another."""

import numpy as np
import pytest

from pajamo.campaigns.costs.allocation import Allocation
from pajamo.campaigns.costs.conflicts import rules_of
from pajamo.campaigns.costs.gains import ModelGain
from pajamo.campaigns.costs.knapsack import Chosen, best_batch
from pajamo.campaigns.costs.model import CostModel
from pajamo.campaigns.costs.options import Pool, menu_of
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.campaigns.costs.table import TableCost
from pajamo.campaigns.predictive import FactorPredictive
from pajamo.config import parse
from pajamo.config.campaigns.constraints import ConstraintSettings, LayoutSettings
from pajamo.config.campaigns.cost import ScreenCostSettings, TableCostSettings
from pajamo.errors import StudyError

TARGETS = [("A",), ("B",), ("C",), ("D",), ("A", "B"), ("A", "C"), ("B", "C")]
STRENGTH = [0.2, 1.0, 0.9, 0.8, 3.0, 2.0, 1.5]


def _bought(
    given: dict[str, object], budget: float = 3.0, costs: CostModel | None = None, **pool: object
) -> Chosen:
    predictive = FactorPredictive(np.zeros(7), np.diag(STRENGTH))
    return best_batch(
        Pool(TARGETS, **pool),
        ModelGain(predictive),
        costs or TableCost(),
        budget,
        menu_of(),
        ConstraintSettings(**given),
    )


def _names(chosen: Chosen) -> set[str]:
    return {entry.name for entry in chosen.batch.entries}


def test_what_must_be_included_is_and_the_rest_is_chosen_as_before() -> None:
    assert _names(_bought({})) == {"A+B", "A+C", "B+C"}
    assert _names(_bought({"must_include": ("A",)})) == {"A", "A+B", "A+C"}
    assert _names(_bought({"must_include": ("C+B",)})) == {"A+B", "A+C", "B+C"}


def test_forbidden_candidates_are_left_out() -> None:
    assert _names(_bought({"exclude": ("B+A",)})) == {"A+C", "B+C", "B"}
    assert _names(_bought({"must_not_pair": (("B", "A"),)})) == {"A+C", "B+C", "B"}
    assert _names(_bought({"must_not_combine": ("A",)})) == {"B+C", "B", "C"}


def test_numbers_are_kept_to() -> None:
    assert len(_bought({"most_candidates": 2}).rows) == 2
    grouped = {"groups": {"A": "first", "C": "second"}, "most_per_group": 1}
    assert _names(_bought(grouped, 7.0)) == {"A+B", "B+C", "B", "D"}
    costs = ScreenCost(ScreenCostSettings(control_guides=2))
    chosen = _bought({"most_guides": 5}, 1e5, costs)
    assert costs.load(chosen.batch.entries).guides + 2 == 5


def test_layout_is_kept_to() -> None:
    costs = TableCost(
        TableCostSettings(plate=1.0, wells_per_plate=10), LayoutSettings(capacity=4, controls=2, spread=1)
    )
    chosen = _bought({}, 9.0, costs)
    assert chosen.batch.lanes == 2
    assert len(chosen.rows) == 3 or len(chosen.rows) == 4
    assert costs.feasible(chosen.batch, 9.0) == []
    screen = ScreenCost(ScreenCostSettings(least_control_cells=1), LayoutSettings(spread=3))
    assert _bought({}, 1e5, screen).batch.lanes == 3


def test_measured_and_pending_candidates_are_not_offered() -> None:
    measured = {4: Allocation()}
    assert "A+B" not in _names(_bought({}, measured=measured))
    assert "A+B" in _names(_bought({}, measured=measured, repeats=True))
    free = np.array([True, True, True, True, False, True, True])
    assert "A+B" not in _names(_bought({}, available=free))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"must_include": ("E",)}, "must_include: 'E' is no candidate"),
        ({"must_include": ("A+D",)}, "is no candidate"),
        ({"exclude": ("Z",)}, "exclude: 'Z' is no candidate"),
        ({"must_not_pair": (("A", "Q"),)}, "'Q' is no perturbation"),
        ({"must_not_combine": ("Q",)}, "'Q' is no perturbation"),
        ({"must_include": ("A",), "exclude": ("A",)}, "must_include and exclude cannot both hold"),
        ({"must_include": ("A+B",), "must_not_pair": (("A", "B"),)}, "must_include and must_not_pair"),
        ({"must_include": ("A+B",), "must_not_combine": ("B",)}, "must_include and must_not_combine"),
        ({"must_include": ("A", "B"), "most_candidates": 1}, "must_include and most_candidates"),
        (
            {"must_include": ("A", "A+B"), "groups": {"A": "g"}, "most_per_group": 1},
            "must_include and most_per_group",
        ),
        ({"exclude": ("A", "B", "C", "D", "A+B", "A+C", "B+C")}, "no candidate is left"),
        ({"must_include": ("A", "B", "C", "D")}, "below one batch"),
    ],
)
def test_demands_that_cannot_be_met_are_named(given: dict[str, object], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        _bought(given)


def test_what_was_measured_or_is_pending_cannot_be_demanded() -> None:
    with pytest.raises(StudyError, match="has been measured already"):
        _bought({"must_include": ("A",)}, measured={0: Allocation()})
    with pytest.raises(StudyError, match="pending or withdrawn"):
        _bought({"must_include": ("A",)}, available=np.arange(7) > 0)
    repeated = _bought({"must_include": ("A",)}, measured={0: Allocation()}, repeats=True)
    assert "A" in _names(repeated)


def test_layouts_that_hold_nothing_are_named() -> None:
    full = TableCost(TableCostSettings(wells_per_plate=8), LayoutSettings(controls=8))
    with pytest.raises(StudyError, match=r"layout\.controls and layout\.capacity"):
        _bought({}, 5.0, full)
    few = TableCost(
        TableCostSettings(wells_per_plate=8, plates_per_run=2), LayoutSettings(spread=3, most_lanes=2)
    )
    with pytest.raises(StudyError, match=r"layout\.spread and layout\.most_lanes"):
        _bought({}, 5.0, few)
    library = ScreenCost(ScreenCostSettings(control_guides=10))
    with pytest.raises(StudyError, match="most_guides is 10"):
        _bought({"most_guides": 10}, 1e5, library)
    crowded = ScreenCost(ScreenCostSettings(cells_per_lane=300, lanes_per_run=1))
    with pytest.raises(StudyError, match="cannot be laid out: lanes"):
        _bought({}, 1e5, crowded)


def test_a_misspelt_name_gets_its_nearest() -> None:
    pool = Pool([("KLF1",), ("CEBPA",)])
    with pytest.raises(StudyError) as caught:
        rules_of(ConstraintSettings(must_include=("KLF2",)), pool, TableCost())
    assert "did you mean 'KLF1'" in caught.value.fix


def test_groups_are_needed_for_their_limit() -> None:
    with pytest.raises(StudyError, match="needs `groups`"):
        parse(ConstraintSettings, {"most_per_group": 2}, "study.toml")
