"""Areas under curves and paired comparisons, by arithmetic that fits on paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pajamo.campaigns.benchmark.comparing import difference_of, paired
from pajamo.campaigns.benchmark.curves import area, long_table, on_grid, run_table
from pajamo.errors import DataError


def test_the_area_is_the_mean_height() -> None:
    assert area([0, 10, 20], [1.0, 1.0, 1.0]) == 1.0
    assert area([0, 10, 30], [0.0, 1.0, 1.0]) == pytest.approx((5 + 20) / 30)
    assert area([5], [0.4]) == 0.4
    assert area([0, 1, 2], [0.0, np.nan, 2.0]) == pytest.approx(1.0)
    assert np.isnan(area([0, 1], [np.nan, np.nan]))


def test_the_area_does_not_depend_on_the_unit_of_the_axis() -> None:
    rng = np.random.default_rng(0)
    along, values = np.cumsum(rng.random(9)), rng.random(9)
    assert area(along * 86.0 + 5.0, values) == pytest.approx(area(along, values))


def test_positions_that_go_back_are_refused() -> None:
    with pytest.raises(DataError, match="positions that grow"):
        area([0, 2, 1], [0, 0, 0])
    with pytest.raises(DataError, match="one value"):
        area([0, 2], [0])


def test_curves_are_read_between_their_points_only() -> None:
    found = on_grid([10, 20], [1.0, 3.0], [5, 10, 15, 20, 25])
    assert found[1:4].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(found[[0, 4]]).all()


def record(strategy: str, seed: int, values: list[float | None]) -> dict[str, object]:
    return {
        "task": "t",
        "strategy": strategy,
        "seed": seed,
        "labels": [10, 20, 30],
        "money": [100.0, 110.0, 300.0],
        "metrics": {"accuracy": values},
        "seconds": {"fitting": [1.0], "predicting": [0.0], "choosing": [0.5, 0.5]},
    }


def test_tables_of_runs() -> None:
    records = [record("random", 0, [0.0, 1.0, 1.0]), record("random", 1, [0.0, None, 1.0])]
    table = run_table(records)
    assert table["area"].tolist() == pytest.approx([0.75, 0.5])
    assert table["area_on_money"].tolist() == pytest.approx([(5 + 190) / 200, 0.5])
    assert table["choosing_seconds"].tolist() == [1.0, 1.0]
    rows = long_table(records)
    assert len(rows) == 6
    assert int(rows["value"].isna().sum()) == 1


def test_paired_differences_agree_with_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    base = rng.standard_normal(12)
    better = base + 0.3 + 0.2 * rng.standard_normal(12)
    found = difference_of(better - base)
    t, p = stats.ttest_rel(better, base)
    interval = stats.ttest_rel(better, base).confidence_interval(0.95)
    assert (found["t"], found["p"]) == pytest.approx((t, p))
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))
    drawn = difference_of(better - base, how="bootstrap")
    assert drawn["low"] == pytest.approx(found["low"], abs=0.05)
    assert drawn == difference_of(better - base, how="bootstrap")


def test_few_or_equal_seeds() -> None:
    assert np.isnan(difference_of(np.array([0.3]))["t"])
    assert difference_of(np.zeros(4))["t"] == 0.0
    assert difference_of(np.ones(4))["t"] == np.inf


def test_strategies_are_compared_over_common_seeds() -> None:
    runs = run_table(
        [record("random", seed, [0.0, 0.5, 0.5 + seed / 100]) for seed in range(4)]
        + [record("good", seed, [0.0, 0.5, 0.7 + seed / 100]) for seed in range(1, 4)]
    )
    table = paired(runs, "accuracy", figure="final").set_index("strategy")
    assert table.loc["good", "difference"] == pytest.approx(0.2)
    assert table.loc["good", ["seeds", "better"]].tolist() == [3, 3]
    assert np.isnan(table.loc["random", "difference"])
    assert table.loc["random", "seeds"] == 4


def test_a_comparison_says_what_it_lacks() -> None:
    runs = run_table([record("random", 0, [0.0, 0.5, 0.6])])
    with pytest.raises(DataError, match="metric 'acuracy'") as error:
        paired(runs, "acuracy")
    assert "accuracy" in error.value.fix
    with pytest.raises(DataError, match="strategy 'margin'"):
        paired(runs, "accuracy", reference="margin")
    with pytest.raises(DataError, match="twice"):
        paired(pd.concat([runs, runs]), "accuracy")
    with pytest.raises(DataError, match="several tasks"):
        paired(pd.concat([runs, runs.assign(task="u")]), "accuracy")
