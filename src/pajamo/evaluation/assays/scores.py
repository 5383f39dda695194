"""Figures of one model on rows that were measured: likelihood, information in bits, share of the variance."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from pajamo.errors import DataError
from pajamo.evaluation.assays.pair_scores import PAIR_UNITS, censored_information, cut_scores, rate_scores
from pajamo.evaluation.assays.resampling import interval, resampled_totals, totals
from pajamo.evaluation.assays.rows import Array, Measured, Said
from pajamo.evaluation.assays.score import Score
from pajamo.evaluation.assays.units import GUIDES
from pajamo.evaluation.information.estimate import InformationEstimate
from pajamo.evaluation.information.metrics import predictive_information, variational_information

LIKELIHOOD, I_VAR, I_PRED = "log_likelihood", "I_var", "I_pred"
R2, CORRELATION = "R2", "squared_correlation"
UNITS = {
    LIKELIHOOD: "nats per observation",
    I_VAR: "bits",
    I_PRED: "bits",
    R2: "",
    CORRELATION: "",
    **PAIR_UNITS,
}
"""Every metric, and its unit; for all of them higher is better."""
ROUNDING = 1e-12


def scores_of(measured: Measured, said: Said, *, information: bool = True, seed: int = 0) -> list[Score]:
    """Every figure that applies to an experiment of this kind.

    Parameters
    ----------
    measured, said: the rows and what the model says of them.
    information: whether to estimate I_pred, which takes longest.
    seed: of resamples and halves.
    """
    found = [likelihood_score(measured, said, seed)]
    if measured.kind != "ratios":
        found.append(_information(I_VAR, lambda: _variational(measured, said, seed)))
    if information:
        found.append(
            _information(
                I_PRED, lambda: predictive_information(said.coordinate, measured.recorded, seed=seed)
            )
        )
    if measured.kind in ("values", "rates"):
        found += variance_scores(measured, said, seed)
    if measured.kind == "rates":
        found += rate_scores(measured, said, seed)
    if measured.kind == "cuts":
        guides = measured.resampled if measured.unit == GUIDES else None
        found += cut_scores(measured, said, guides, seed)
    return found


def likelihood_score(measured: Measured, said: Said, seed: int) -> Score:
    """ln-likelihood of each observation in nats, the mean over observations."""
    columns = np.stack([said.log_likelihood, measured.observations], axis=1)
    return from_sums(LIKELIHOOD, columns, measured, per_observation, seed)


def per_observation(sums: Array) -> Array:
    """The first column of sums over the second: a mean over observations; shape (resamples,)."""
    return np.asarray(sums[:, 0] / sums[:, 1])


def variance_scores(measured: Measured, said: Said, seed: int) -> list[Score]:
    """Share of the variance that the expected value explains, and the squared correlation with it.

    R2 = 1 - sum (y - expected)² / sum (y - mean)²; the squared correlation forgives any offset and slope.
    """
    y, expected = measured.recorded, said.expected
    # About the overall mean, so that sums of squares lose no digits.
    y, expected = y - measured.recorded.mean(), expected - measured.recorded.mean()
    columns = np.stack(
        [np.ones_like(y), y, y**2, (y - expected) ** 2, expected, expected**2, y * expected], axis=1
    )
    return [
        from_sums(R2, columns, measured, _explained, seed),
        from_sums(CORRELATION, columns, measured, _correlation, seed),
    ]


def _explained(sums: Array) -> Array:
    n, y, squares, residual = sums[:, :4].T
    spread = squares - y**2 / n
    share = np.divide(residual, spread, out=np.full(len(n), np.nan), where=spread > 0)
    return np.asarray(1 - share)


def _correlation(sums: Array) -> Array:
    n, y, squares, _, e, e_squares, product = sums.T
    recorded, predicted = squares - y**2 / n, e_squares - e**2 / n
    # A prediction that is the same for every row correlates with nothing, whatever rounding leaves of its spread.
    varies = (recorded > ROUNDING * squares) & (predicted > ROUNDING * e_squares)
    shared = (product - y * e / n) ** 2
    return np.asarray(np.divide(shared, recorded * predicted, out=np.zeros(len(n)), where=varies))


def from_sums(
    metric: str, columns: Array, measured: Measured, statistic: Callable[[Array], Array], seed: int
) -> Score:
    """A statistic of sums over rows, with its interval from resampled units."""
    of_units = totals(columns, measured.resampled)
    value = float(statistic(of_units.sum(axis=0, keepdims=True))[0])
    drawn = resampled_totals(of_units, seed)
    return Score(metric, value, *interval(statistic, drawn, len(of_units)))


def _variational(measured: Measured, said: Said, seed: int) -> InformationEstimate:
    loss = np.divide(
        -said.log_likelihood,
        measured.observations,
        out=np.zeros(measured.n),
        where=measured.observations > 0,
    )
    if measured.censored is not None:
        return censored_information(loss, measured.recorded, measured.censored, seed)
    return variational_information(loss, measured.recorded, seed=seed)


def _information(metric: str, estimate: Callable[[], InformationEstimate]) -> Score:
    """An estimate of information; too few rows leave a note instead of a figure."""
    try:
        found = estimate()
    except DataError as error:
        nothing = float("nan")
        return Score(metric, nothing, nothing, nothing, f"{error.what}: {error.why}".removesuffix(": "))
    return Score(metric, found.bits, found.low, found.high)


def score_table(
    measured: Measured, said: Mapping[str, Said], *, information: bool = True, seed: int = 0
) -> pd.DataFrame:
    """Figures of several models on the same rows; columns model, experiment, set, metric, value, low, high, ..."""
    rows = [
        as_row(model, measured, score)
        for model, own in said.items()
        for score in scores_of(measured, own, information=information, seed=seed)
    ]
    return pd.DataFrame(rows)


def as_row(model: str, measured: Measured, score: Score) -> dict[str, object]:
    """One row of a table of scores."""
    return {
        "model": model,
        "experiment": measured.experiment,
        "set": measured.set_name,
        "metric": score.metric,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "unit": UNITS[score.metric],
        "rows": measured.n,
        "observations": float(measured.observations.sum()),
        "note": score.note,
    }
