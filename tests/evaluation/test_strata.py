"""Strata divide held-out conditions by response and by what was seen, and add up to the whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.splits import Fold
from pajamo.errors import DataError
from pajamo.evaluation.strata import BY_EFFECT, BY_PARTS, EFFECTS, by_stratum, stratum_table
from pajamo.evaluation.truth import Truth

A, B, C, AB, AC, CD = (Condition(tuple(name)) for name in ("A", "B", "C", "AB", "AC", "CD"))


@pytest.fixture
def facts(make_bulk) -> pd.DataFrame:
    sizes = {A: 1.0, B: 1.0, AB: 3.0, AC: 0.0, CD: 1.0}
    means = {Condition(()): np.zeros(50)} | {c: np.full(50, size) for c, size in sizes.items()}
    fold = Fold("f", (A, B), (AB, AC, CD))
    return stratum_table(Truth.of(make_bulk(means, cells=200), fold), fold)


def scores(values: dict[str, float], model: str = "m") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fold": "f",
            "model": model,
            "condition": list(values),
            "metric": "mse",
            "value": list(values.values()),
        }
    )


def test_size_is_that_of_the_change_without_noise(facts: pd.DataFrame) -> None:
    effect = facts.set_index("condition")["effect"]
    assert effect["A+B"] == pytest.approx(3 * np.sqrt(50), rel=0.05)
    assert effect["C+D"] == pytest.approx(np.sqrt(50), rel=0.1)
    # With noise, a condition without any effect would have a norm of about 0.87.
    assert effect["A+C"] < 0.5


def test_parts_are_counted_in_training(facts: pd.DataFrame) -> None:
    assert dict(zip(facts["condition"], facts["parts"], strict=True)) == {
        "A+B": "2 of 2", "A+C": "1 of 2", "C+D": "0 of 2",
    }  # fmt: skip


def test_means_within_strata_fit_on_paper(facts: pd.DataFrame) -> None:
    table = by_stratum(scores({"A+B": 3.0, "A+C": 1.0, "C+D": 2.0}), [facts])
    found = table.set_index(["strata", "stratum"])["mean"]
    assert [found[BY_EFFECT, name] for name in EFFECTS] == [1.0, 2.0, 3.0]
    assert [found[BY_PARTS, f"{n} of 2"] for n in (0, 1, 2)] == [2.0, 1.0, 3.0]
    assert list(table["stratum"][:3]) == list(EFFECTS)
    assert (table["n_conditions"] == 1).all()


def test_one_stratum_is_no_division(facts: pd.DataFrame) -> None:
    same = facts.assign(parts="2 of 2")
    assert set(by_stratum(scores({"A+B": 1.0}), [same])["strata"]) == {BY_EFFECT}


def test_an_unknown_condition_is_named(facts: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"X\+Y"):
        by_stratum(scores({"X+Y": 1.0}), [facts])
