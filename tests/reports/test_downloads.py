from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd

from pajamo.reports.downloads import MOST_BYTES, csv_link


def test_a_small_table_travels_within_its_link() -> None:
    table = pd.DataFrame({"gene": ["κ, 1", '"x"'], "value": [0.5, -1.25]})
    (link,) = csv_link(table, "effects")
    head, content = link.href.split(",", 1)
    assert head == "data:text/csv;charset=utf-8;base64"
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(base64.b64decode(content))), table)
    assert link.name == "effects.csv"


def test_a_large_table_is_a_file_of_the_run() -> None:
    table = pd.DataFrame({"value": np.arange(MOST_BYTES)})
    (link,) = csv_link(table, "effects", "effects.csv")
    assert link.href == ""
    assert "effects.csv" in link.label
    assert csv_link(table, "effects") == ()


def test_a_table_that_is_written_before_it_proves_too_long_is_refused() -> None:
    table = pd.DataFrame({"value": ["x" * MOST_BYTES]})
    assert csv_link(table, "effects") == ()
