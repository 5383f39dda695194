"""Tables row by row."""

from __future__ import annotations

from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row as a mapping from column to value."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
