"""Whether every recorded sequence leaves the mechanism something to do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import DataError
from pajamo.models.assays.compiling.windows import lengths

Present = NDArray[np.bool_]


def require_activity(
    active: Present, inputs: Mapping[str, NDArray[np.float64]], fixed: NDArray[np.float64], ends: NDArray[np.int64],
    assay: Assay,
) -> None:  # fmt: skip
    """Refuse rows of which every active state is absent: ln of their activity would be minus infinity.

    Parameters
    ----------
    active: whether a state is active in any output, shape (states,).
    inputs, fixed: concentrations that multiply the states.
    ends: shortest sequence on which each state has room, shape (states,).

    Raises
    ------
    DataError: the first such row.
    """
    for experiment in assay.experiments:
        cases, case_of = _cases(experiment, inputs, assay.alphabet.missing)
        for number, case in enumerate(cases):
            present = np.isfinite(fixed) & (ends <= case[0])
            for times, without in zip(inputs.values(), case[1:], strict=True):
                present &= ~((times > 0) & bool(without))
            if not (present & active).any():
                raise _never_active(experiment, int(np.argmax(case_of == number)), case, list(inputs))


def _cases(
    experiment: Experiment, inputs: Mapping[str, NDArray[np.float64]], missing: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Different lengths and patterns of inputs that are 0, and the case of each row."""
    given = [experiment.inputs.get(name, np.ones(experiment.n)) == 0 for name in inputs]
    table = np.stack([lengths(experiment, missing), *given], axis=1).astype(np.int64)
    cases, case_of = np.unique(table, axis=0, return_inverse=True)
    return cases, case_of.reshape(-1)


def _never_active(experiment: Experiment, row: int, case: NDArray[np.int64], names: list[str]) -> DataError:
    absent = [name for name, without in zip(names, case[1:], strict=True) if without]
    without = f", with {' and '.join(absent)} at 0" if absent else ""
    return DataError(
        "no active state is possible for a sequence",
        where=f"experiments.{experiment.name}, row {row}: {case[0]} letters{without}",
        why="each active state binds what is absent there or has no room on so short a sequence, so that the "
        "mechanism says that the activity is exactly 0",
        fix="remove such rows, give a small concentration in place of 0, or declare a basal rate of another state",
    )
