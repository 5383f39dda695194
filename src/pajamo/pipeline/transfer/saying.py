"""What every model of a transfer says of the rows of a table: the ensemble, its members, its starts, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.distinct import distinct
from pajamo.data.assays.pairs.pairing import Codes, on_targets
from pajamo.evaluation.pairs.ranking import Array
from pajamo.models.assays.model import AssayModel
from pajamo.models.pairs.base import PairModel
from pajamo.models.transfer.model import TransferModel
from pajamo.models.transfer.predicting import competed

ENSEMBLE: Final = "kinetic network"
COMPETING: Final = "kinetic network, sites compete"
IN_VITRO: Final = "in vitro only"
AT_ONCE: Final = 65_536
SLOWEST: Final = 1e-300
"""Rate below which no logarithm is taken."""


def said_by_all(
    experiment: Experiment,
    model: TransferModel,
    starts: Mapping[str, AssayModel],
    compared: Mapping[str, PairModel],
) -> dict[str, Array]:
    """A score of every row by every model, each of shape (rows,).

    Parameters
    ----------
    experiment: rows of one table, all candidate sites of their guides where the settings ask for competition.
    model: the trained ensemble.
    starts: mechanisms as they were fitted in vitro.
    compared: models without kinetics.
    """
    different, rows = distinct(experiment.codes)
    said = {name: own[rows] for name, own in _compared(different, compared).items()}
    for name, start in starts.items():
        said[f"{name}, {IN_VITRO}"] = log_activity(start, different)[rows]
    odds = model.log_odds(different, table_of(model, experiment.name))
    said |= {
        f"member {n}, {of}": own[rows] for n, (of, own) in enumerate(zip(model.of, odds, strict=True), 1)
    }
    said[ENSEMBLE] = odds.mean(axis=0)[rows]
    share = model.settings.competition
    if share:
        said[COMPETING] = competed(odds[:, rows], _competing(experiment, model), share).mean(axis=0)
    return said


def _competing(experiment: Experiment, model: TransferModel) -> NDArray[np.intp]:
    """Numbers of sites that compete: those of one guide, its own target apart, which every guide has and few list."""
    alphabet = model.frame.alphabet
    assert isinstance(alphabet, PairAlphabet)
    matched = on_targets(experiment.codes, alphabet.pam)
    return experiment.recorded["guide"].astype(np.intp) * 2 + matched


def table_of(model: TransferModel, experiment: str) -> str:
    """The table to which a probability refers: the rows' own if it was trained on, else the first that was."""
    return model.experiment(experiment if experiment in model.experiments else None)


def log_activity(start: AssayModel, codes: Codes) -> Array:
    """ln of the activity that a mechanism has in vitro, shape (pairs,)."""
    name = next(iter(start.experiments))
    parts = [
        start.predict(Experiment(name, part, {}, np.zeros(len(part), np.int8)))["activity"]
        for part in np.array_split(codes, max(1, -(-len(codes) // AT_ONCE)))
    ]
    return np.asarray(np.log(np.maximum(np.concatenate(parts), SLOWEST)))


def _compared(codes: Codes, compared: Mapping[str, PairModel]) -> dict[str, Array]:
    return {name: own.predict(codes) for name, own in compared.items()}
