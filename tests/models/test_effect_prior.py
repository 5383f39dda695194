"""The gate of prior knowledge: leave-one-out errors against refits, and no gain from vectors without meaning."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.encoders.gene import one_hot
from pajamo.models.parts.effect_prior import best_penalty, left_out_errors, unit_vectors

NAMES = [f"a{i}" for i in range(15)]


def kernel_of(vectors: dict[str, np.ndarray]) -> np.ndarray:
    units, _ = unit_vectors(vectors, NAMES, NAMES[:1])
    return units @ units.T


def refitted(kernel: np.ndarray, response: np.ndarray, penalty: float) -> np.ndarray:
    """Each gene from a fit without it: generalised least squares for the mean, kriging for the rest."""
    errors = []
    for i in range(len(kernel)):
        rest = np.delete(np.arange(len(kernel)), i)
        inverse = np.linalg.inv(kernel[np.ix_(rest, rest)] + penalty * np.eye(len(rest)))
        mean = inverse.sum(axis=0) @ response[rest] / inverse.sum()
        predicted = mean + kernel[i, rest] @ inverse @ (response[rest] - mean)
        errors.append(((response[i] - predicted) ** 2).mean())
    return np.array(errors)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_left_out_errors_are_those_of_refits(penalty):
    rng = np.random.default_rng(0)
    kernel = kernel_of(dict(zip(NAMES, rng.normal(size=(15, 4)), strict=True)))
    response = rng.normal(size=(15, 7))
    expected = refitted(kernel, response, penalty)
    np.testing.assert_allclose(left_out_errors(kernel, response, penalty), expected)


def test_genes_that_have_nothing_in_common_say_nothing():
    response = np.random.default_rng(1).normal(1.0, 1.0, (15, 40))
    assert best_penalty(kernel_of(one_hot(NAMES)), response)[1] == 1.0


def test_the_gate_opens_to_knowledge_and_seldom_to_noise():
    opened = {"true": 0, "noise": 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(15, 3))
        response = vectors @ rng.normal(size=(3, 20)) + rng.normal(0, 0.5, (15, 20))
        for name, given in (("true", vectors), ("noise", rng.normal(size=(15, 3)))):
            share = best_penalty(kernel_of(dict(zip(NAMES, given, strict=True))), response)[1]
            opened[name] += share < 1.0
    assert opened["true"] >= 38
    assert opened["noise"] <= 8
