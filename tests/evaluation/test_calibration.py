"""Honest standard deviations cover as often as they say; halved ones do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.splits import Fold
from pajamo.errors import DataError
from pajamo.evaluation.calibration import calibration_curve, coverage
from pajamo.evaluation.truth import Truth

GENES, N = 300, 12


@pytest.fixture
def honest(make_bulk) -> tuple[Prediction, Truth]:
    """A prediction that misses the true change by as much as its sd says; the truth has 30 cells."""
    rng = np.random.default_rng(0)
    held = tuple(Condition((f"P{i:02d}",)) for i in range(N))
    delta = {condition: rng.normal(size=GENES) for condition in held}
    seen = Condition(("Z",))
    bulk = make_bulk({Condition(()): np.zeros(GENES), seen: np.zeros(GENES)} | delta, cells=30)
    truth = Truth.of(bulk, Fold("f", (seen,), held))
    sd = 0.3
    guess = np.array([delta[c] + sd * rng.normal(size=GENES) for c in held])
    return Prediction("m", bulk.genes, held, guess, np.full(guess.shape, sd), truth.control), truth


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_honest_prediction_covers(honest: tuple[Prediction, Truth], level: float) -> None:
    table = coverage(*honest, level=level)
    assert len(table) == N
    assert table["coverage"].mean() == pytest.approx(level, abs=0.03)
    # Variances come from few cells, and the mean of 1 / s² exceeds 1 / σ²: a little above one is right.
    assert table["error_over_noise"].mean() == pytest.approx(1, abs=0.15)


def test_overconfidence_and_needless_width_show(honest: tuple[Prediction, Truth]) -> None:
    prediction, truth = honest
    exact = replace(truth, variance_of_mean=np.zeros_like(truth.mean))
    bold = coverage(replace(prediction, sd=prediction.sd / 3), exact)
    timid = coverage(replace(prediction, sd=prediction.sd * 5), exact)
    assert bold["coverage"].mean() < 0.6 < 0.99 < timid["coverage"].mean()
    np.testing.assert_allclose(timid["width"], 2 * 1.6448536 * 1.5)


def test_curve_rises_with_the_level(honest: tuple[Prediction, Truth]) -> None:
    prediction, truth = honest
    curve = calibration_curve([prediction, replace(prediction, model="other")], truth, (0.5, 0.9))
    assert list(curve["model"]) == ["m", "m", "other", "other"]
    assert curve["coverage"].iloc[0] < curve["coverage"].iloc[1]


def test_prediction_without_sd_is_refused(honest: tuple[Prediction, Truth]) -> None:
    prediction, truth = honest
    with pytest.raises(DataError, match="no standard deviation"):
        coverage(replace(prediction, sd=np.full_like(prediction.sd, np.nan)), truth)
