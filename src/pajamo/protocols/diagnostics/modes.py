"""Do perturbed cells come to one state or to several?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from pajamo.data.conditions import Condition
from pajamo.protocols.diagnostics.cells import Array, Cells
from pajamo.protocols.diagnostics.dip import dip_p_value
from pajamo.protocols.diagnostics.result import RATE, Diagnostic, Question, discoveries

LEAST_CELLS = 30
"""Cells below which two modes cannot be told from one."""
QUESTION = Question(
    name="modes of perturbed cells",
    assumption="unique-attractor",
    can="two well separated groups of perturbed cells along their main direction, where controls form one",
    cannot="two states from edited and unedited cells (see incomplete editing), or states that differ in other "
    "directions or by little; a single mode does not prove a single attractor",
)


def one_attractor(cells: Cells) -> Diagnostic:
    """Hartigan's dip of perturbed cells along their first principal component, and of controls on the same axis."""
    found = [
        c
        for c in cells.perturbed
        if cells.has([c], LEAST_CELLS)
        and (c.control not in cells.rows_of or cells.has([c.control], LEAST_CELLS))
    ]
    rows = [(str(c), len(cells.rows_of[c]), *_dips(cells, c)) for c in found]
    table = pd.DataFrame(rows, columns=["condition", "cells", "p", "p_control"])
    if table.empty:
        text = f"no perturbation has {LEAST_CELLS} cells"
        return QUESTION.answered("untested", text)
    table["several"] = discoveries(table["p"].to_numpy()) & (table["p_control"] > RATE)
    several = table[table["several"]]
    text = f"{len(several)} of {len(table)} groups of perturbed cells have more than one mode, unlike their controls"
    if len(several):
        text += f": {', '.join(several.sort_values('p')['condition'].head(5))}"
    return QUESTION.answered("broken" if len(several) else "holds", text, table)


def _dips(cells: Cells, condition: Condition) -> tuple[float, float]:
    perturbed = cells[condition]
    axis = main_direction(perturbed)
    control = cells.rows_of.get(condition.control)
    unlike = 1.0 if control is None else dip_p_value(cells.values[control] @ axis)
    return dip_p_value(perturbed @ axis), unlike


def main_direction(values: Array) -> Array:
    """First principal component of the cells, shape (genes,)."""
    centred = values - values.mean(axis=0)
    wide = centred.shape[0] < centred.shape[1]
    products = centred @ centred.T if wide else centred.T @ centred
    last = len(products) - 1
    leading = eigh(products, subset_by_index=[last, last])[1][:, 0]
    axis = centred.T @ leading if wide else leading
    return np.asarray(axis / (np.linalg.norm(axis) + 1e-300))
