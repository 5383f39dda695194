"""Predictions are aligned by name, and what does not match is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.splits import Fold
from pajamo.errors import DataError, ModelError, StudyError
from pajamo.evaluation.scoring import COLUMNS, score
from pajamo.evaluation.truth import INTERPOLATED_DUPLICATE, TECHNICAL_DUPLICATE, Truth

A, B, AB = Condition(("A",)), Condition(("B",)), Condition(("A", "B"))


@pytest.fixture
def truth(make_bulk) -> Truth:
    rng = np.random.default_rng(0)
    means = {Condition(()): np.zeros(12)} | {c: rng.normal(size=12) for c in (A, B, AB)}
    return Truth.of(make_bulk(means), Fold("f", (A,), (B, AB)))


@pytest.fixture
def prediction(truth: Truth) -> Prediction:
    delta = truth.delta + 0.1
    return Prediction("m", truth.genes, truth.conditions, delta, np.full(delta.shape, 0.2), truth.control)


def test_table_is_tidy_and_holds_the_duplicate(truth: Truth, prediction: Prediction) -> None:
    table = score([prediction, replace(prediction, model="other")], truth)
    assert list(table.columns) == COLUMNS
    assert set(table["model"]) == {"m", "other", TECHNICAL_DUPLICATE, INTERPOLATED_DUPLICATE}
    assert not table.duplicated(["model", "condition", "metric"]).any()
    assert set(table["genes"]) == {"B", "A+B"}
    assert "energy_distance" not in set(table["metric"])
    assert set(score(prediction, truth, duplicate=False)["model"]) == {"m"}


def test_order_of_genes_and_conditions_does_not_matter(truth: Truth, prediction: Prediction) -> None:
    order = np.random.default_rng(0).permutation(len(truth.genes))
    turned = Prediction(
        "m",
        truth.genes[order],
        truth.conditions[::-1],
        prediction.delta[::-1][:, order],
        prediction.sd[::-1][:, order],
        prediction.control[::-1][:, order],
    )
    pd.testing.assert_frame_equal(score(prediction, truth), score(turned, truth))


def test_what_does_not_match_is_named(truth: Truth, prediction: Prediction) -> None:
    with pytest.raises(DataError, match=r"nothing for A\+B"):
        score(prediction.of(truth.conditions[1:]), truth)
    renamed = replace(prediction, genes=prediction.genes.str.replace("g0", "unknown"))
    with pytest.raises(DataError, match="lacking: g0"):
        score(renamed, truth)
    broken = prediction.delta.copy()
    broken[1, 3] = np.nan
    with pytest.raises(ModelError, match="not finite") as caught:
        score(replace(prediction, delta=broken), truth)
    assert "gene g3" in caught.value.where
    with pytest.raises(StudyError, match="did you mean 'pearson_delta'"):
        score(prediction, truth, names=["pearson_detla"])


def test_change_refers_to_the_shared_control_or_to_the_models_own(make_bulk) -> None:
    rng = np.random.default_rng(3)
    a, b = Condition(("A",)), Condition(("B",))
    bulk = make_bulk({Condition(()): np.zeros(8), a: rng.normal(size=8), b: rng.normal(size=8)})
    fold = Fold("f", (a,), (b,))
    moved = 2.0 * rng.normal(size=(1, 8))

    def pearson(shared: bool) -> float:
        truth = Truth.of(bulk, fold, shared_control=shared)
        # A perfect level, but the model believes in another control.
        refined = Prediction(
            "m", bulk.genes, (b,), truth.delta - moved, np.ones((1, 8)), truth.control + moved
        )
        table = score(refined, truth, names=["pearson_delta"], duplicate=False)
        return float(table["value"].iloc[0])

    assert pearson(shared=True) == pytest.approx(1.0)
    assert pearson(shared=False) < 0.9
