"""Libraries, planted schemes and time courses: what is read back is what was put in."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from pajamo.config.assays import RateSettings, declare, parse_assay_study
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.pairing import perfect
from pajamo.data.assays.reading import read_assay
from pajamo.errors import ModelError, StudyError
from pajamo.explanations.simulations.counting import simulate_counts
from pajamo.explanations.simulations.libraries import random_pairs
from pajamo.explanations.simulations.planting import simulate_pairs

GUIDE = "GACGCATAAAGATGAGACGCNGG"


def reads(start, length):
    return {"reads": {"start": start, "length": length, "encoder": "additive"}}


def two_steps():
    """Bound or not; cut from the bound state, which ends it."""
    return declare(
        "kinetic",
        states=["free", "bound", "cut"],
        transitions={"free->bound": reads(0, 13), "bound->free": {}, "bound->cut": reads(13, 10)},
        passages={"cleavage": {"start": "free", "to": ["cut"]}},
    )


def differing(table):
    """Number of positions that differ, as the alphabet reads pairs."""
    turned = enzyme_of("Cas9").from_pam
    codes = PairAlphabet().encode_pairs([turned(g) for g in table.guide], [turned(t) for t in table.target])
    return (~perfect()[codes]).sum(axis=1)


def test_a_library_holds_each_target_once_and_the_matched_one_first():
    table = random_pairs(GUIDE, 300, np.random.default_rng(0))
    assert len(table) == 300
    assert table.target.is_unique
    assert table.change[0] == "none"
    assert differing(table)[0] == 0


def test_targets_differ_as_they_say():
    table = random_pairs(
        GUIDE, 400, np.random.default_rng(1), {"1": 1, "2": 1, "insertion": 1, "deletion": 1}
    )
    lengths = table.target.str.len()
    assert (lengths[table.change.isin(["1", "2"])] == 23).all()
    assert (lengths[table.change == "insertion"] == 24).all()
    assert (lengths[table.change == "deletion"] == 22).all()
    # A change of the base at the PAM's N is no difference.
    substituted = differing(table[table.change == "2"])
    assert set(substituted) <= {1, 2}
    assert (substituted == 2).mean() > 0.8


def test_the_pam_lies_where_the_enzyme_has_it():
    table = random_pairs("TTTN" + "ACGTACGTACGTACGTACGT", 5, np.random.default_rng(2), {"1": 1}, "Cas12a")
    assert table.target[0].startswith("TTT")
    assert table.target[0].endswith("ACGTACGTACGTACGTACGT")


def test_libraries_that_cannot_be_are_refused():
    random = np.random.default_rng(3)
    with pytest.raises(StudyError, match="only"):
        random_pairs("ACNGG", 100, random, {"1": 1})
    with pytest.raises(StudyError, match="no change"):
        random_pairs(GUIDE, 5, random, {"inversion": 1})
    with pytest.raises(StudyError, match="known bases"):
        random_pairs("ACXNGG", 5, random)


def test_outputs_are_those_of_the_planted_rates():
    library = random_pairs(GUIDE, 100, np.random.default_rng(4))
    planted = simulate_pairs(two_steps(), library, np.random.default_rng(5), noise=0.0)
    on, off, cut = np.exp(planted.log_rates).T
    # Mean time until the cut: 1/on + (1 + off/on)/cut.
    exact = 1 / (1 / on + (1 + off / on) / cut)
    np.testing.assert_allclose(planted.log_output, np.log(exact), rtol=1e-10)
    np.testing.assert_allclose(planted.table.log10_k, np.log10(exact), rtol=1e-10)


def test_given_weights_are_planted_and_others_drawn():
    library = random_pairs(GUIDE, 20, np.random.default_rng(6))
    given = {"bound->free": -2.0, "free->bound": [0.5, *np.zeros(130)], "bound->cut": 1.5}
    planted = simulate_pairs(two_steps(), library, np.random.default_rng(7), weights=given)
    assert planted.matched["bound -> free"] == pytest.approx(-2.0)
    assert planted.matched["bound -> cut"] == pytest.approx(1.5)
    np.testing.assert_allclose(planted.log_rates[:, 0], 0.5)
    assert planted.log_rates[:, 2].std() > 0.1
    np.testing.assert_allclose(planted.log_rates[0], list(planted.matched.values()))


def test_weights_that_do_not_fit_are_refused():
    library = random_pairs(GUIDE, 20, np.random.default_rng(8))
    for weights, message in (({"free->cut": 1.0}, "no reading"), ({"bound->cut": [1.0, 2.0]}, "101 weights")):
        with pytest.raises(ModelError, match=message):
            simulate_pairs(two_steps(), library, np.random.default_rng(9), weights=weights)


def test_noise_and_limits_are_those_of_the_instrument():
    library = random_pairs(GUIDE, 1500, np.random.default_rng(10))
    seed = 11
    settings = RateSettings(lower=-2.0, upper=-0.5, error="se")
    seen = simulate_pairs(two_steps(), library, np.random.default_rng(seed), measurement=settings, noise=0.2)
    left = seen.table.log10_k.to_numpy() - seen.log_output / math.log(10)
    inside = (seen.table.log10_k > -2.0) & (seen.table.log10_k < -0.5)
    assert seen.table.log10_k.between(-2.0, -0.5).all()
    assert 0.05 < (~inside).mean() < 0.95
    far = inside & (np.abs(seen.log_output / math.log(10) + 1.25) < 0.2)
    assert left[far].std() == pytest.approx(0.2, rel=0.25)
    assert (seen.table.se == 0.2).all()


def test_a_study_reads_the_table_in_any_unit(tmp_path):
    library = random_pairs(GUIDE, 60, np.random.default_rng(12))
    values = {}
    for unit in ("log10 1/s", "ln 1/s", "1/min"):
        settings = RateSettings(unit=unit)
        planted = simulate_pairs(
            two_steps(), library, np.random.default_rng(13), measurement=settings, noise=0.0
        )
        path = tmp_path / "table.csv"
        planted.table.to_csv(path, index=False)
        raw = {"path": str(path), "pairs": {}, "measurement": {"kind": "rate", "unit": unit}}
        study = {"name": "s", "alphabet": "guide-target", "holdout": [0, 0], "experiments": {"x": raw}}
        assay = read_assay(parse_assay_study(study))
        values[unit] = assay.experiments[0].recorded["value"]
        np.testing.assert_allclose(values[unit], planted.log_output / math.log(10), rtol=1e-9)


def test_counted_molecules_scatter_about_the_exact_fraction():
    library = pd.DataFrame(
        {"guide": [GUIDE] * 2, "target": [GUIDE.replace("N", "T"), "T" + GUIDE[1:20] + "TGG"]}
    )
    settings = declare(
        "kinetic",
        states=["free", "cut"],
        transitions={"free->cut": reads(0, 23)},
        passages={"cleavage": {"start": "free", "to": ["cut"]}},
    )
    planted = simulate_pairs(settings, library, np.random.default_rng(14), weights={"free->cut": 0.0})
    counted = simulate_counts(planted, "free", ["cut"], [0.2, 1.0, 4.0], 3000, np.random.default_rng(15))
    rate = np.exp(planted.log_rates[:, 0]).repeat(3)
    exact = -np.expm1(-rate * counted["time"])
    error = np.sqrt(exact * (1 - exact) / 3000)
    assert (np.abs(counted["fraction"] - exact) < 4 * error + 1e-9).all()
    assert (counted.groupby("target")["arrived"].diff().dropna() >= 0).all()
    assert (counted["arrived"] == (counted["fraction"] * counted["molecules"]).round()).all()
