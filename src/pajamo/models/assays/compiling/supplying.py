"""Concentrations: known ones, inputs that experiments give, and inputs that are estimated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import AssayStudy, inputs_of
from pajamo.data.assays.assay import Assay
from pajamo.errors import DataError, StudyError, nearest, shorten, warn
from pajamo.models.assays.blueprint import Term
from pajamo.models.assays.compiling.columns import Columns

Array = NDArray[np.float64]
Fitted = Sequence[tuple[str, str]]
"""Each input that is to be estimated, with its experiment."""


@dataclass(frozen=True)
class Supply:
    """Concentrations that multiply rows.

    Attributes
    ----------
    inputs: for each input how often it multiplies each row, shape (rows,).
    fixed: ln of known concentrations, shape (rows,); -inf where one of them is 0.
    """

    inputs: dict[str, Array]
    fixed: Array


def fitted_inputs(study: AssayStudy) -> list[tuple[str, str]]:
    """Each input that is to be estimated, with its experiment."""
    return [
        (key, name)
        for name, experiment in study.experiments.items()
        for key, given in experiment.inputs.items()
        if given == "fit"
    ]


def refuse_unused_inputs(study: AssayStudy) -> None:
    """Refuse inputs of experiments that no mechanism takes: they are most likely misspelt.

    Raises
    ------
    StudyError: an experiment gives such an input.
    """
    taken = {name for settings in study.mechanisms.values() for name in inputs_of(settings)}
    for name, experiment in study.experiments.items():
        for key in experiment.inputs:
            if study.mechanisms and key not in taken:
                raise StudyError(
                    f"no mechanism takes the input {key!r}",
                    where=f"experiments.{name}.inputs.{key}",
                    fix=f"{nearest(key, taken)}name it as a `concentration`, or remove it; "
                    f"mechanisms take: {shorten(sorted(taken)) or 'none'}",
                )


def supply(rows: Iterable[Sequence[str | float | None]]) -> Supply:
    """Gather the concentrations of what is bound in each row (or multiplies each rate)."""
    rows = list(rows)
    inputs: dict[str, Array] = {}
    fixed = np.zeros(len(rows))
    for row, concentrations in enumerate(rows):
        for concentration in concentrations:
            if isinstance(concentration, str):
                inputs.setdefault(concentration, np.zeros(len(rows)))[row] += 1
            elif concentration is not None:
                with np.errstate(divide="ignore"):
                    fixed[row] += np.log(concentration)
    return Supply(inputs, fixed)


def check_inputs(inputs: Iterable[str], assay: Assay, fitted: Fitted) -> None:
    """Whether every experiment gives every input.

    Raises
    ------
    StudyError: an input that an experiment does not give.
    DataError: a concentration that is negative or no number.
    """
    for name in inputs:
        for experiment in assay.experiments:
            if (name, experiment.name) in fitted:
                continue
            if name not in experiment.inputs:
                raise _not_given(name, experiment.name, assay, fitted)
            _check_values(name, experiment.inputs[name], experiment.name)
        if all((name, experiment.name) in fitted for experiment in assay.experiments):
            warn(
                f"the concentration {name!r} is estimated in every experiment: only its ratios between experiments "
                "are measured; give it a number in one of them"
            )


def fitted_columns(inputs: dict[str, Array], fitted: Fitted, sign: float) -> Columns:
    """Terms ln of each estimated concentration; `sign` is -1 in free energies and 1 in ln of rates."""
    chosen = [(key, experiment) for key, experiment in fitted if key in inputs]
    terms = [Term(f"ln {key} in {name}", "", initial=0.0, experiment=name) for key, name in chosen]
    rows = len(next(iter(inputs.values()), ()))
    columns = [sign * inputs[key] for key, _ in chosen]
    return Columns(tuple(terms), np.stack(columns, axis=1) if columns else np.zeros((rows, 0)))


def _not_given(name: str, experiment: str, assay: Assay, fitted: Fitted) -> StudyError:
    given = {
        e.name: [*e.inputs, *(key for key, where in fitted if where == e.name)] for e in assay.experiments
    }
    listed = "; ".join(f"{e} gives {shorten(keys) or 'none'}" for e, keys in given.items())
    return StudyError(
        f"the experiment {experiment!r} does not give the input {name!r}",
        where=f"concentration = {name!r}",
        why=listed,
        fix=f"{nearest(name, given[experiment])}add it to [experiments.{experiment}.inputs] as a number, a column, "
        'or "fit"',
    )


def _check_values(name: str, values: Array, experiment: str) -> None:
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise DataError(
            f"the input {name!r} is negative or no number in {len(bad)} rows",
            where=f"experiments.{experiment}, row {bad[0]}: {values[bad[0]]}",
            why="a concentration, or a time, is a finite number, zero or above",
            fix="mend or remove these rows",
        )
