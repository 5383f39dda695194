"""The scheme drawn with the rates of the matched target on its arrows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from pajamo.models.assays.description import Diagram
from pajamo.reports.figures.assays.state_diagram import state_diagram
from pajamo.reports.rows import records
from pajamo.reports.wording import interval, number

SURE: Final = ("determined", "known")
"""How verdicts on rates begin that stand without a ratio."""


def rated_scheme(drawn: Diagram, rates: pd.DataFrame, outputs: tuple[str, ...] = ()) -> Figure:
    """States as boxes, transitions as arrows with their rates; dashed arrows make the output.

    Parameters
    ----------
    drawn: nodes and edges.
    rates: columns quantity, of ("a -> b"), log10, low, high, verdict.
    outputs: names of what is recorded, where there are several.
    """
    labels = rate_labels(rates)
    edges = tuple(
        replace(edge, label=labels.get(f"{edge.source} -> {edge.target}", edge.label)) for edge in drawn.edges
    )
    return state_diagram(replace(drawn, edges=edges), outputs)


def rate_labels(rates: pd.DataFrame) -> Mapping[str, str]:
    """By transition: the rate as a power of ten, with the exponent's interval, or (?) where the data set none."""
    return {str(row["of"]): _label(row) for row in records(rates) if row["quantity"] == "rate"}


def _label(row: Mapping[str, object]) -> str:
    shown = f"10^{number(row['log10'], 2)}/s"
    if not str(row["verdict"]).startswith(SURE):
        return f"{shown} (?)"
    ends = "known" if row["low"] == row["high"] else interval(row["low"], row["high"])
    return f"{shown} ({ends})" if ends else shown
