"""What a screen costs, by arithmetic done by hand."""

import itertools
import math

import numpy as np
import pytest

from pajamo.campaigns.costs.allocation import Allocation, Batch, Entry
from pajamo.campaigns.costs.choosing import cost_model
from pajamo.campaigns.costs.infection import share_of_combination, share_with, vectors_per_cell
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.campaigns.costs.table import TableCost
from pajamo.config import parse
from pajamo.config.campaigns.constraints import LayoutSettings
from pajamo.config.campaigns.cost import ScreenCostSettings, TableCostSettings, any_cost
from pajamo.errors import StudyError
from pajamo.protocols.errors import Variances, control_ratio, variance_of_difference

PERTURBPLAN = ScreenCostSettings(
    batch=0,
    oligo=0,
    control_cells=375,
    whole_lanes=False,
    selected=False,
    counted="any",
    infection=1.0,
    doublets_per_thousand=0,
    failure_rate=0,
    cells_per_lane=20_000,
)
"""100 targets of 4 guides with 150 cells each, 10 non-targeting guides of 37.5 cells, one vector a cell."""
PLAIN = {"batch": 0, "oligo": 0, "doublets_per_thousand": 0, "failure_rate": 0}


def _entries(number: int, allocation: Allocation) -> tuple[Entry, ...]:
    return tuple(Entry((f"G{k}",), allocation) for k in range(number))


def test_perturbplans_example_is_reproduced() -> None:
    costs = ScreenCost(PERTURBPLAN)
    batch = Batch(_entries(100, Allocation(4, 37.5)))
    money = {line.what: line.money for line in costs.cost(batch).lines}
    assert money["captured cells"] == 1322.25  # 15,375 cells at .086
    assert money["sequencing"] == 159.73  # 15,375 x 20,000 / .72 reads at .374 a million
    assert costs.cost(batch).total == 1481.98


def test_the_lines_add_up_exactly() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        settings = ScreenCostSettings(batch=rng.random() * 1e3, cell=rng.random(), oligo=rng.random())
        costs = ScreenCost(settings)
        table = costs.cost(Batch(_entries(int(rng.integers(1, 40)), Allocation(3, 31)))).table()
        cents = (table["money"] * 100).round().astype(int)
        assert cents[:-1].sum() == cents.iloc[-1]


def test_lanes_are_whole() -> None:
    # Every cell usable: infection of 1 in unselected cells would lose most, so each is counted with all it carries.
    given = {**PLAIN, "counted": "any", "selected": False, "infection": 1.0, "reads_per_cell": 0}
    costs = ScreenCost(ScreenCostSettings(**given, cells_per_lane=1000, cell=1.0, control_cells=100))
    for cells, lanes in ((900, 1), (901, 2), (1900, 2), (1901, 3)):
        batch = Batch((Entry(("A",), Allocation(1, cells)),))
        assert costs.cost(batch).total == 1000 * lanes
        assert costs.fewest_lanes(costs.load(batch.entries), 1) == lanes
    loose = ScreenCost(
        ScreenCostSettings(**given, cells_per_lane=1000, cell=1.0, control_cells=100, whole_lanes=False)
    )
    assert loose.cost(Batch((Entry(("A",), Allocation(1, 901)),))).total == 1001


def test_expected_repeats_are_a_geometric_series() -> None:
    given = {**PLAIN, "failure_rate": 0.2, "reads_per_cell": 0, "whole_lanes": False, "cell": 1.0}
    costs = ScreenCost(ScreenCostSettings(**given, control_cells=0))
    sure = ScreenCost(ScreenCostSettings(**{**given, "failure_rate": 0.0}, control_cells=0))
    batch = Batch(_entries(7, Allocation(2, 60)))
    series = sum(0.2**k for k in range(60))
    assert costs.cost(batch).total == pytest.approx(sure.cost(batch).total * series, abs=0.011)


def test_made_guides_are_not_bought_again() -> None:
    costs = ScreenCost(ScreenCostSettings(**{**PLAIN, "oligo": 2.0}, oligos_per_guide=2, control_guides=0))
    new, old = (Entry(("A",), Allocation(3, 50), made=made) for made in (False, True))
    assert costs.cost(Batch((new,))).total - costs.cost(Batch((old,))).total == pytest.approx(12.0)
    assert costs.own(new) - costs.own(old) == pytest.approx(12.0)


