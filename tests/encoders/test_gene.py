"""Vectors of genes, and what a gene without one gets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import GeneVectors, gene_vectors, response_axes


def training(delta, names, **more) -> TrainingSet:
    delta = np.asarray(delta, dtype=float)
    conditions = tuple(Condition((name,)) for name in names)
    n = len(delta)
    moments = Moments(np.full(n, 5), delta, np.zeros_like(delta))
    zero = np.zeros((1, delta.shape[1]))
    return TrainingSet(
        pd.Index(list("abcd")[: delta.shape[1]]), conditions, moments,
        (("", 0.0),), Moments(np.full(1, 5), zero, zero), **more,
    )  # fmt: skip


def test_sums_and_fallback():
    vectors = GeneVectors.with_fallback(["A", "B", "C"], np.array([[1.0], [3.0], [100.0]]), ["A", "B", "X"])
    asked = [Condition(("A", "B")), Condition(("A", "unknown")), Condition(())]
    np.testing.assert_array_equal(vectors.sums(asked), [[4.0], [3.0], [0.0]])
    np.testing.assert_array_equal(vectors.knows(asked), [True, False, True])


def test_axes_rebuild_the_changes():
    delta = np.random.default_rng(0).normal(size=(3, 8))
    loadings, spread = response_axes(delta, 10)
    assert loadings.shape == (8, 3)
    np.testing.assert_allclose(loadings.T @ loadings, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(delta @ loadings @ loadings.T, delta, atol=1e-12)
    assert (spread**2).sum() == pytest.approx(1.0)


def test_axes_of_nothing_are_zero():
    loadings, spread = response_axes(np.zeros((2, 4)), 3)
    assert not loadings.any()
    assert not spread.any()


def test_prior_comes_before_expression():
    prior = {"A": np.array([1.0, 2.0]), "B": np.array([3.0, 4.0])}
    vectors = gene_vectors(training(np.eye(2), ["A", "Q"], embedding=prior), 5)
    assert vectors.names == ("A", "B")
    np.testing.assert_array_equal(vectors.fallback, [1.0, 2.0])


def test_genes_that_answer_alike_have_like_vectors():
    vectors = gene_vectors(training([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]], ["a", "c"]), 5).vectors
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-12)
    assert vectors[0] @ vectors[2] == pytest.approx(0.0, abs=1e-12)


def test_control_cells_show_co_expression():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(200, 1))
    cells = np.hstack([shared, shared, rng.normal(size=(200, 1))]).astype(np.float32)
    told = training([[0.0, 0.0, 1.0]], ["c"], cells={Condition(()): cells})
    vectors = gene_vectors(told, 5).vectors
    cosine = vectors[0] @ vectors[1] / np.linalg.norm(vectors[0]) / np.linalg.norm(vectors[1])
    assert cosine > 0.99
