from __future__ import annotations

import pandas as pd
import pytest

from pajamo.errors import DataError


def test_a_table_without_a_column_is_named(make) -> None:
    with pytest.raises(DataError, match=r"'examples' lacks columns: truth_se"):
        make(examples=pd.DataFrame(columns=["condition", "gene", "truth", "model", "delta", "sd"]))


def test_two_splits_in_one_report_are_refused(make, content) -> None:
    with pytest.raises(DataError, match="a model and metric twice"):
        make(summary=pd.concat([content.summary, content.summary.assign(split="other")]))


def test_the_verdict_needs_its_metric(make) -> None:
    with pytest.raises(DataError, match="no row of metric 'mmd'"):
        make(metric="mmd")


def test_the_metric_of_the_verdict_comes_first(make, content) -> None:
    assert content.metric_names[0] == "mse_top"
    assert make(metric="mse").metric_names[0] == "mse"


def test_an_empty_table_is_no_table(make) -> None:
    columns = ["model", "level", "coverage"]
    assert make(calibration=pd.DataFrame(columns=columns)).table("calibration") is None
    assert make(calibration=None).table("calibration") is None
