"""The interpolated duplicate lies between repeat and mean; t against the rest leaves out a condition's own cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Moments, Pseudobulk
from pajamo.data.splits import Fold
from pajamo.evaluation.duplicates import against_rest, interpolated
from pajamo.evaluation.scoring import score
from pajamo.evaluation.truth import INTERPOLATED_DUPLICATE, TECHNICAL_DUPLICATE, Truth

CONTROL = Condition(())
NAMED = tuple(Condition((name,)) for name in "ABCD")


def test_t_against_the_rest_is_welchs_on_the_other_cells() -> None:
    rng = np.random.default_rng(0)
    cells = {c: rng.normal(i, 1 + i, size=(8 + 2 * i, 5)) for i, c in enumerate((CONTROL, *NAMED))}
    halves = [
        Moments(
            np.array([len(x[side::2]) for x in cells.values()]),
            np.array([x[side::2].mean(axis=0) for x in cells.values()]),
            np.array([x[side::2].var(axis=0, ddof=1) for x in cells.values()]),
        )
        for side in (0, 1)
    ]
    bulk = Pseudobulk(pd.Index(list("vwxyz")), tuple(cells), (halves[0], halves[1]))
    found = against_rest(bulk, NAMED[1:3])
    for row, condition in enumerate(NAMED[1:3]):
        rest = np.concatenate([cells[c] for c in NAMED if c != condition])
        expected = stats.ttest_ind(cells[condition], rest, equal_var=False).statistic
        np.testing.assert_allclose(found[row], expected, rtol=1e-9)


def test_a_condition_alone_in_its_setting_has_no_rest(make_bulk) -> None:
    alone = Condition(("A",), "elsewhere")
    means = {CONTROL: np.zeros(3), NAMED[0]: np.ones(3), NAMED[1]: np.ones(3), alone.control: np.zeros(3)}
    assert against_rest(make_bulk(means | {alone: np.ones(3)}), (alone,)) is None


@pytest.mark.parametrize(("p", "share"), [(0.0, 1.0), (1.0, 0.0), (0.4, 0.6)])
def test_interpolation_goes_by_the_certainty_of_the_change(p: float, share: float) -> None:
    delta = np.full((1, 3), 2.0)
    copy = Prediction("copy", pd.Index(list("xyz")), NAMED[:1], delta, np.ones((1, 3)), np.zeros((1, 3)))
    made = interpolated(copy, np.full(3, -1.0), np.full((1, 3), p), "mixed")
    np.testing.assert_allclose(made.delta, share * 2.0 - (1 - share))
    np.testing.assert_allclose(made.sd, share)


def test_interpolated_duplicate_is_quieter_where_little_changes(make_bulk) -> None:
    rng = np.random.default_rng(1)
    effect = np.zeros((4, 200))
    effect[:, :5] = rng.normal(0, 6.0, size=(4, 5))
    means = {CONTROL: np.zeros(200)} | dict(zip(NAMED, effect, strict=True))
    truth = Truth.of(make_bulk(means, cells=60, controls=400), Fold("f", NAMED[:2], NAMED[2:]))
    made = Prediction("m", truth.genes, NAMED[2:], truth.delta, np.ones_like(truth.delta), truth.control)
    errors = score(made, truth, names=["mse"]).groupby("model")["value"].mean()
    assert 0 < errors[INTERPOLATED_DUPLICATE] < errors[TECHNICAL_DUPLICATE]
