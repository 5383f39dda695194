"""The columns of a flow as a network: which regulator moves which gene, how surely, and which do most."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from pajamo.models.flow_parts.fitted_flow import FittedFlow

EDGES = ["regulator", "gene", "value", "se", "z", "sign", "wrong_sign", "unit"]
MOST_WRONG = 0.05
"""Expected share of edges with the wrong sign among those that count."""


def network_table(flow: FittedFlow, unit: str) -> pd.DataFrame:
    """Edges from regulators to genes, the surest first.

    Columns: regulator, gene, value (change of the gene's production under a full edit, in units of its level), se, z,
    sign (+1: the regulator activates the gene, -1: represses it, read against what the edit does to the regulator),
    wrong_sign (posterior probability that the sign is the other one, Stephens 2017, Biostatistics 18:275), unit.

    An edge is direct as far as the feedback says: with gain 0 nothing tells a direct effect from an indirect one.
    A gene's edge to itself, which is its edit, is left out.
    """
    known = flow.regulation
    per_dose = 1.0 / np.where(known.dose[:-1] == 0, 1.0, np.abs(known.dose[:-1]))
    value, se = (table[:-1] * per_dose[:, None] for table in (known.effect, known.sd))
    rows, columns = np.nonzero(known.own[:-1, None] != np.arange(len(flow.genes)))
    picked, error = value[rows, columns], se[rows, columns]
    z = np.divide(picked, error, out=np.full_like(picked, np.nan), where=error > 0)
    direction = np.where(known.dose[:-1] < 0, -1.0, 1.0)[rows]
    table = pd.DataFrame(
        {
            "regulator": np.array(known.targets[:-1], dtype=object)[rows],
            "gene": np.array(flow.genes, dtype=object)[columns],
            "value": picked,
            "se": error,
            "z": z,
            "sign": (np.sign(picked) * direction).astype(int),
            "wrong_sign": norm.sf(np.abs(z)),
            "unit": unit,
        },
        columns=EDGES,
    )
    order = np.argsort(-np.nan_to_num(np.abs(z)), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def sure_edges(network: pd.DataFrame, most_wrong: float = MOST_WRONG) -> pd.DataFrame:
    """The surest edges, as many as keep the expected share of wrong signs among them at most this."""
    wrong = network["wrong_sign"].fillna(0.5).to_numpy()
    order = np.argsort(wrong, kind="stable")
    share = np.cumsum(wrong[order]) / np.arange(1, len(wrong) + 1)
    return network.iloc[np.sort(order[share <= most_wrong])]


def hub_table(network: pd.DataFrame) -> pd.DataFrame:
    """Regulators by how many genes they surely move.

    Columns: regulator, targets, activated, repressed, size (root mean square of all its effects, in the network's
    unit), strongest (the gene of its surest edge), unit.
    """
    sure, unit = sure_edges(network), network["unit"].iloc[0] if len(network) else ""
    rows = [
        {
            "regulator": name,
            "targets": int((sure["regulator"] == name).sum()),
            "activated": int(((sure["regulator"] == name) & (sure["sign"] > 0)).sum()),
            "repressed": int(((sure["regulator"] == name) & (sure["sign"] < 0)).sum()),
            "size": float(np.sqrt((edges["value"] ** 2).mean())),
            "strongest": edges["gene"].iloc[0],
            "unit": unit,
        }
        for name, edges in network.groupby("regulator", sort=True)
    ]
    columns = ["regulator", "targets", "activated", "repressed", "size", "strongest", "unit"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["targets", "size"], ascending=False, kind="stable", ignore_index=True)
