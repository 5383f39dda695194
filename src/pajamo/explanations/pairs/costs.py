"""What each difference between guide and target costs at each position, for every reader that is a linear map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from scipy import stats

from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.encoders.guides.linear import MismatchMap
from pajamo.encoders.guides.steps import StepMap
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.information import Information
from pajamo.models.assays.model import AssayModel

COLUMNS = (
    "reader", "position", "from_pam", "change", "value", "se", "low", "high", "unit", "pairs", "observed",
)  # fmt: skip
UNITS = {"kT": "kT", "ln(1/s)": "ln"}
"""Unit of a difference by that of the term."""


def cost_table(
    model: AssayModel, assay: Assay, found: Information | None = None, *, level: float = 0.9
) -> pd.DataFrame:
    """What a mismatch or bulge adds to what a reader gives: to the free energy of a step, or to ln of a rate.

    Weights that positions or kinds share are laid out again, so that every change at every position has a number,
    also where no training pair shows it: there the number is what the prior makes of like changes, and is flagged.

    Parameters
    ----------
    model: fitted to guide-target pairs.
    assay: that it was fitted to.
    found: information of the model, where it is at hand; without it there are no intervals.
    level: coverage of the intervals.

    Returns
    -------
    One row a reader, position and change: `reader`; `position` (0 at the outer end of the PAM), `from_pam` (1 beside
    the PAM, 0 and below in it); `change` ("G>A", or ">A" where the guide's base does not count, "+A", "-"); `value`,
    `se`, `low`, `high` (Laplace) and `unit`; `pairs` of the training set that show it; `observed`, whether any does.
    Products and networks have no such table.
    """
    tables = [
        _of_reader(model, assay, found, name, level)
        for name, reader in model.assembly.readers()
        if isinstance(reader, MismatchMap | StepMap)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def _of_reader(
    model: AssayModel, assay: Assay, found: Information | None, name: str, level: float
) -> pd.DataFrame:
    reader = model.assembly.reader(name)
    assert isinstance(reader, MismatchMap | StepMap)
    assert isinstance(assay.alphabet, PairAlphabet)
    term = next(term for term in model.assembly.blueprint.terms if term.encoder == name)
    values = reader.table.detach().numpy()
    errors = _errors(reader, found, name).reshape(values.shape)
    counts = _counts(model, assay, name, reader)
    half = float(stats.norm.ppf((1 + level) / 2)) * errors
    length, channels = values.shape
    position = np.repeat(np.arange(length) + term.start, channels)
    return pd.DataFrame(
        {
            "reader": name,
            "position": position,
            "from_pam": position - assay.alphabet.pam + 1,
            "change": list(reader.listed) * length,
            "value": values.ravel(),
            "se": errors.ravel(),
            "low": (values - half).ravel(),
            "high": (values + half).ravel(),
            "unit": UNITS.get(term.unit, "1"),
            "pairs": counts.ravel(),
            "observed": counts.ravel() > 0,
        }
    )


def _errors(reader: MismatchMap | StepMap, found: Information | None, name: str) -> Array:
    """Standard error of each entry of the table, shape (length x channels,); nan where there is none."""
    spread = reader.spread.numpy()
    if found is None or not found.positive:
        return np.full(len(spread), np.nan)
    # The first weights are no costs: the constant, or what matched steps gain.
    rows = np.pad(spread, ((0, 0), (reader.features - spread.shape[1], 0)))
    directions = rows @ found.bases[name]
    covariance = found.covariance[found.readers[name], found.readers[name]]
    variances = np.einsum("if,fg,ig->i", directions, covariance, directions, optimize=True)
    return np.asarray(np.sqrt(np.maximum(variances, 0.0)))


def _counts(model: AssayModel, assay: Assay, name: str, reader: MismatchMap | StepMap) -> np.ndarray:
    """Training pairs that show each change at each position, shape (length, channels)."""
    total = np.zeros((reader.length, len(reader.listed)), dtype=np.int64)
    # Several terms may take different numbers of one reader, of which all see the same window.
    term = next(term for term in model.assembly.blueprint.terms if term.encoder == name)
    for experiment in assay.part("training").experiments:
        codes = model.assembly.window(term, torch.as_tensor(experiment.codes)).long()
        for place in range(reader.length):
            held = torch.bincount(codes[:, place], minlength=len(reader.channels)).to(reader.channels.dtype)
            total[place] += (held @ reader.channels).long().numpy()
    return total
