"""Campaigns on tables of candidates: proposed, recorded, replayed, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.errors import DataError, ModelError, StudyError

NAMES = [f"variant {n}" for n in range(60)]


def truth() -> np.ndarray:
    """A smooth response to the first of two features."""
    x = features()
    return np.asarray(np.sin(3 * x[:, 0]) + 0.1 * x[:, 1])


def features() -> np.ndarray:
    return np.random.default_rng(5).uniform(-1, 1, (len(NAMES), 2))


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    """Sixty candidates of which twelve are measured."""
    table = pd.DataFrame({"candidate": NAMES, "a": features()[:, 0], "b": features()[:, 1]})
    table.to_csv(tmp_path / "candidates.csv", index=False)
    pd.DataFrame({"candidate": NAMES[:12], "growth": truth()[:12]}).to_csv(
        tmp_path / "known.csv", index=False
    )
    return {
        "name": "test",
        "goal": "model",
        "candidates": {"kind": "table", "path": str(tmp_path / "candidates.csv")},
        "outputs": ["growth"],
        "results": {"path": str(tmp_path / "known.csv")},
        "model": {"kind": "bayesian-linear"},
        "batch": {"size": 5},
        "comparison": 8,
    }


def answers(names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({"candidate": names, "growth": [truth()[NAMES.index(name)] for name in names]})


def test_a_batch_is_new_candidates_with_reasons(study: dict[str, Any]) -> None:
    made = pajamo.propose(study)
    assert len(set(made.candidates)) == 5
    assert not set(made.candidates) & set(NAMES[:12])
    assert len(made.runners_up) == 10
    assert not {one.candidate for one in made.runners_up} & set(made.candidates)
    assert all(one.why for one in made.choices)
    assert made.expected == pytest.approx(sum(one.gain for one in made.choices))
    assert repr(pajamo.propose(study)) == repr(made)


def test_goals_choose_differently_and_the_best_are_found(study: dict[str, Any]) -> None:
    gp = {"kind": "gaussian-process", "restarts": 0}
    best = pajamo.propose({**study, "model": gp, "target": {"threshold": 0.9}}, goal="hits")
    assert best.unit == "expected hits"
    assert best.at_random is not None
    assert best.expected > best.at_random
    chosen = [truth()[NAMES.index(name)] for name in best.candidates]
    assert np.mean(chosen) > truth().mean()
    low = pajamo.propose(
        {**study, "model": gp, "target": {"threshold": -0.9, "maximise": False}}, goal="hits"
    )
    assert np.mean([truth()[NAMES.index(name)] for name in low.candidates]) < truth().mean()
    optimum = pajamo.propose({**study, "model": gp}, goal="optimum")
    assert optimum.unit == "expected improvement"


def test_a_campaign_goes_round_and_is_replayed(study: dict[str, Any], tmp_path: Path) -> None:
    campaign = pajamo.new_campaign(study, tmp_path / "c.sqlite")
    first = pajamo.propose_round(campaign)
    assert first.proposal.candidates == pajamo.propose(study).candidates
    pajamo.record_results(campaign, answers(first.proposal.candidates[:3]))
    second = pajamo.propose_round(tmp_path / "c.sqlite")
    assert not set(second.proposal.candidates) & set(first.proposal.candidates)
    status = pajamo.campaign_status(campaign)
    assert status["measured"] == 15
    assert set(status["pending"]) == {*first.proposal.candidates[3:], *second.proposal.candidates}
    pajamo.record_results(campaign, answers(first.proposal.candidates))
    assert [pajamo.replay_round(campaign, n) for n in (1, 2)] == [[], []]
    page = pajamo.report_campaign(campaign).read_text(encoding="utf-8")
    assert "The batch of round 2" in page
    assert "Predicted before, measured after" in page


def test_a_budget_counts_measurements_and_rounds(study: dict[str, Any], tmp_path: Path) -> None:
    asked = {
        **study,
        "batch": {"budget": 60.0, "rounds": 3, "replicates": [1, 2]},
        "cost": {"kind": "table", "measurement": 2.0, "sd": 0.1},
    }
    campaign = pajamo.new_campaign(asked, tmp_path / "c.sqlite")
    made = pajamo.propose_round(campaign).proposal
    assert 10.0 < made.total_cost <= 20.0
    assert made.unit == "% of the predictions' variance"
    assert sum(int(one.allocation["replicates"]) for one in made.choices) * 2.0 == pytest.approx(
        made.total_cost
    )
    second = pajamo.propose_round(campaign).proposal
    assert second.total_cost <= (60.0 - made.total_cost) / 2
    lost = made.choices[0]
    assert pajamo.campaign_status(campaign)["spent_on_failed"] == 0.0
    pajamo.record_results(campaign, pd.DataFrame({"candidate": [lost.candidate], "growth": [np.nan]}))
    status = pajamo.campaign_status(campaign)
    assert status["spent_on_failed"] == pytest.approx(lost.cost)
    assert status["spent"] == pytest.approx(made.total_cost + second.total_cost)


def test_what_has_to_be_in_is_in_and_what_must_not_is_not(study: dict[str, Any]) -> None:
    free = pajamo.propose(study).candidates
    bound = {"must_include": [NAMES[40]], "exclude": [free[0]]}
    made = pajamo.propose({**study, "constraints": bound}).candidates
    assert NAMES[40] in made
    assert free[0] not in made
    with pytest.raises(StudyError, match="must_include"):
        pajamo.propose({**study, "constraints": {"must_include": NAMES[20:30]}})
    with pytest.raises(StudyError, match="'nobody' is no candidate"):
        pajamo.propose({**study, "constraints": {"exclude": ["nobody"]}})


def test_without_results_candidates_are_chosen_by_coverage(study: dict[str, Any]) -> None:
    study.pop("results")
    made = pajamo.propose(study)
    assert made.model == "none"
    assert made.fingerprint == ""
    assert any("too few for a model" in note for note in made.notes)
    with pytest.raises(ModelError, match="there is none yet"):
        pajamo.propose({**study, "cost": {"kind": "table"}}, budget=10.0)


def test_predictions_may_stand_for_the_rest_once_they_are_right(
    study: dict[str, Any], tmp_path: Path
) -> None:
    asked = {
        **study,
        "model": {"kind": "gaussian-process", "restarts": 0},
        "acquisition": {"kind": "inference-set"},
        "batch": {"size": 20},
        "stop": {"target": 0.5, "tolerance": 0.3},
    }
    campaign = pajamo.new_campaign(asked, tmp_path / "c.sqlite")
    assert pajamo.campaign_status(campaign)["stop"] is None
    made = pajamo.propose_round(campaign).proposal
    pajamo.record_results(campaign, answers(made.candidates))
    verdict = pajamo.campaign_status(campaign)["stop"]
    said = {one.candidate: one.mean[0] for one in made.choices}
    share = np.mean([abs(said[name] - truth()[NAMES.index(name)]) <= 0.3 for name in made.candidates])
    assert verdict["share"] == pytest.approx(share)
    assert verdict["stop"] == (verdict["bound"] >= 0.5)
    with pytest.raises(StudyError, match="how far a prediction may be off"):
        pajamo.propose({**study, "stop": {}})


def test_classes_are_predicted(study: dict[str, Any], tmp_path: Path) -> None:
    known = pd.DataFrame({"candidate": NAMES[:12], "alive": (truth()[:12] > 0).astype(int)})
    known.to_csv(tmp_path / "known.csv", index=False)
    asked = {
        **study,
        "outputs": ["alive"],
        "classes": ["dead", "alive"],
        "model": {"kind": "random-forest", "trees": 20},
    }
    made = pajamo.propose(asked)
    assert len(made.candidates) == 5
    assert made.unit == "bits of doubt"
    assert {one.mean[0] for one in made.choices} <= {0.0, 1.0}
    with pytest.raises(StudyError, match="classes are recorded"):
        pajamo.propose({**asked, "model": {"kind": "bayesian-linear"}})


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"goal": "modle"}, StudyError, "goal"),
        ({"outputs": []}, StudyError, "outputs"),
        ({"outputs": ["grwth"]}, DataError, "no column 'grwth'"),
        ({"goal": "mechanism"}, StudyError, "mechanism"),
        ({"batch": {}}, StudyError, "size"),
        ({"batch": {"size": 49}}, DataError, "48 candidates can be chosen"),
        ({"batch": {"budget": 10.0}}, StudyError, "what things cost"),
        ({"acquisition": {"kind": "margin"}}, ModelError, "probabilities of classes"),
        ({"acquisition": {"kind": "varience"}}, StudyError, "variance"),
        ({"target": {"weights": {"x": 1.0}}}, StudyError, "not measured"),
        ({"target": {"threshold": 1.0, "top": 0.1}}, StudyError, "either"),
    ],
)
def test_what_is_refused(
    study: dict[str, Any], change: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        pajamo.propose({**study, **change})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("candidate,a\n", "no rows|empty"),
        ("candidate,a\nx,1\nx,2\n", "'x' stands twice"),
        ("candidate,a\nx,1\ny,\n", "is nan"),
        ("candidate,a\nx,red\ny,blue\n", "no column holds features"),
        ("name,a\nx,1\n", "no column 'candidate'"),
    ],
)
def test_tables_that_are_refused(study: dict[str, Any], tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "candidates.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        pajamo.propose(study)


def test_a_campaign_is_not_gone_on_with_other_candidates(study: dict[str, Any], tmp_path: Path) -> None:
    campaign = pajamo.new_campaign(study, tmp_path / "c.sqlite")
    table = pd.read_csv(tmp_path / "candidates.csv")
    table.loc[3, "a"] += 0.5
    table.to_csv(tmp_path / "candidates.csv", index=False)
    with pytest.raises(DataError, match="have changed since"):
        pajamo.propose_round(campaign)


def test_a_model_of_ones_own_predicts(study: dict[str, Any], tmp_path: Path) -> None:
    from sklearn.neighbors import KNeighborsRegressor

    from pajamo.campaigns.acquisition.variance import Variance
    from pajamo.campaigns.learners.estimators import from_sklearn

    own = {"learner": from_sklearn(KNeighborsRegressor(3)), "acquisition": Variance()}
    campaign = pajamo.new_campaign(study, tmp_path / "c.sqlite")
    made = pajamo.propose_round(campaign, **own).proposal
    assert made.acquisition == "variance"
    assert made.fingerprint != pajamo.propose(study).fingerprint
    assert pajamo.replay_round(campaign, 1, **own) == []
    assert pajamo.replay_round(campaign, 1) != []