def test_controls_follow_the_square_root_rule() -> None:
    costs = ScreenCost(ScreenCostSettings(least_control_cells=1))
    load = costs.load(_entries(64, Allocation(2, 50)))
    assert costs.controls(load, 1, 1) == pytest.approx(100 * float(control_ratio(64)))
    assert ScreenCost(ScreenCostSettings(least_control_cells=5000)).controls(load, 1, 1) == 5000
    assert ScreenCost(layout=LayoutSettings(controls=700)).controls(load, 1, 3) == 2100


def test_the_share_with_so_many_vectors_is_poissons() -> None:
    for infection in (0.3, 1.0, 10.0):
        assert sum(share_with(k, infection, selected=False) for k in range(80)) == pytest.approx(1)
        assert sum(share_with(k, infection, selected=True) for k in range(80)) == pytest.approx(1)
        mean = sum(k * share_with(k, infection, selected=True) for k in range(80))
        assert vectors_per_cell(infection, selected=True) == pytest.approx(mean)
    assert share_with(1, 0.3, selected=True) == pytest.approx(0.3 / math.expm1(0.3))


def test_the_share_of_a_combination_is_that_of_all_ways_in_which_vectors_arrive() -> None:
    fractions, infection = (0.5, 0.3, 0.2), 1.7
    wanted = {0, 1}
    by_hand = 0.0
    for number in range(1, 9):
        ways = itertools.product(range(3), repeat=number)
        chance = sum(math.prod(fractions[k] for k in way) for way in ways if set(way) == wanted)
        by_hand += share_with(number, infection, selected=False) * chance
    assert share_of_combination(fractions[:2], infection, selected=False) == pytest.approx(by_hand, rel=1e-3)
    selected = share_of_combination(fractions[:2], infection, selected=True)
    assert selected == pytest.approx(by_hand / -math.expm1(-infection), rel=1e-3)


def test_pairs_on_two_vectors_need_more_cells_than_on_one() -> None:
    one, two = (
        ScreenCost(ScreenCostSettings(doublets_per_thousand=0, infection=0.5, combinations=how))
        for how in ("construct", "vectors")
    )
    exactly = share_with(1, 0.5, selected=True)
    assert one.usable_share(2) == pytest.approx(exactly)
    assert two.usable_share(2) == pytest.approx(exactly**2)
    pair = Allocation(2, 50)
    assert two.load_of(pair, 2).units == pytest.approx(100 / exactly**2)
    assert two.load_of(pair, 2).new_guides == 4


def test_doublets_of_a_full_lane_do_not_count() -> None:
    with_them = ScreenCost(ScreenCostSettings(cells_per_lane=10_000, doublets_per_thousand=0.008))
    without = ScreenCost(ScreenCostSettings(doublets_per_thousand=0.0))
    assert with_them.usable_share() == pytest.approx(0.92 * without.usable_share())


def test_noise_is_the_error_analysis_of_the_protocols() -> None:
    of = Variances(cell=4.0, batch=1.0, batch_by_perturbation=0.3, guide=0.5, control_cell=2.0)
    costs = ScreenCost(variances=of, of_target={"A+B": Variances(cell=9.0)})
    found = costs.noise(("A",), Allocation(4, 25, 3), 200)
    by_hand = 4 / 300 + 2 / 600 + 0.3 * (1 / 3 + 1 / 3) + 0.5 / 4
    assert found == pytest.approx(by_hand)
    table = variance_of_difference([100] * 3, [200] * 3, of, guides=4)
    assert found == pytest.approx(float(table.total[0]))
    assert costs.noise_parts(("A",), Allocation(4, 25, 3), 200).batch[0] == pytest.approx(0)
    assert costs.noise(("B", "A"), Allocation(1, 9), 9) == pytest.approx(2.0)


def test_more_of_anything_is_never_noisier() -> None:
    costs = ScreenCost(variances=Variances(4.0, 1.0, 0.3, 0.5))
    base = costs.noise(("A",), Allocation(2, 50, 1))
    for more in (Allocation(3, 50), Allocation(2, 80), Allocation(2, 50, 2)):
        assert costs.noise(("A",), more) < base


