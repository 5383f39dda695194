"""What the data hold about their sequences, whatever the model: bounds on the intrinsic information, by experiment.

I_intrinsic = I[sequence and concentrations; recorded] is what a model that knows everything would reach. It is at
least what two readings of one sequence share, and at most the entropy of the readings less that of their known noise.
(Tareen et al. 2022, Genome Biol. 23:98.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.errors import DataError
from pajamo.evaluation.assays.rows import Array, Measured
from pajamo.evaluation.information.estimate import InformationEstimate
from pajamo.evaluation.information.intrinsic import (
    intrinsic_lower_bound,
    intrinsic_lower_bound_of_reads,
    intrinsic_upper_bound,
    log_ratio,
)

LOWER, UPPER = "lower", "upper"
FEWEST_PAIRS = 16
"""Sequences that were measured twice, below which no information between their readings is estimated."""
NO_COUNTS = "a site was found or not: how often it would be found again was not recorded"


@dataclass(frozen=True)
class Bound:
    """One bound on the intrinsic information.

    Attributes
    ----------
    side: "lower" or "upper".
    meaning: what it rests on and how far it can be trusted.
    estimate: bits with their interval; None where it cannot be computed.
    note: why it cannot be; "" where it is.
    """

    side: str
    meaning: str
    estimate: InformationEstimate | None
    note: str = ""


def intrinsic_bounds(
    measured: Measured,
    recorded: Mapping[str, Array],
    inputs: Mapping[str, Array] | None = None,
    *,
    seed: int = 0,
) -> tuple[Bound, Bound]:
    """The lower and the upper bound that an experiment supports.

    Parameters
    ----------
    measured: its rows.
    recorded: everything that was recorded of them: `error` beside values, `rna` and `dna` of ratios; shape (rows,).
    inputs: concentrations, shape (rows,); rows of one sequence are readings of the same only where these are equal.
    seed: of halves and of the blur of repeated values.
    """
    return _lower(measured, inputs or {}, seed), _upper(measured, recorded, seed)


def intrinsic_table(bounds: Mapping[str, tuple[Bound, ...]], set_name: str) -> pd.DataFrame:
    """Bounds of every experiment on one set: value in bits with its 95 % interval, or why there is none."""
    return pd.DataFrame(
        [_row(experiment, set_name, bound) for experiment, own in bounds.items() for bound in own]
    )


def _row(experiment: str, set_name: str, bound: Bound) -> dict[str, object]:
    found = bound.estimate
    nothing = float("nan")
    return {
        "experiment": experiment,
        "set": set_name,
        "bound": bound.side,
        "value": found.bits if found else nothing,
        "low": found.low if found else nothing,
        "high": found.high if found else nothing,
        "unit": "bits",
        "observations": found.observations if found else 0,
        "method": found.method if found else "",
        "meaning": bound.meaning,
        "note": bound.note,
    }


def _lower(measured: Measured, inputs: Mapping[str, Array], seed: int) -> Bound:
    if measured.kind == "cuts":
        return Bound(LOWER, "what two readings of one site share", None, NO_COUNTS)
    if measured.kind == "reads":
        meaning = (
            "what the bins of two reads of one sequence share; copies that PCR made of one cell's molecule are no "
            "second reading, and push it up"
        )
        return _bound(LOWER, meaning, partial(intrinsic_lower_bound_of_reads, measured.recorded, seed=seed))
    meaning = "what two readings of one sequence share, provided that they share nothing but the sequence"
    first, second = _repeated(measured, inputs)
    if len(first) < FEWEST_PAIRS:
        note = f"{len(first)} sequences were measured twice; {FEWEST_PAIRS} are the least"
        return Bound(LOWER, meaning, None, note)
    values = measured.recorded
    return _bound(LOWER, meaning, lambda: intrinsic_lower_bound(values[first], values[second], seed=seed))


def _repeated(measured: Measured, inputs: Mapping[str, Array]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first two rows of each sequence (at the same concentrations) that has two."""
    conditions = np.stack([measured.sequences.astype(np.float64), *inputs.values()], axis=1)
    _, group = np.unique(conditions, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    ranked = group.ravel()[order]
    begins = np.flatnonzero(np.diff(ranked, prepend=-1))
    twice = begins[np.diff(np.append(begins, len(ranked))) > 1]
    return order[twice], order[twice + 1]


def _upper(measured: Measured, recorded: Mapping[str, Array], seed: int) -> Bound:
    if measured.kind == "cuts":
        return Bound(UPPER, "entropy of the labels less that of their noise", None, NO_COUNTS)
    if measured.kind == "reads":
        note = "what the instrument (a sorter, say) adds to the noise cannot be known from reads alone"
        return Bound(UPPER, "entropy of the reads less that of the instrument's noise", None, note)
    if measured.kind == "ratios":
        meaning = (
            "entropy of ln(RNA/DNA) less that of counting; barcodes and cells add noise, and lower the truth"
        )
        return _bound(UPPER, meaning, lambda: _upper_of_counts(recorded, seed))
    meaning = "entropy of the readings less that of their errors; errors stated too large make it too small"
    if measured.censored is not None and measured.censored.any():
        note = "of rates beyond the limit of detection the error is not known"
        return Bound(UPPER, meaning, None, note)
    if "error" not in recorded:
        return Bound(UPPER, meaning, None, "the table gives no errors of the readings")
    return _bound(
        UPPER, meaning, lambda: intrinsic_upper_bound(measured.recorded, recorded["error"], seed=seed)
    )


def _upper_of_counts(recorded: Mapping[str, Array], seed: int) -> InformationEstimate:
    values, errors = log_ratio(recorded["rna"], recorded["dna"], base=np.e, seed=seed)
    return intrinsic_upper_bound(values, errors, seed=seed)


def _bound(side: str, meaning: str, estimate: Callable[[], InformationEstimate]) -> Bound:
    """A bound, or the reason why these rows give none."""
    try:
        return Bound(side, meaning, estimate())
    except DataError as error:
        return Bound(side, meaning, None, f"{error.what}: {error.why}".removesuffix(": "))
