"""Perplexity with its intervals, against closed forms and planted differences."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.errors import DataError
from pajamo.evaluation.proteins.perplexity import Told, perplexities


def told(nats_a_residue: np.ndarray, asked: np.ndarray) -> Told:
    return Told(nats_a_residue * asked, asked.astype(float))


def test_a_model_that_knows_nothing_has_as_many_guesses_as_there_are_letters() -> None:
    asked = np.array([3, 5])
    one = told(np.full(2, np.log(20)), asked)
    assert one.perplexity == pytest.approx(20)
    table = perplexities({"flat": one}, np.array([10, 20]), np.arange(2), ["flat"])
    row = table[table.residues == "all"].iloc[0]
    assert row.perplexity == pytest.approx(20)
    assert (row.low, row.high) == pytest.approx((20, 20))
    assert row.difference == 0


def test_residues_count_not_proteins() -> None:
    asked = np.array([1, 9])
    one = told(np.array([0.0, 1.0]), asked)
    assert np.log(one.perplexity) == pytest.approx(0.9)


def test_bands_divide_proteins_and_empty_ones_are_left_out() -> None:
    lengths = np.array([50, 99, 100, 5000])
    table = perplexities({"m": told(np.ones(4), np.full(4, 10))}, lengths, np.arange(4), [])
    counts = dict(zip(table.residues, table.proteins, strict=True))
    assert counts == {"all": 4, "0 to 99": 2, "100 to 199": 1, "800 and more": 1}


def test_differences_are_paired_and_relatives_are_not_independent() -> None:
    rng = np.random.default_rng(0)
    families = np.repeat(np.arange(40), 25)
    asked = np.full(1000, 20)
    hard = rng.normal(2.8, 0.3, 40)[families]
    base, model = told(hard, asked), told(hard - 0.05 + rng.normal(0, 0.01, 40)[families], asked)
    lengths = np.full(1000, 150)
    by_family = perplexities({"model": model, "table": base}, lengths, families, ["table"]).iloc[0]
    alone = perplexities({"model": model, "table": base}, lengths, np.arange(1000), ["table"]).iloc[0]
    assert by_family.difference == pytest.approx(-0.05, abs=0.01)
    assert by_family.difference_high < -0.04
    assert by_family.high - by_family.low > 3 * (alone.high - alone.low)
    assert by_family.high - by_family.low > 10 * (by_family.difference_high - by_family.difference_low)


def test_the_best_baseline_is_the_one_to_beat() -> None:
    asked = np.full(5, 10)
    models = {
        "ours": told(np.full(5, 2.7), asked),
        "a": told(np.full(5, 2.9), asked),
        "b": told(np.full(5, 2.6), asked),
    }
    row = perplexities(models, np.full(5, 60), np.arange(5), ["a", "b"]).iloc[0]
    assert row.baseline == "b"
    assert row.difference == pytest.approx(0.1)


def test_nothing_hidden_is_an_error() -> None:
    with pytest.raises(DataError, match="no hidden residue"):
        perplexities({"m": Told(np.zeros(2), np.zeros(2))}, np.array([5, 5]), np.arange(2), [])
