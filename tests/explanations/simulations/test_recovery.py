"""What of a planted scheme was found, on schemes whose agreement is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from pajamo.config.assays import ExperimentSettings, RateSettings, declare
from pajamo.errors import ModelError
from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.pairs.rates import ALONE
from pajamo.explanations.simulations.libraries import random_pairs
from pajamo.explanations.simulations.planting import assay_of, simulate_pairs
from pajamo.explanations.simulations.recovery import rates, recovery
from pajamo.explanations.simulations.schemes import overlap, topology, windows
from pajamo.models.assays.model import AssayModel


def reads(start, length, **more):
    return {"reads": {"start": start, "length": length, "encoder": "additive"}} | more


def cycle(names=("out", "in", "ready"), first=(0, 3), second=(3, 10), last=(13, 7)):
    one, two, three = names
    return declare(
        "kinetic",
        states=list(names),
        transitions={
            f"{one}->{two}": reads(*first),
            f"{two}->{one}": {},
            f"{two}->{three}": reads(*second),
            f"{three}->{one}": reads(*last, makes=["cleavage"]),
        },
    )


def test_overlap_is_intersection_over_union():
    assert overlap((0, 10), (0, 10)) == 1
    assert overlap((0, 10), (10, 20)) == 0
    assert overlap((0, 10), (5, 15)) == pytest.approx(5 / 15)
    assert overlap((2, 4), (0, 8)) == pytest.approx(0.25)


def test_a_scheme_is_known_under_other_names():
    found = topology(cycle(), cycle(("S0", "S1", "S2")))
    assert found["score"].iloc[0] == 1
    assert "was chosen" in found["verdict"].iloc[0]


def test_another_scheme_is_told_apart():
    truth = cycle()
    turned = declare(
        "kinetic",
        states=["out", "in", "ready"],
        transitions={
            "out->in": reads(0, 3),
            "in->out": {},
            "in->ready": reads(3, 10, makes=["cleavage"]),
            "ready->out": reads(13, 7),
        },
    )
    assert topology(truth, turned)["score"].iloc[0] == 0
    assert "joined in another way" in topology(truth, turned)["verdict"].iloc[0]
    fewer = declare("kinetic", states=["a", "b"], transitions={"a->b": reads(0, 3), "b->a": {"makes": ["x"]}})
    assert "2 states" in topology(truth, fewer)["verdict"].iloc[0]


def test_passages_belong_to_the_scheme():
    def chain(start):
        return declare(
            "kinetic",
            states=["a", "b", "c"],
            transitions={"a->b": reads(0, 3), "b->a": {}, "b->c": {}},
            passages={"cleavage": {"start": start, "to": ["c"]}},
        )

    assert topology(chain("a"), chain("a"))["score"].iloc[0] == 1
    assert topology(chain("a"), chain("b"))["score"].iloc[0] == 0


def test_windows_are_compared_rate_by_rate():
    found = windows(cycle(), cycle(second=(5, 10), last=(13, 20)), 20).set_index("of")
    assert found.loc["out->in", "score"] == 1
    assert found.loc["in->ready", "score"] == pytest.approx(8 / 12)
    # Windows end with the guide.
    assert found.loc["ready->out", "score"] == 1
    assert found.loc["mean", "score"] == pytest.approx((1 + 8 / 12 + 1) / 3)
    assert "missed" in found.loc["in->ready", "verdict"]


def test_windows_follow_the_renaming():
    found = windows(cycle(), cycle(("S0", "S1", "S2")), 20)
    assert (found["score"] == 1).all()


def test_windows_that_only_one_scheme_has_count_as_nothing():
    truth = cycle()
    raw = {name: given.model_dump(exclude_defaults=True) for name, given in truth.transitions.items()}
    raw["in->out"] = reads(0, 4)
    del raw["out->in"]["reads"]
    found = windows(truth, declare("kinetic", states=list(truth.states), transitions=raw), 20).set_index("of")
    assert found.loc["in->out", "score"] == found.loc["out->in", "score"] == 0
    assert "constant" in found.loc["in->out", "verdict"]


def matched(of, value, half, verdict=ALONE, quantity="rate"):
    return {
        "quantity": quantity,
        "of": of,
        "log10": value,
        "low": value - half,
        "high": value + half,
        "verdict": verdict,
    }


def test_rates_are_judged_in_units_of_their_interval():
    truth = {"a -> b": math.log(10) * 1.0, "b -> a": 0.0}
    table = pd.DataFrame(
        [
            matched("a -> b", 1.1, 0.2),
            matched("b -> a", 0.5, 0.1),
            matched("a -> b / b -> a", 1.3, 0.2, quantity="ratio"),
            matched("b -> a", 9.0, 5.0, verdict="held by priors (90 %)"),
            matched("b -> c", 1.0, 1.0),
        ]
    )
    found = rates(table, truth)
    assert found["score"].tolist()[:3] == pytest.approx([0.5, 5.0, 1.5])
    assert math.isnan(found["score"].iloc[3])
    assert len(found) == 4
    words = ("found", "missed", "narrowly", "cannot")
    assert all(word in said for word, said in zip(words, found["verdict"], strict=True))
    assert "held by priors" in found["verdict"].iloc[3]


def test_a_model_without_a_scheme_is_refused():
    settings = declare("latent")
    experiments = {"one": ExperimentSettings(dataset="x", measurement=RateSettings())}
    with pytest.raises(ModelError, match="no kinetic scheme"):
        recovery(AssayModel("map", settings, experiments), None, None)


def test_a_fit_of_the_planted_scheme_recovers_it():
    """Rates of one planted scheme, from the table alone."""
    settings = declare(
        "kinetic",
        states=["free", "bound", "cut"],
        transitions={"free->bound": reads(0, 6), "bound->free": {"rate": 1.0}, "bound->cut": reads(6, 5)},
        passages={"cleavage": {"start": "free", "to": ["cut"]}},
    )
    rng = np.random.default_rng(0)
    library = random_pairs("ACGTTGCANGG", 400, rng, {"1": 1, "2": 2, "3-6": 1})
    planted = simulate_pairs(settings, library, rng, noise=0.05)
    assay = assay_of(planted)
    found = recovery(polish(planted.model, assay).model, assay, planted)
    assert (found.loc[found["quantity"].isin(["topology", "window"]), "score"] == 1).all()
    judged = found[found["quantity"].isin(["rate", "ratio"])]["score"].dropna()
    assert len(judged) >= 2
    assert (judged < 2.5).all()
