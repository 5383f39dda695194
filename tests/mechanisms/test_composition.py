"""The law of composition on numbers that fit on paper."""

from __future__ import annotations

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.mechanisms.composition import (
    additive,
    incidence,
    pairs,
    part_incidence,
    scales,
)

A, B, AB, ABC = (Condition(tuple(genes)) for genes in ("A", "B", "AB", "ABC"))


def test_incidence_marks_perturbed_genes():
    np.testing.assert_array_equal(incidence([A, AB, Condition(())], ["A", "B"]), [[1, 0], [1, 1], [0, 0]])


def test_parts_must_share_context_and_time():
    parts = [A, B, Condition(("A",), time=2.0), AB]
    np.testing.assert_array_equal(part_incidence([AB], parts), [[1, 1, 0, 0]])
    np.testing.assert_array_equal(part_incidence([Condition(("A", "B"), time=2.0)], parts), [[0, 0, 1, 0]])
    np.testing.assert_array_equal(part_incidence([Condition(("A",), context="liver")], parts), [[0, 0, 0, 0]])


def test_sum_of_effects():
    effects = np.array([[1.0, 0.0], [2.0, -1.0]])
    np.testing.assert_array_equal(
        additive(effects, np.array([[1.0, 1.0], [1.0, 0.0]])), [[3.0, -1.0], [1.0, 0.0]]
    )


def test_scales_by_order():
    np.testing.assert_allclose(scales([Condition(()), A, AB, ABC], 0.5), [1.0, 1.0, 0.5, 0.25])


def test_pairs_of_a_triple():
    assert pairs(ABC) == (("A", "B"), ("A", "C"), ("B", "C"))
    assert pairs(A) == ()
