"""The comparisons by name, and all of them fitted to an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from pajamo.data.assays.assay import Experiment
from pajamo.errors import ModelError, nearest
from pajamo.models.pairs.additive import Additive
from pajamo.models.pairs.base import PairModel, Task
from pajamo.models.pairs.boosting import Boosting
from pajamo.models.pairs.cfd import CuttingFrequency
from pajamo.models.pairs.count import Count
from pajamo.models.pairs.network import Convolutional
from pajamo.models.pairs.product import Product

KINDS: Final[tuple[type[PairModel], ...]] = (
    Count,
    CuttingFrequency,
    Product,
    Additive,
    Boosting,
    Convolutional,
)
MODELS: Final = {kind.name: kind for kind in KINDS}
"""From what is known without any data to the black box."""


def task_of(experiment: Experiment) -> Task:
    """What was recorded: rates, or cuts.

    Raises
    ------
    ModelError: neither.
    """
    if "label" in experiment.recorded:
        return "cut"
    if "censored" in experiment.recorded:
        return "rate"
    raise ModelError(
        "comparisons on guide-target pairs are of rates and cuts",
        where=f"experiment {experiment.name}, which recorded {', '.join(experiment.recorded)}",
        fix='give a measurement of kind = "rate" or "cut"',
    )


def fit_pair_models(
    experiment: Experiment, names: Sequence[str] = tuple(MODELS), seed: int = 0
) -> dict[str, PairModel]:
    """Comparisons, fitted to the training rows of an experiment; the validation rows say when to stop.

    Parameters
    ----------
    experiment: guide-target pairs with rates or cuts.
    names: of MODELS; all of them if not given.
    seed: of every random choice.

    Raises
    ------
    ModelError: a name that there is not, an experiment that recorded something else, or a table of another nuclease.
    DataError: nothing to learn from.
    """
    task = task_of(experiment)
    for name in names:
        _require_known(name)
    recorded = experiment.recorded["label" if task == "cut" else "value"]
    guide = experiment.recorded.get("guide")
    return {
        name: MODELS[name](task, seed).fit(experiment.codes, recorded, experiment.set_of, guide)
        for name in names
    }


def restored(name: str, task: Task, arrays: Mapping[str, np.ndarray]) -> PairModel:
    """A comparison from the numbers that its `state` gave.

    Raises
    ------
    ModelError: a name that there is not, or numbers of another model.
    """
    _require_known(name)
    return MODELS[name](task).restore(arrays)


def _require_known(name: str) -> None:
    if name not in MODELS:
        raise ModelError(
            f"there is no comparison {name!r}", fix=f"{nearest(name, MODELS)}known: {', '.join(MODELS)}"
        )
