"""Do perturbed and control cells come from the same batches?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.errors import shorten
from pajamo.protocols.diagnostics.result import Diagnostic, Found, Question, discoveries

QUESTION = Question(
    name="batches of perturbed and control cells",
    assumption="same-cells",
    can="whether perturbed cells are spread over batches as their controls are",
    cannot="differences that no column records: guides that also cut elsewhere, cells that took up the vector",
)
RESAMPLES = 400


def same_batches(
    conditions: tuple[Condition, ...],
    condition_of: NDArray[np.intp],
    batch_of: NDArray[np.str_] | None,
    rng: np.random.Generator,
) -> Diagnostic:
    """Compare how perturbed cells and their matched controls are spread over batches; all cells are counted.

    The variance of a difference grows by the batches' own variance times the sum of the squared differences of
    their shares: zero only if control cells are in every batch in proportion to the perturbed ones.
    """
    if batch_of is None:
        return QUESTION.answered("untested", "batches were not recorded")
    codes, names = pd.factorize(batch_of, sort=True)
    if len(names) < 2:
        return QUESTION.answered("holds", "all cells are of one batch")
    counts = np.zeros((len(conditions), len(names)), dtype=np.int64)
    np.add.at(counts, (condition_of, codes), 1)
    rows = [
        (str(c), int(counts[i].sum()), *_compared(counts[i], counts[conditions.index(c.control)], names, rng))
        for i, c in enumerate(conditions)
        if not c.is_control and c.control in conditions
    ]
    table = pd.DataFrame(rows, columns=["condition", "cells", "alone_in", "imbalance", "p"])
    if table.empty:
        return QUESTION.answered("untested", "no perturbation has a matched control")
    table["differs"] = discoveries(table["p"].to_numpy(dtype=float))
    return QUESTION.answered(*_verdict(table), table)


def _compared(
    own: NDArray[np.int64], control: NDArray[np.int64], names: NDArray[np.str_], rng: np.random.Generator
) -> tuple[str, float, float]:
    """Batches in which all cells sit without controls, sum of squared differences of shares, and its p-value."""
    alone = ", ".join(names[own > 0]) if not (control[own > 0] > 0).any() else ""
    imbalance = _imbalance(own, control)
    drawn = rng.multivariate_hypergeometric(own + control, int(own.sum()), size=RESAMPLES)
    null = np.array([_imbalance(one, own + control - one) for one in drawn])
    return alone, imbalance, (1 + int((null >= imbalance - 1e-12).sum())) / (1 + RESAMPLES)


def _imbalance(own: NDArray[np.int64], control: NDArray[np.int64]) -> float:
    return float(((own / own.sum() - control / control.sum()) ** 2).sum())


def _verdict(table: pd.DataFrame) -> tuple[Found, str]:
    alone = table[table["alone_in"] != ""]
    differing = table[table["differs"]]
    text = f"{len(differing)} of {len(table)} perturbations are spread over batches otherwise than their controls"
    if len(alone):
        named = [f"{r.condition} (all in {r.alone_in})" for r in alone.itertuples()]
        text += f"; {len(alone)} sit in batches without control cells: {shorten(named, 4)}"
    return "broken" if len(differing) or len(alone) else "holds", text