def test_earlier_cells_join_new_ones_of_the_same_guides() -> None:
    both = Allocation(2, 50, 1).and_then(Allocation(2, 50, 1))
    assert both == Allocation(2, 50, 2)
    assert Allocation(2, 50).and_then(Allocation(4, 10)).cells * 2 == pytest.approx(140)


def test_what_breaks_the_experiment_is_named() -> None:
    costs = ScreenCost(ScreenCostSettings(cells_per_lane=2000, lanes_per_run=2), LayoutSettings(spread=3))
    entries = (*_entries(2, Allocation(2, 50)), Entry(("G0",), Allocation(2, 50, 2)))
    names = {one.constraint for one in costs.feasible(Batch(entries, 1, 1), budget=1.0)}
    assert names == {"once each", "replicates", "spread", "budget"}
    crowd = Batch(_entries(40, Allocation(4, 50)))
    assert {one.constraint for one in costs.feasible(crowd)} == {"lanes"}
    assert {one.constraint for one in costs.feasible(Batch(crowd.entries, 1, 2))} == {"capacity", "spread"}
    assert costs.feasible(Batch(()))[0].constraint == "candidates"
    assert costs.cost(Batch(())).total == 0
    assert ScreenCost().feasible(Batch(_entries(3, Allocation(2, 50)))) == []


def test_a_table_costs_plates_candidates_and_wells() -> None:
    settings = TableCostSettings(
        batch=10, plate=5, candidate=3, measurement=1, wells_per_plate=12, control_wells=2, sd=2, between_sd=4
    )
    costs = TableCost(settings)
    batch = Batch(
        (Entry(("A",), Allocation(replicates=8)), Entry(("B",), Allocation(replicates=8), made=True))
    )
    assert costs.cost(batch).total == 10 + 2 * 5 + 3 + 16 + 2 * 2
    assert costs.noise(("A",), Allocation(replicates=8)) == pytest.approx(0.5)
    assert costs.reliability(4) == pytest.approx(16 / 17)
    assert isinstance(cost_model(settings), TableCost)
    with pytest.raises(StudyError, match="spread between candidates"):
        TableCost().reliability(2)


def test_reliability_of_norman_pairs() -> None:
    costs = TableCost(TableCostSettings(sd=0.0822, between_sd=0.1739))
    found = [costs.reliability(n) for n in (1, 2, 4, 8)]
    assert found == pytest.approx([0.813, 0.897, 0.946, 0.972], abs=0.005)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cell": -0.1}, "cell"),
        ({"batch": -1}, "batch"),
        ({"million_reads": float("nan")}, "million_reads"),
        ({"failure_rate": 1.0}, "failure_rate"),
        ({"infection": 0.0}, "infection"),
        ({"mapping_efficiency": 0.0}, "mapping_efficiency"),
        ({"doublets_per_thousand": 0.1}, "no single cell"),
        ({"counted": "any", "combinations": "vectors"}, "exact"),
        ({"cells_a_lane": 3}, "unknown key"),
    ],
)
def test_impossible_prices_are_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        parse(ScreenCostSettings, change, "study.toml")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"measurement": -1.0}, "measurement"),
        ({"sd": 0.0}, "sd"),
        ({"wells_per_plate": 3, "control_wells": 3}, "no well"),
        ({"plates_per_run": 2}, "wells_per_plate"),
    ],
)
def test_impossible_tables_are_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        parse(TableCostSettings, change, "study.toml")


def test_the_kind_tells_settings_apart() -> None:
    assert isinstance(any_cost.validate_python({"kind": "table"}), TableCostSettings)
    assert isinstance(cost_model(any_cost.validate_python({"kind": "screen"})), ScreenCost)


def test_impossible_infections_and_allocations_are_refused() -> None:
    with pytest.raises(StudyError, match="multiplicity"):
        share_with(1, 0.0, selected=True)
    with pytest.raises(StudyError, match="shares of the pool"):
        share_of_combination((0.7, 0.7), 1.0, selected=False)
    with pytest.raises(StudyError, match="0 guides"):
        Allocation(0, 10)
