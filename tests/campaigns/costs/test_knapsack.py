"""The batch for a budget, against brute force and by arithmetic."""

import itertools

import numpy as np
import pytest
from scipy import stats

from pajamo.campaigns.costs.allocation import Allocation
from pajamo.campaigns.costs.gains import CallableGain, ModelGain
from pajamo.campaigns.costs.hits import HitGain
from pajamo.campaigns.costs.knapsack import best_batch
from pajamo.campaigns.costs.options import Pool, menu_of, options_of
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.campaigns.costs.table import TableCost
from pajamo.campaigns.predictive import FactorPredictive
from pajamo.campaigns.situation import Target
from pajamo.config.campaigns.constraints import LayoutSettings
from pajamo.config.campaigns.cost import ScreenCostSettings, TableCostSettings
from pajamo.errors import DataError, ModelError, StudyError
from pajamo.protocols.errors import Variances


def _pool(number: int, **given: object) -> Pool:
    return Pool([(f"G{k}",) for k in range(number)], **given)


def _predictive(number: int, rank: int, seed: int) -> FactorPredictive:
    rng = np.random.default_rng(seed)
    return FactorPredictive(rng.normal(size=number), rng.normal(size=(number, rank)))


def _left(covariance: np.ndarray, rows: list[int], noise: list[float]) -> float:
    """Summed variance after measuring rows, by the dense formula."""
    part = covariance[np.ix_(rows, rows)] + np.diag(noise)
    return float(np.trace(covariance - covariance[:, rows] @ np.linalg.solve(part, covariance[rows])))


def test_the_model_gain_is_the_dense_formula_step_by_step() -> None:
    predictive = _predictive(12, 4, 0)
    covariance = predictive.columns(np.arange(12))
    gain, rows, noise, before = ModelGain(predictive), [], [], np.trace(covariance)
    for row, variance in ((3, 0.5), (7, 1.0), (1, 0.2)):
        expected = before - _left(covariance, [*rows, row], [*noise, variance])
        found = gain.table(np.array([row]), np.zeros(1), np.array([[1 / variance]]))
        assert found[0, 0] == pytest.approx(expected)
        gain.accept(row, 0.0, 1 / variance)
        rows, noise = [*rows, row], [*noise, variance]
        before = _left(covariance, rows, noise)


def test_raising_a_precision_in_two_steps_is_one_step() -> None:
    predictive = _predictive(9, 5, 1)
    once, twice = ModelGain(predictive), ModelGain(predictive)
    everyone = np.arange(9)
    whole = once.table(np.array([4]), np.zeros(1), np.array([[3.0]]))[0, 0]
    first = twice.table(np.array([4]), np.zeros(1), np.array([[1.0]]))[0, 0]
    once.accept(4, 0.0, 3.0)
    twice.accept(4, 0.0, 1.0)
    second = twice.table(np.array([4]), np.ones(1), np.array([[3.0]]))[0, 0]
    twice.accept(4, 1.0, 3.0)
    assert whole == pytest.approx(first + second)
    after = np.full((9, 1), 2.0)
    assert once.table(everyone, np.zeros(9), after) == pytest.approx(
        twice.table(everyone, np.zeros(9), after)
    )
    assert (
        once.fresh().table(everyone, np.zeros(9), after)[4, 0]
        > once.table(everyone, np.zeros(9), after)[4, 0]
    )


def test_only_variance_that_counts_is_summed_and_units_do_not_matter() -> None:
    predictive, rows = _predictive(8, 3, 2), np.array([1, 5])
    covariance = predictive.columns(np.arange(8))
    gain = ModelGain(predictive, over=rows)
    found = gain.table(np.array([2]), np.zeros(1), np.array([[2.0]]))[0, 0]
    assert found == pytest.approx((covariance[rows, 2] ** 2).sum() / (covariance[2, 2] + 0.5))
    scaled = FactorPredictive(predictive.mean * 10, predictive.factor() * 10, scale=[10.0])
    again = ModelGain(scaled, over=rows).table(np.array([2]), np.zeros(1), np.array([[0.02]]))[0, 0]
    assert again == pytest.approx(found)


def test_misfit_bounds_what_replicates_bring() -> None:
    predictive = _predictive(6, 3, 3)
    covariance = predictive.columns(np.arange(6))
    gain = ModelGain(predictive, misfit=0.7)
    endless = gain.table(np.array([0]), np.zeros(1), np.array([[1e12]]))[0, 0]
    assert endless == pytest.approx((covariance[:, 0] ** 2).sum() / (covariance[0, 0] + 0.7), rel=1e-6)


def test_part_of_the_candidates_is_judged_as_in_the_whole() -> None:
    predictive, rows = _predictive(10, 4, 4), np.array([8, 2, 5])
    whole, part = ModelGain(predictive), ModelGain(predictive).take(rows)
    whole.accept(2, 0.0, 1.5)
    part.accept(1, 0.0, 1.5)
    after = np.full((3, 1), 1.0)
    assert part.table(np.arange(3), np.zeros(3), after) == pytest.approx(
        whole.table(rows, np.zeros(3), after)
    )


