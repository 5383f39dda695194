"""What PyRelationAL cannot do, or not at this cost: D5 distances, D9 more than pairs, D13 more than one bare scalar.

D1-D4, D6-D8 and D10-D12 are beside what they are about: acquisitions, the oracle, tasks and the record.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import pajamo
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.relative_distance import RelativeDistance
from pajamo.campaigns.features import PairFeatures
from pajamo.campaigns.situation import Situation

NAMES = [f"dose{n}" for n in range(40)]


class CountedRequests:
    """Features that count how often they are asked for."""

    def __init__(self, points: NDArray[np.float64]) -> None:
        self.points, self.requests = points, 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.points.shape

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.float64]:
        self.requests += 1
        return self.points[rows]


def farthest_by_loops(points: NDArray[np.float64], known: NDArray[np.float64], number: int) -> list[int]:
    """Relative distance as it is defined: two loops over points, again after each choice."""
    seen, chosen = list(known), list[int]()
    for _ in range(number):
        away = [min(float(np.linalg.norm(one - other)) for other in seen) for one in points]
        chosen.append(int(np.argmax(away)))
        seen.append(points[chosen[-1]])
    return chosen


def of_pool(features: Any, known: NDArray[np.float64], size: int) -> Situation:
    return Situation(
        features,
        np.ones(size, dtype=bool),
        measured_features=known,
        measured=np.zeros((len(known), 1)),
        rng=np.random.default_rng(0),
    )


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_d5_relative_distance_asks_for_a_pool_a_few_times_not_for_every_pair_of_points(metric: str) -> None:
    # PyRelationAL's default loader hands out one candidate at a time: 200 x 50 points are 10,000 steps in Python.
    requests = {}
    for size, measured in ((200, 50), (800, 200)):
        rng = np.random.default_rng(1)
        pool = CountedRequests(rng.normal(size=(size, 3)))
        choose_batch(RelativeDistance(metric), of_pool(pool, rng.normal(size=(measured, 3)), size), 5)
        requests[size] = pool.requests
    assert requests[200] == requests[800] <= 2 * 5 + 2


def test_d5_relative_distance_is_that_of_two_loops() -> None:
    rng = np.random.default_rng(2)
    points, known = rng.normal(size=(60, 4)), rng.normal(size=(15, 4))
    found = choose_batch(RelativeDistance(), of_pool(points, known, 60), 6)
    assert found.rows.tolist() == farthest_by_loops(points, known, 6)


def test_d9_both_members_of_a_pair_count_and_so_does_a_third() -> None:
    # PyRelationAL's DrugCombDataset gives (drug, drug, cell line, synergy), which its models do not unpack, and its
    # distances see the first drug alone.
    rng = np.random.default_rng(3)
    singles = rng.normal(size=(5, 3))
    members = np.array([[0, 1], [0, 2], [1, 0], [3, 4]])
    pairs = PairFeatures(singles, members, "sum and product")
    whole = pairs[slice(0, 4)]
    assert not np.allclose(whole[0], whole[1])  # the same first drug
    np.testing.assert_allclose(whole[0], whole[2])  # the same two drugs
    rows = choose_batch(RelativeDistance(), of_pool(pairs, whole[:1], 4), 2).rows
    assert set(rows) == {1, 3}
    triples = PairFeatures(singles, np.array([[0, 1, 2], [2, 1, 0], [0, 1, 3]]))[slice(0, 3)]
    np.testing.assert_allclose(triples[0], triples[1])
    assert not np.allclose(triples[0], triples[2])


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    """Forty doses of which ten are measured; two numbers are recorded of each."""
    x = np.linspace(-1.0, 1.0, len(NAMES))
    pd.DataFrame({"candidate": NAMES, "dose": x}).to_csv(tmp_path / "doses.csv", index=False)
    table = pd.DataFrame({"candidate": NAMES, "growth": 1.0 + x, "signal": 2.0 - 3.0 * x})
    table.to_csv(tmp_path / "truth.csv", index=False)
    table[::4].to_csv(tmp_path / "known.csv", index=False)
    return {
        "name": "doses",
        "goal": "model",
        "outputs": ["growth"],
        "candidates": {"kind": "table", "path": str(tmp_path / "doses.csv")},
        "results": {"path": str(tmp_path / "known.csv")},
        "model": {"kind": "bayesian-linear"},
        "batch": {"size": 4},
        "comparison": 0,
    }


def test_d9_rows_of_more_than_features_and_one_label_are_candidates(
    study: dict[str, Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    names = ["a", "b", "c", "a+b", "a+c", "b+c", "a+b+c"]
    table = pd.DataFrame({"candidate": names, "maker": "us", "line": rng.integers(2, size=7)})
    table.assign(x=rng.normal(size=7)).to_csv(tmp_path / "drugs.csv", index=False)
    known = pd.DataFrame({"candidate": names[:5], "synergy": rng.normal(size=5), "error synergy": 0.1})
    known.assign(loewe=rng.normal(size=5), note="read twice").to_csv(tmp_path / "read.csv", index=False)
    made = pajamo.propose(
        {
            **study,
            "candidates": {"kind": "table", "path": str(tmp_path / "drugs.csv"), "features": ["x", "line"]},
            "outputs": ["synergy", "loewe"],
            "results": {"path": str(tmp_path / "read.csv")},
            "batch": {"size": 2},
        }
    )
    assert set(made.candidates) == {"b+c", "a+b+c"}


def test_d13_several_outputs_are_predicted_together(study: dict[str, Any]) -> None:
    both = {**study, "outputs": ["growth", "signal"]}
    made = pajamo.propose(both)
    assert all(len(one.mean) == len(one.deviation) == 2 for one in made.choices)
    best = {"goal": "hits", "batch": {"size": 1}, "runners_up": 0}
    high = pajamo.propose({**both, **best, "target": {"weights": {"growth": 1.0}, "threshold": 1.9}})
    low = pajamo.propose({**both, **best, "target": {"weights": {"signal": 1.0}, "threshold": 4.5}})
    assert NAMES.index(high.candidates[0]) > 35
    assert NAMES.index(low.candidates[0]) < 4


def test_d13_each_result_counts_by_its_own_error(study: dict[str, Any], tmp_path: Path) -> None:
    known = pd.read_csv(tmp_path / "truth.csv")[::4].assign(**{"error growth": 0.01})
    wrong = known.assign(growth=known["growth"].where(known["candidate"] != "dose36", 50.0))
    unsure = wrong.assign(**{"error growth": np.where(known["candidate"] == "dose36", 1000.0, 0.01)})
    expected = {}
    for name, table in (("right", known), ("wrong", wrong), ("unsure", unsure)):
        table.to_csv(tmp_path / "known.csv", index=False)
        made = pajamo.propose({**study, "constraints": {"must_include": ["dose39"]}})
        expected[name] = next(one.mean[0] for one in made.choices if one.candidate == "dose39")
    assert expected["right"] == pytest.approx(2.0, abs=0.05)
    assert expected["unsure"] == pytest.approx(2.0, abs=0.1)
    assert expected["wrong"] > 5.0


def test_d13_a_batch_obeys_constraints(study: dict[str, Any]) -> None:
    free = pajamo.propose(study).candidates
    bound = {"must_include": ["dose21"], "exclude": list(free[:2])}
    made = pajamo.propose({**study, "constraints": bound}).candidates
    assert "dose21" in made
    assert not set(made) & set(free[:2])


def test_d13_a_batch_costs_no_more_than_there_is(study: dict[str, Any]) -> None:
    asked = {**study, "batch": {"budget": 25.0}, "cost": {"kind": "table", "measurement": 4.0, "sd": 0.1}}
    made = pajamo.propose(asked)
    assert made.total_cost == pytest.approx(24.0)
    assert all(one.cost == pytest.approx(4.0) for one in made.choices)


def test_d13_a_campaign_says_when_it_may_stop(study: dict[str, Any], tmp_path: Path) -> None:
    asked = {**study, "batch": {"size": 20}, "stop": {"target": 0.5, "tolerance": 0.2}}
    campaign = pajamo.new_campaign(asked, tmp_path / "c.sqlite")
    made = pajamo.propose_round(campaign).proposal
    truth = pd.read_csv(tmp_path / "truth.csv")
    pajamo.record_results(campaign, truth[truth["candidate"].isin(made.candidates)][["candidate", "growth"]])
    assert pajamo.campaign_status(campaign)["stop"]["stop"]


def test_d13_what_is_awaited_is_not_asked_for_again_nor_its_like(
    study: dict[str, Any], tmp_path: Path
) -> None:
    # Doses 40 and 41 are copies of doses 1 and 38: once one of a pair is awaited, its copy tells little.
    table = pd.read_csv(tmp_path / "doses.csv")
    copies = table.iloc[[1, 38]].assign(candidate=["dose40", "dose41"])
    pd.concat([table, copies]).to_csv(tmp_path / "doses.csv", index=False)
    campaign = pajamo.new_campaign(
        {**study, "acquisition": {"kind": "lcmd"}, "batch": {"size": 8}}, tmp_path / "c.sqlite"
    )
    rounds = [pajamo.propose_round(campaign).proposal.candidates for _ in range(2)]
    asked = [name for one in rounds for name in one]
    assert len(set(asked)) == 16
    assert set(pajamo.campaign_status(campaign)["pending"]) == set(asked)
    for pair in ({"dose1", "dose40"}, {"dose38", "dose41"}):
        assert len(pair & set(asked)) <= 1
