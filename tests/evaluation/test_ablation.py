"""The gain of an embedding: paired differences to the same model under the reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.evaluation.ablation import REFERENCE, ablation

VARIANTS = {f"{model} [{e}]": (model, e) for model in ("peper", "linear") for e in ("protein", "one-hot")}
GAIN = {"peper [protein]": 0.2, "peper [one-hot]": 0.0, "linear [protein]": -0.3, "linear [one-hot]": 0.0}


def scores() -> pd.DataFrame:
    """Errors of 40 conditions that differ much, and by nearly the same between variants."""
    rng = np.random.default_rng(0)
    hard = rng.uniform(1.0, 5.0, 40)
    rows = [
        (name, f"c{i}", metric, sign * (hard[i] - gain + rng.normal(0, 0.05)))
        for name, gain in {**GAIN, "salt": 0.1}.items()
        for i in range(40)
        for metric, sign in (("mse", 1.0), ("pearson_delta", -1.0))
    ]
    table = pd.DataFrame(rows, columns=["model", "condition", "metric", "value"])
    return table.assign(split="s", fold="f", flag="")


def test_gains_are_planted_paired_and_point_upwards():
    found = ablation(scores(), VARIANTS, "one-hot", n_bootstrap=400)
    assert set(found["model"]) == {"peper", "linear"}
    for row in found.itertuples():
        assert row.gain == pytest.approx(GAIN[f"{row.model} [{row.embedding}]"], abs=0.04)
        if row.embedding == "one-hot":
            assert row.outcome == REFERENCE
        else:
            assert row.outcome == ("beats" if row.model == "peper" else "loses")
            assert row.gain_low < GAIN[f"{row.model} [{row.embedding}]"] < row.gain_high
            assert row.gain_high - row.gain_low < 0.1, "conditions differ by far more than that"


def test_without_the_reference_there_is_nothing_to_compare():
    assert ablation(scores(), VARIANTS, "ontology").empty
    assert ablation(scores(), {}, "one-hot").empty
