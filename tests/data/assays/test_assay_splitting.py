"""Sets are drawn by the sequence: the same everywhere, of the right size, and never two for one sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.data.assays.splitting import random_sets
from pajamo.errors import PajamoWarning

SEQUENCES = ["".join(row) for row in np.random.default_rng(0).choice(list("ACGT"), size=(4000, 12))]


def test_shares_are_those_asked_for() -> None:
    sets = random_sets(SEQUENCES, (0.3, 0.1), seed=1)
    shares = np.bincount(sets, minlength=3) / len(sets)
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.03)


def test_a_sequence_has_one_set_whatever_stands_beside_it() -> None:
    sets = random_sets(SEQUENCES, (0.2, 0.2), seed=1)
    order = np.random.default_rng(1).permutation(len(SEQUENCES))[:500]
    np.testing.assert_array_equal(random_sets([SEQUENCES[k] for k in order], (0.2, 0.2), seed=1), sets[order])
    doubled = random_sets(SEQUENCES + SEQUENCES, (0.2, 0.2), seed=1)
    np.testing.assert_array_equal(doubled, np.concatenate([sets, sets]))


def test_another_seed_draws_anew() -> None:
    first, second = (random_sets(SEQUENCES, (0.2, 0.2), seed=seed) for seed in (1, 2))
    # By chance alone, .6 x .6 + .2 x .2 + .2 x .2 agree.
    assert (first == second).mean() == pytest.approx(0.44, abs=0.03)


def test_nothing_is_held_out_if_nothing_is_asked_for() -> None:
    assert not random_sets(SEQUENCES, (0.0, 0.0), seed=1).any()


def two_experiments(folder: Path, first: dict[str, str], second: dict[str, str] | None) -> Assay:
    """The first table has a split, the second one only if it is given."""
    experiments = {}
    for name, sets in (("a", first), ("b", second)):
        sequences = list(sets if sets is not None else first)
        table = pd.DataFrame({"x": sequences, "y": range(len(sequences))})
        settings: dict[str, object] = {"path": folder / f"{name}.csv", "measurement": {"kind": "continuous"}}
        if sets is not None:
            table["set"] = list(sets.values())
            settings["split"] = "set"
        table.to_csv(folder / f"{name}.csv", index=False)
        experiments[name] = settings
    return read_assay(parse_assay_study({"name": "s", "experiments": experiments}))


def test_a_split_of_one_table_holds_for_the_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sets = dict(zip(SEQUENCES[:60], rng.choice(["training", "validation", "test"], size=60), strict=True))
    assay = two_experiments(tmp_path, sets, None)
    np.testing.assert_array_equal(assay.experiment("b").set_of, assay.experiment("a").set_of)


def test_splits_that_disagree_are_warned_about(tmp_path: Path) -> None:
    first = {"AC": "training", "GT": "test", "CC": "test"}
    second = {"AC": "training", "GT": "training"}
    with pytest.warns(PajamoWarning, match="1 sequences of experiment 'b'"):
        assay = two_experiments(tmp_path, first, second)
    np.testing.assert_array_equal(assay.experiment("b").set_of, [0, 0])