def test_recognised_hits_by_integration() -> None:
    predictive = FactorPredictive([0.3, 1.4], [[0.8], [0.5]])
    gain = HitGain(predictive, Target(threshold=1.0), level=0.05)
    precision = np.array([[4.0], [9.0]])
    grid = np.linspace(1.0, 8.0, 200_001)
    for row, (mean, sd) in enumerate(((0.3, 0.8), (1.4, 0.5))):
        bar = stats.norm.isf(0.025)
        signal = grid * np.sqrt(precision[row, 0])
        power = stats.norm.sf(bar - signal) + stats.norm.sf(bar + signal)
        by_hand = np.trapezoid(stats.norm.pdf(grid, mean, sd) * power, grid)
        assert gain.recognised(precision)[row, 0] == pytest.approx(by_hand, rel=2e-3)
    assert gain.recognised(np.zeros((2, 1))).sum() == 0
    assert gain.recognised(np.full((2, 1), 1e9))[:, 0] == pytest.approx(gain.probability, rel=1e-6)


def test_hits_in_the_low_direction_mirror_those_in_the_high() -> None:
    up = FactorPredictive([0.3, 1.4], [[0.8], [0.5]])
    down = FactorPredictive([-0.3, -1.4], [[0.8], [0.5]])
    low = HitGain(down, Target(maximise=False, threshold=-1.0))
    high = HitGain(up, Target(threshold=1.0))
    assert low.recognised(np.full((2, 1), 3.0)) == pytest.approx(high.recognised(np.full((2, 1), 3.0)))
    with pytest.raises(ModelError, match="threshold"):
        HitGain(up, Target())


