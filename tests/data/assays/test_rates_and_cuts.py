"""Rates arrive in log10 of 1/s with their limits, cuts as 0 and 1; what cannot be is refused with its row."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pajamo.config.assays import CutSettings, RateSettings
from pajamo.data.assays.recording import columns_of, record
from pajamo.data.assays.tables import Table
from pajamo.errors import DataError, PajamoWarning, StudyError

RATES = np.array([2.5e-4, 0.03, 1e-2, 0.9])


def table(name: str = "k", **columns: Any) -> Table:
    frame = pd.DataFrame(columns)
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return Table(frame, f"{name}.csv")


def rates(values: Any, **settings: Any) -> dict[str, np.ndarray]:
    return record(table(k=values), RateSettings(value="k", **settings), [])[1]


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("log10 1/s", np.log10(RATES)),
        ("ln 1/s", np.log(RATES)),
        ("1/s", RATES),
        ("log10 1/min", np.log10(RATES * 60)),
        ("1/min", RATES * 60),
    ],
)
def test_every_unit_says_the_same_rates(unit: str, written: np.ndarray) -> None:
    limits = {"lower": float(written[0]), "upper": float(written[3])}
    found = rates(written, unit=unit, **limits)
    np.testing.assert_allclose(found["value"], np.log10(RATES), rtol=1e-12)
    assert found["censored"].tolist() == [-1, 0, 0, 1]


def test_rates_beyond_a_limit_become_the_limit() -> None:
    found = rates([-7.0, -5.0, -3.0, -0.5, 0.2], lower=-5.0, upper=-0.5)
    assert found["value"].tolist() == [-5.0, -5.0, -3.0, -0.5, -0.5]
    assert found["censored"].tolist() == [-1, -1, 0, 1, 1]


def test_a_rate_of_zero_is_below_a_limit_that_is_given() -> None:
    found = rates([0.0, 1e-3, 0.1], unit="1/s", lower=1e-5)
    np.testing.assert_allclose(found["value"], [-5, -3, -1])
    assert found["censored"].tolist() == [-1, 0, 0]


def test_errors_of_rates_are_kept() -> None:
    own = table(k=[-3.0, -2.0], sd=[0.1, 0.2])
    settings = RateSettings(value="k", error="sd")
    assert columns_of(settings) == ["k", "sd"]
    assert record(own, settings, [])[1]["error"].tolist() == [0.1, 0.2]


def test_rows_without_a_rate_are_left_out_with_a_word() -> None:
    with pytest.warns(PajamoWarning, match=r"1 of 3 rows of k.csv have no 'k' .*first: row 3"):
        rows, found = record(table(k=[-3.0, np.nan, -1.0]), RateSettings(value="k"), [])
    assert rows.tolist() == [0, 2]
    assert found["value"].tolist() == [-3.0, -1.0]


@pytest.mark.parametrize(
    ("values", "settings", "words"),
    [
        ([1e-3, 0.0, 1e-2], {"unit": "1/s"}, ["1 rates that are zero", "row 3: 0 1/s", "give `lower`"]),
        ([0.1, -3.0, 0.0], {"unit": "1/s"}, ["1 rates that are negative", "row 3: -3", 'unit = "log10 1/s"']),
        ([0.1, -3.0], {"unit": "1/min", "lower": 1.0}, ["negative", 'unit = "log10 1/min"']),
        ([1e-5, 0.2, 3e-4], {"unit": "log10 1/s"}, ["row 2: 1e-05", "20,000-fold", 'unit = "1/s"']),
        ([1e-2, 0.2, 45.0], {"unit": "log10 1/min"}, ["too fast", "row 4: 45", 'unit = "1/min"']),
        ([-5.0, -6.0], {"lower": -5.0}, ["all 2 rates", "`lower`", "log10 1/s"]),
        ([-5.0, 1.0], {"lower": -5.0, "upper": 0.5}, ["all 2 rates", "`lower` and `upper`"]),
        ([np.nan, np.nan], {}, ["no row has a rate"]),
        ([-1.0, np.inf], {}, ["row 3: inf"]),
        ([-1.0, "slow"], {}, ["row 3: slow", "not numbers"]),
    ],
)
def test_rates_that_cannot_be_are_shown(values: Any, settings: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        rates(values, **settings)
    for word in [*words, "k.csv"]:
        assert word in str(caught.value)


def test_logarithms_all_above_zero_are_doubted() -> None:
    with pytest.warns(
        PajamoWarning, match=r"above one per s \(slowest: k.csv, row 2: 0.5\); .* unit = \"1/s\""
    ):
        rates([0.5, 1.5, 2.0])


def test_few_rates_of_real_tables_are_not_doubted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rates([-4.0, 0.5, -1.0])
        rates([3.0, 500.0], unit="1/s")


@pytest.mark.parametrize("lower", [0.0, -1.0, float("nan")])
def test_a_limit_that_is_no_rate_is_refused(lower: float) -> None:
    with pytest.raises(StudyError, match="no rate in 1/s"):
        rates([0.1, 0.2], unit="1/s", lower=lower)


@pytest.mark.parametrize(
    "written", [[1, 0, 1], ["1", "0", "1"], [True, False, True], ["TRUE", "false", "True"], [1.0, 0.0, 1]]
)
def test_labels_are_yes_and_no(written: list[Any]) -> None:
    rows, found = record(table(label=written), CutSettings(), [])
    assert found["label"].tolist() == [1.0, 0.0, 1.0]
    assert found["guide"].tolist() == [0.0] * 3
    assert rows.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([1, 0, 7], ["1 values", "row 4: 7", "least number that counts as cut"]),
        ([1, 0, None], ["row 4: nan"]),
        ([1, 0, "yes"], ["row 4: yes", "1 or 0"]),
        ([0, 0, 0], ["no positives", "every label is 0"]),
        ([1, 1, 1], ["no negatives", "every label is 1", "searched and not found"]),
    ],
)
def test_labels_that_cannot_be_are_shown(written: list[Any], words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        record(table(label=written), CutSettings(), [])
    for word in [*words, "k.csv", "'label'"]:
        assert word in str(caught.value)


def test_columns_are_named() -> None:
    assert columns_of(CutSettings(label="cut")) == ["cut"]
    assert columns_of(RateSettings(value="rate")) == ["rate"]
