"""A table of figures of several predictions of one experiment's rows, each beside the best of the others."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pajamo.data.assays.assay import Experiment
from pajamo.errors import DataError
from pajamo.evaluation.pairs.discrimination import discrimination
from pajamo.evaluation.pairs.metrics import Array, correlations


def pair_scores(experiment: Experiment, said: Mapping[str, Array], seed: int = 0) -> pd.DataFrame:
    """Figures of every prediction, one row a model.

    Parameters
    ----------
    experiment: rows that were measured, as the test set of an assay.
    said: by model, log10 of the rate of each row or the probability of a cut, shape (rows,).
    seed: of the resamples, the same for all.

    Returns
    -------
    `model`, `rows`, and the figures of `correlations` (rates) or `discrimination` (cuts).

    Raises
    ------
    DataError: there are no rows, or neither rates nor cuts were recorded.
    """
    if not experiment.n:
        raise DataError("there are no rows to judge by", where=f"experiment {experiment.name}")
    recorded = experiment.recorded
    if "label" in recorded:
        found = [discrimination(own, recorded["label"], recorded.get("guide"), seed) for own in said.values()]
        return pd.DataFrame([{"model": name, **own} for name, own in zip(said, found, strict=True)])
    if "value" not in recorded:
        raise DataError(
            "figures of pairs are of rates and cuts",
            where=f"experiment {experiment.name}, which recorded {', '.join(recorded)}",
            fix='give a measurement of kind = "rate" or "cut"',
        )
    rates = [correlations(own, recorded["value"], recorded.get("censored"), seed) for own in said.values()]
    rows = experiment.n
    return pd.DataFrame([{"model": name, "rows": rows, **own} for name, own in zip(said, rates, strict=True)])
