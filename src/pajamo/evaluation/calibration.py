"""Does a prediction know how wrong it is?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from pajamo.data.prediction import Prediction
from pajamo.errors import DataError
from pajamo.evaluation.masked import mean_where
from pajamo.evaluation.scoring import guess
from pajamo.evaluation.truth import Truth

LEVELS = (0.5, 0.8, 0.9, 0.95)


def coverage(prediction: Prediction, truth: Truth, level: float = 0.9) -> pd.DataFrame:
    """Share of measured changes within the prediction's interval, condition by condition.

    The interval for a measured change is delta ± z sqrt(sd² + se²), where sd is the prediction's and se
    the truth's own standard error, since the truth is measured on finitely many cells. An honest
    prediction covers `level` of the genes; less is overconfidence, more is needless width.

    Returns
    -------
    Columns model, condition, level, coverage (share of the counted genes), width (mean full width, in
    the unit of the prediction), error_over_noise (mean of (delta - truth)² / (sd² + se²), 1 if honest).

    Raises
    ------
    DataError: the prediction has no standard deviation, or does not match the truth.
    """
    made = guess(prediction, truth)
    if made.sd is None:
        raise DataError(f"{prediction.model} gives no standard deviation", fix="choose a model that does")
    variance = made.sd**2 + truth.variance_of_mean
    half = float(stats.norm.ppf(0.5 + level / 2)) * np.sqrt(variance)
    error = np.abs(made.delta - truth.delta)
    ratio = np.divide(error**2, variance, out=np.zeros_like(error), where=variance > 0)
    return pd.DataFrame(
        {
            "model": prediction.model,
            "condition": [str(condition) for condition in truth.conditions],
            "level": level,
            "coverage": mean_where((error <= half).astype(float), truth.counted),
            "width": mean_where(2 * half, truth.counted),
            "error_over_noise": mean_where(ratio, truth.counted),
        }
    )


def calibration_curve(
    predictions: Sequence[Prediction], truth: Truth, levels: Sequence[float] = LEVELS
) -> pd.DataFrame:
    """Mean coverage of each model at several levels: columns model, level, coverage, width."""
    tables = [coverage(prediction, truth, level) for prediction in predictions for level in levels]
    columns = ["coverage", "width", "error_over_noise"]
    return pd.concat(tables).groupby(["model", "level"], sort=False)[columns].mean().reset_index()
