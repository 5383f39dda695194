"""Tables behind figures, as links that carry their content."""

from __future__ import annotations

import base64

import pandas as pd

from pajamo.reports.blocks import Download
from pajamo.reports.wording import count

MOST_BYTES = 60_000
"""Size of a table that is carried within the page; larger ones are files of the run."""


def csv_link(table: pd.DataFrame, name: str, file: str = "") -> tuple[Download, ...]:
    """A link to the table as CSV, or the name of the run's file where it is too large for the page.

    Parameters
    ----------
    table: what the figure shows.
    name: name of the downloaded file, without its ending.
    file: the run's file that holds the same in full, or "".
    """
    held = (Download(f"whole table in the run's folder: {file}", file),) if file else ()
    # Text of the table is at least two bytes a value, so a huge one need not be written to be refused.
    if 2 * table.size > MOST_BYTES:
        return held
    text = table.to_csv(index=False, lineterminator="\n", float_format="%.6g").encode()
    if len(text) > MOST_BYTES:
        return held
    href = "data:text/csv;charset=utf-8;base64," + base64.b64encode(text).decode()
    return (Download(f"CSV, {count(len(table))} rows", f"{name}.csv", href), *held)