def _worth(values: np.ndarray) -> CallableGain:
    """Each candidate is worth so much for each allocation, whatever the others are given."""
    held: dict[int, float] = {}

    def begin() -> tuple[object, object]:
        held.clear()
        state: dict[int, float] = {}

        def table(rows: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
            return np.array([values[row] - state.get(int(row), 0.0) for row in rows])

        def accept(row: int, before: float, after: float) -> None:
            level = int(np.argmin(np.abs(1 / after - 1.0 / np.arange(1, values.shape[1] + 1))))
            state[row] = values[row, level]

        return table, accept

    return CallableGain(begin, unit="points")


def _best_by_hand(
    values: np.ndarray, price: float, budget: float, plate: float = 0.0, wells: int = 10**9
) -> float:
    """All ways to give each candidate no or some measurements."""
    best = 0.0
    for given in itertools.product(range(values.shape[1] + 1), repeat=len(values)):
        number = sum(given)
        plates = -(-number // wells)
        if number + price * sum(one > 0 for one in given) + plate * plates <= budget:
            best = max(best, sum(values[k, one - 1] for k, one in enumerate(given) if one))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_small_budgets_are_spent_as_well_as_can_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.cumsum(-np.sort(-rng.random((4, 2)), axis=1), axis=1)
    costs = TableCost(TableCostSettings(candidate=1.0, measurement=1.0))
    chosen = best_batch(_pool(4), _worth(values), costs, 7.0, menu_of(replicates=(1, 2)))
    best = _best_by_hand(values, 1.0, 7.0)
    assert best * (1 - 1 / np.e) <= chosen.gain <= best + 1e-9
    assert chosen.gain >= 0.95 * best
    assert chosen.cost.total <= 7.0
    assert costs.feasible(chosen.batch, 7.0) == []


@pytest.mark.parametrize("seed", range(2))
def test_a_plate_is_opened_where_it_pays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((6, 1)) * 10
    costs = TableCost(TableCostSettings(plate=4.0, wells_per_plate=2))
    for budget in (11.0, 12.0):
        chosen = best_batch(_pool(6), _worth(values), costs, budget, menu_of(replicates=(1,)))
        assert chosen.gain == pytest.approx(_best_by_hand(values, 0.0, budget, plate=4.0, wells=2))
        assert chosen.cost.total <= budget


def test_one_dear_candidate_is_not_lost_to_cheap_ones() -> None:
    # By gain per cost, the cheap candidate comes first and the dear one does not fit any more.
    values = np.array([[1.0, 1.0], [0.0, 9.0]])
    costs = TableCost(TableCostSettings())
    chosen = best_batch(_pool(2), _worth(values * [[1, 1], [1, 1]]), costs, 2.0, menu_of(replicates=(1, 2)))
    assert chosen.gain == pytest.approx(9.0)


def test_the_model_is_best_served_by_brute_forces_pairs() -> None:
    predictive = _predictive(7, 3, 5)
    covariance = predictive.columns(np.arange(7))
    costs = TableCost(TableCostSettings(sd=0.6))
    chosen = best_batch(_pool(7), ModelGain(predictive), costs, 2.0, menu_of(replicates=(1, 2)))
    ways = [([a, b], [0.36, 0.36]) for a, b in itertools.combinations(range(7), 2)]
    ways += [([a], [0.18]) for a in range(7)]
    least = min(_left(covariance, *way) for way in ways)
    assert chosen.gain == pytest.approx(np.trace(covariance) - least)


def test_replicates_rise_with_the_price_of_a_candidate() -> None:
    # Of independent candidates, gain per cost is greatest at sd / deviation times the root of the price: 2.8, 6.3.
    predictive = FactorPredictive(np.zeros(40), np.eye(40))
    found = []
    for price in (0.0, 2.0, 10.0):
        costs = TableCost(TableCostSettings(candidate=price, sd=2.0))
        chosen = best_batch(_pool(40), ModelGain(predictive), costs, 30.0, menu_of(replicates=range(1, 9)))
        found.append(np.mean([one.allocation.replicates for one in chosen.batch.entries]))
    assert found[0] == 1
    assert 2 <= found[1] <= 4 < found[2]


def test_a_measured_candidate_may_be_worth_a_repeat() -> None:
    values = FactorPredictive([0.0, 0.0], [[0.1], [3.0]])
    costs = TableCost(TableCostSettings(candidate=5.0, sd=3.0))
    pool = _pool(2, measured={1: Allocation(replicates=2)}, repeats=True)
    options = options_of(pool, menu_of(replicates=(2,)), costs)
    assert options.before == pytest.approx([0, 2 / 9])
    assert options.after[:, 0] == pytest.approx([2 / 9, 4 / 9])
    chosen = best_batch(pool, ModelGain(values), costs, 2.0, menu_of(replicates=(1, 2)))
    assert [(one.name, one.made) for one in chosen.batch.entries] == [("G1", True)]
    assert chosen.noise == pytest.approx([9 / 4])


def test_cells_and_guides_go_where_variance_comes_from() -> None:
    predictive = FactorPredictive(np.zeros(6), np.eye(6) * 0.5)
    given = ScreenCostSettings(doublets_per_thousand=0, whole_lanes=False, batch=10)
    menu = menu_of((1, 4), (20, 200))
    kinds = {}
    for name, of in (("guides", Variances(1.0, guide=4.0)), ("cells", Variances(400.0, guide=1e-4))):
        costs = ScreenCost(given, variances=of)
        chosen = best_batch(_pool(6), ModelGain(predictive), costs, 300.0, menu)
        kinds[name] = chosen.batch.entries[0].allocation
        assert chosen.cost.total <= 300.0
        assert costs.feasible(chosen.batch, 300.0) == []
    assert kinds["guides"].guides == 4
    assert kinds["cells"].cells_per_guide == 200


def test_every_candidate_of_a_screen_is_in_every_run() -> None:
    predictive = FactorPredictive(np.zeros(5), np.eye(5))
    costs = ScreenCost(variances=Variances(1.0, batch_by_perturbation=5.0))
    chosen = best_batch(_pool(5), ModelGain(predictive), costs, 20_000.0, menu_of((2,), (50,), (1, 3)))
    assert chosen.batch.runs == 3
    assert {one.allocation.replicates for one in chosen.batch.entries} == {3}
    assert set(chosen.compared["runs"]) == {1, 3}


def test_the_same_arguments_give_the_same_batch_and_a_shortlist_keeps_the_best() -> None:
    predictive = _predictive(60, 6, 8)
    costs = TableCost(TableCostSettings(sd=0.5))
    menu = menu_of(replicates=(1, 2))
    one, two = (best_batch(_pool(60), ModelGain(predictive), costs, 5.0, menu) for _ in range(2))
    assert (one.rows == two.rows).all()
    short = best_batch(_pool(60), ModelGain(predictive), costs, 5.0, menu, shortlist=30)
    assert short.gain >= 0.95 * one.gain
    assert short.cost.total <= 5.0


def test_nan_gains_are_never_chosen() -> None:
    values = np.array([[np.nan], [1.0], [np.nan], [2.0]])
    chosen = best_batch(_pool(4), _worth(values), TableCost(), 4.0, menu_of())
    assert sorted(chosen.rows.tolist()) == [1, 3]


def test_budgets_pools_and_menus_that_buy_nothing() -> None:
    gain = _worth(np.ones((2, 1)))
    costs = ScreenCost()
    with pytest.raises(StudyError, match="below one batch"):
        best_batch(_pool(2), gain, costs, 900.0, menu_of((2,), (50,)))
    with pytest.raises(StudyError, match="below one batch"):
        best_batch(_pool(2), gain, costs, 1500.0, menu_of((2,), (50,)))
    for budget in (0.0, -5.0, float("nan")):
        with pytest.raises(StudyError, match="the budget is"):
            best_batch(_pool(2), gain, costs, budget, menu_of())
    with pytest.raises(DataError, match="pool of candidates is empty"):
        _pool(0)
    with pytest.raises(StudyError, match="no allocation"):
        best_batch(_pool(2), gain, costs, 1e4, ())
    with pytest.raises(ModelError, match="gain anything"):
        best_batch(_pool(2), _worth(np.zeros((2, 1))), TableCost(), 5.0, menu_of())
    with pytest.raises(StudyError, match=r"layout\.spread"):
        best_batch(_pool(2), gain, TableCost(layout=LayoutSettings(spread=3)), 5.0, menu_of())
    with pytest.raises(DataError, match="marks"):
        _pool(2, available=np.ones(3, dtype=bool))
