"""The fitted quantities of a flow, as users read them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pajamo.models.flow_parts.fitted_flow import FittedFlow


def flow_table(flow: FittedFlow, reach: Mapping[str, float], unit: str) -> pd.DataFrame:
    """Decay, onset, gain, reach of each perturbation, and every column: quantity, of, value, se, unit."""
    time = flow.histories.protocol.time_unit or "time at rest"
    rows: list[tuple[str, str, float, float, str]] = [
        ("decay", "all genes", flow.decay, np.nan, f"1 / {time}"),
        ("onset", "all perturbations", flow.histories.onset, np.nan, time),
        ("gain", "all regulators", flow.gain, np.nan, "1"),
    ]
    rows += [("reach", name, value, np.nan, "1") for name, value in reach.items()]
    head = pd.DataFrame(rows, columns=["quantity", "of", "value", "se", "unit"])
    known = flow.regulation
    names = np.repeat(np.array(known.targets[:-1], dtype=object), len(flow.genes))
    genes = np.tile(np.array(flow.genes, dtype=object), len(known.targets) - 1)
    columns = pd.DataFrame(
        {
            "quantity": "column",
            "of": names + " on " + genes,
            "value": known.effect[:-1].ravel(),
            "se": known.sd[:-1].ravel(),
            "unit": unit,
        }
    )
    return pd.concat([head, columns], ignore_index=True)
