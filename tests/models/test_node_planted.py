"""The benchmark of planted networks, on one of them and in a few steps."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def planted():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        yield importlib.import_module("planted_networks")


def test_truth_rests_and_a_knocked_out_gene_decays_at_rate_one(planted):
    network = planted.Network.draw(0)
    np.testing.assert_allclose(network.levels(None, (20.0,))[0], network.rest, atol=1e-6)
    times = (0.5, 3.0)
    own = network.levels(2, times)[:, 2]
    np.testing.assert_allclose(own, network.rest[2] * np.exp(-np.array(times)), rtol=1e-6)


def test_only_training_knockouts_are_measured(planted):
    training = planted.measured(planted.Network.draw(0), 0)
    assert {c.genes[0] for c in training.conditions} == {planted.gene(k) for k in range(planted.TRAINED)}
    assert {c.time for c in training.conditions} == set(planted.TIMES)
    assert max(time for _, time in training.settings) < planted.FAR
    noise = np.sqrt(training.moments.variance_of_mean)
    np.testing.assert_allclose(noise, planted.NOISE)


def test_every_choice_is_scored_and_compared(planted):
    table = pd.DataFrame(planted.fits(1, 3))
    assert len(planted.summary(table)) == len(table) == 8
    assert (table[list(planted.COLUMNS)] > 0).all(axis=None)
    found = planted.paired(table)
    assert len(planted.shown(found)) == len(planted.sentences(found)) == 7


def test_sentences_say_what_the_pairs_show(planted):
    rows = [("x", "y", c, w, p) for c, w, p in zip("abc", (15, 1, 8), (0.001, 0.001, 0.6), strict=True)]
    found = pd.DataFrame(rows, columns=["this", "against", "column", "wins", "p"]).assign(of=16)
    assert planted.sentences(found) == ["x against y: helps a; harms b; makes no clear difference to c."]
