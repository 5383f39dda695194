"""States at the wild type, as figures draw them."""

from __future__ import annotations

import pandas as pd

from pajamo.reports.wording import printable


def drawn_states(table: pd.DataFrame, model: str) -> list[tuple[str, pd.DataFrame]]:
    """States of a model, one table an experiment with its name; columns state, occupancy, active, energy."""
    own = table[table["model"] == model] if "model" in table else table
    groups = own.groupby("experiment", sort=False) if "experiment" in own else [("", own)]
    return [(printable(experiment), _drawn(rows)) for experiment, rows in groups if len(rows)]


def _drawn(rows: pd.DataFrame) -> pd.DataFrame:
    made = [name for name in rows if name == "rate" or str(name).startswith("rate of ")]
    # A rate is a number, or the name of a ratio that was fitted; only a plain 0 is silent.
    active = (rows[made].astype(str).isin(["0", "0.0"])).all(axis=1) if made else pd.Series(True, rows.index)
    return pd.DataFrame(
        {
            "state": rows["state"].astype(str),
            "occupancy": rows["occupancy"].astype(float),
            "active": ~active,
            "energy": rows["energy"].astype(float) if "energy" in rows else float("nan"),
        }
    ).reset_index(drop=True)
