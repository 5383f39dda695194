"""Comparison of mechanisms that were fitted to the same data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import stats

from pajamo.config.assays import LatentSettings, MechanismSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError
from pajamo.evaluation.assays.resampling import interval, resampled_totals, totals
from pajamo.evaluation.assays.units import resampled_units
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import linear_readers
from pajamo.explanations.assays.information import information
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows


def compare_mechanisms(
    models: Mapping[str, AssayModel],
    assay: Assay,
    *,
    level: float = 0.9,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Held-out likelihood of each model with its difference to the best one; AIC and BIC.

    Parameters
    ----------
    models: fitted, each at its optimum, by name.
    assay: that they were fitted to; the test set decides (the validation set where there is no test set).
    level: coverage of the interval of the difference.
    resamples: of the sequences of the set that decides, the same for all models.
    seed: of the resamples.

    Returns
    -------
    One row a model, the best first: `model`; `held_out`, mean log-likelihood in bits per observation; `difference`
    to the best one with `low` and `high` (paired bootstrap over sequences, or over guides; see `resampled_units`);
    `log_likelihood` of the training set in nats; `parameters`, effective number including instruments (nan for black
    boxes); `AIC`, `BIC` (n: rows) from these.

    Raises
    ------
    ModelError: no models, or nothing is held out.
    """
    if not models:
        raise ModelError("there are no models to compare")
    part = _held_out(assay)
    scores = {name: _per_row(model, part) / np.log(2) for name, model in models.items()}
    weight = _observations(next(iter(models.values())), part)
    best = max(scores, key=lambda name: scores[name].sum())
    columns = np.column_stack([weight, *(scores[name] - scores[best] for name in scores)])
    ends = paired_intervals(totals(columns, _units(part)), level, resamples, seed)
    table = pd.DataFrame([_row(name, models[name], assay, scores[name], weight) for name in scores])
    table.insert(2, "difference", table["held_out"] - float(scores[best].sum() / weight.sum()))
    table.insert(3, "low", ends[:, 0])
    table.insert(4, "high", ends[:, 1])
    return table.sort_values("held_out", ascending=False, kind="stable", ignore_index=True)


def paired_intervals(of_units: Array, level: float, resamples: int, seed: int) -> Array:
    """Percentile intervals of the mean difference per observation, the same sequences drawn for every model.

    Parameters
    ----------
    of_units: for each sequence its observations, and what each model's likelihood differs; shape (sequences,
        1 + models).
    level: coverage.
    resamples: of the sequences; they are drawn block by block, so that no table of all of them is held.
    seed: of the draws.

    Returns
    -------
    Low and high end, shape (models, 2).
    """
    drawn = resampled_totals(of_units, seed, resamples)
    observations, sums = drawn[:, :1], drawn[:, 1:]
    means = np.divide(sums, observations, out=np.full(sums.shape, np.nan), where=observations > 0)
    return np.array([interval(lambda column: column, column, len(of_units), level) for column in means.T])


def _units(part: Assay) -> NDArray[np.intp]:
    """Number of what each row is resampled with, the same in every experiment; shape (rows,)."""
    _, units = resampled_units([experiment.codes for experiment in part.experiments], part.alphabet)
    return np.concatenate(units)


def _held_out(assay: Assay) -> Assay:
    """The test set, or the validation set where there is none."""
    for name in ("test", "validation"):
        part = assay.part(name)
        if any(experiment.n for experiment in part.experiments):
            return part
    raise ModelError("nothing is held out", why="mechanisms are compared on data that they have not seen")


def _per_row(model: AssayModel, part: Assay) -> Array:
    return np.concatenate(
        [model.log_likelihood(experiment) for experiment in part.experiments if experiment.n]
    )


def _observations(model: AssayModel, part: Assay) -> Array:
    """Observations of each row; every model has the same measurements."""
    found = []
    for experiment in part.experiments:
        rows = Rows.of(experiment)
        if len(rows):
            with torch.no_grad():
                found.append(model.assembly.measurement(rows.name).reads(rows.recorded).numpy())
    return np.concatenate(found)


def _row(name: str, model: AssayModel, assay: Assay, score: Array, weight: Array) -> dict[str, object]:
    training = assay.part("training")
    likelihood = float(_per_row(model, training).sum())
    parameters, rows = _effective(model, assay), sum(experiment.n for experiment in training.experiments)
    return {
        "model": name,
        "held_out": float(score.sum() / weight.sum()),
        "log_likelihood": likelihood,
        "parameters": parameters,
        "AIC": 2 * parameters - 2 * likelihood,
        "BIC": np.log(rows) * parameters - 2 * likelihood,
    }


def _effective(model: AssayModel, assay: Assay) -> float:
    if len(linear_readers(model.assembly)) != len(model.assembly.blueprint.readers):
        return float("nan")
    found = information(model, assay)
    return found.effective + found.instruments


@dataclass(frozen=True)
class LikelihoodRatio:
    """Whether the data need what a larger mechanism has more.

    Attributes
    ----------
    added: interactions that the smaller mechanism lacks.
    statistic: twice the difference of the log-likelihoods of the training set.
    degrees: effective parameters that the larger one has more.
    p_value: of the chi-square distribution with so many degrees of freedom.
    """

    added: tuple[str, ...]
    statistic: float
    degrees: float
    p_value: float

    @property
    def verdict(self) -> str:
        """One sentence."""
        return (
            f"{', '.join(self.added)}: the larger mechanism is better by {self.statistic / 2:.1f} nats with "
            f"{self.degrees:.1f} more parameters (p = {self.p_value:.2g})"
        )


def likelihood_ratio(smaller: AssayModel, larger: AssayModel, assay: Assay) -> LikelihoodRatio:
    """Test a mechanism against the same one with more interactions.

    Where an interaction is absent, other parameters may lose all their meaning (an activator that touches nothing):
    the degrees of freedom are therefore the difference of the effective numbers of parameters, not that of the
    declared ones, and the p-value is approximate.

    Raises
    ------
    ModelError: the mechanisms are not nested: they differ in more than interactions.
    """
    added = added_interactions(smaller.mechanism, larger.mechanism)
    training = assay.part("training")
    gain = float(_per_row(larger, training).sum() - _per_row(smaller, training).sum())
    degrees = max(information(larger, assay).effective - information(smaller, assay).effective, 1.0)
    statistic = max(2 * gain, 0.0)
    return LikelihoodRatio(added, statistic, degrees, float(stats.chi2.sf(statistic, degrees)))


def added_interactions(smaller: MechanismSettings, larger: MechanismSettings) -> tuple[str, ...]:
    """Interactions that the larger of two nested mechanisms has more.

    Raises
    ------
    ModelError: they are not nested.
    """
    if isinstance(smaller, LatentSettings) or isinstance(larger, LatentSettings):
        raise ModelError("a latent trait is nested in no mechanism", fix="compare by held-out likelihood")
    same = smaller.model_copy(update={"interactions": {}}) == larger.model_copy(update={"interactions": {}})
    more = tuple(name for name in larger.interactions if name not in smaller.interactions)
    kept = all(larger.interactions.get(name) == given for name, given in smaller.interactions.items())
    if not (same and kept and more):
        raise ModelError(
            "the mechanisms are not nested",
            why="the smaller must be the larger one without some of its interactions, and else the same",
            fix="compare them by held-out likelihood, AIC or BIC",
        )
    return more
