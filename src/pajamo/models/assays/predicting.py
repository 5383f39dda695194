"""Predictions of a fitted model for new sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pajamo.data.assays.assay import Experiment
from pajamo.errors import DataError, ModelError, nearest, shorten
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel

FITTED = "fit"


def predict_sequences(
    model: AssayModel,
    sequences: Sequence[str],
    *,
    experiment: str | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
) -> pd.DataFrame:
    """What an experiment would record of sequences that it has not seen.

    Parameters
    ----------
    model: fitted.
    sequences: of the letters and the length that the model was fitted to; shorter ones where its sequences varied.
    experiment: which of the model's experiments is imitated; the only one if not given.
    inputs: concentrations, one number for all or one a sequence; by default the number that the experiment gives.

    Returns
    -------
    One row a sequence: `sequence`; `activity`, on the mechanism's own scale (a probability or mean rate, a flux in
    1/s, or the trait of a map without a mechanism), as sequences are designed for; `coordinate`, the same as the
    measurement takes it (logit or ln, normalised where it normalises); `expected`, the mean of what is recorded.

    Raises
    ------
    DataError: a letter that is not of the alphabet, a sequence of another length, or a concentration below zero.
    ModelError: the model is not fitted or has no such experiment, or an input is missing or not known to it.
    """
    name = experiment_of(model, experiment)
    blueprint, frame = model.assembly.blueprint, model.frame
    _require_lengths(frame, sequences)
    known = known_inputs(model, blueprint, name, inputs or {}, len(sequences))
    rows = Experiment(name, frame.padded(list(sequences)), {}, np.zeros(len(sequences), dtype=np.int8), known)
    predicted = model.predict(rows)
    predicted.insert(0, "sequence", list(sequences))
    return predicted


def experiment_of(model: AssayModel, name: str | None) -> str:
    """The name of the experiment that is imitated: the only one if none is given.

    Raises
    ------
    ModelError: the model has no such experiment, or several to choose from.
    """
    known = list(model.experiments)
    if name is None and len(known) == 1:
        return known[0]
    if name not in known:
        raise ModelError(
            f"{model.name} has no experiment {name!r}" if name else "which experiment is to be predicted?",
            where=model.name,
            fix=f"{nearest(name or '', known)}give `experiment`, one of: {', '.join(known)}",
        )
    return name


def _require_lengths(frame: Frame, sequences: Sequence[str]) -> None:
    if not len(sequences):
        raise DataError("there are no sequences to predict", where="sequences", fix="give at least one")
    for row, sequence in enumerate(sequences):
        length = len(sequence)
        if length > frame.length or (length < frame.length and not frame.varies):
            raise DataError(
                f"a sequence has {length} letters, the model was fitted to {frame.length}",
                where=f"sequences, row {row}: {sequence[:60]!r}",
                why="what a position means is known for that length only",
                fix="give the same stretch of the construct as in the assay",
            )


def known_inputs(
    model: AssayModel, blueprint: Blueprint, experiment: str, given: Mapping[str, ArrayLike], rows: int
) -> dict[str, NDArray[np.float64]]:
    """Every concentration that the mechanism takes and the experiment does not estimate, one a sequence.

    Raises
    ------
    ModelError: an input is missing, or not known to the mechanism.
    DataError: a concentration is below zero or not finite, or there is another number of them than of rows.
    """
    declared = model.experiments[experiment].inputs
    needed = [name for name in blueprint.inputs if declared.get(name) != FITTED]
    for name in given:
        if name not in needed:
            why = "it is estimated for this experiment" if declared.get(name) == FITTED else ""
            raise ModelError(
                f"{model.name} takes no input {name!r}",
                where=f"experiment {experiment}",
                why=why,
                fix=f"{nearest(name, needed)}it takes: {shorten(needed) or 'none'}",
            )
    return {
        name: _each(name, given[name] if name in given else _declared(name, declared.get(name)), rows)
        for name in needed
    }


def _declared(name: str, value: float | str | None) -> float:
    if isinstance(value, str) or value is None:
        raise ModelError(
            f"input {name!r} is missing",
            why="the mechanism's activity depends on this concentration, which the experiment read from a column",
            fix=f"inputs={{'{name}': 1.0}}, or one number a sequence",
        )
    return float(value)


def _each(name: str, value: ArrayLike, rows: int) -> NDArray[np.float64]:
    values = np.asarray(value, dtype=np.float64)
    if values.shape not in ((), (rows,)):
        raise DataError(
            f"input {name!r} has shape {values.shape}",
            where="inputs",
            fix=f"give one number, or {rows}, one a sequence",
        )
    if not (np.isfinite(values) & (values >= 0)).all():
        raise DataError(
            f"input {name!r} is negative or not finite", where="inputs", fix="give a concentration"
        )
    return np.broadcast_to(values, (rows,)).copy()
