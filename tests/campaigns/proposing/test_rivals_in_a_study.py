"""Rival models declared in a study file: which is right so far, and which batch will tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import pajamo
from pajamo.campaigns.acquisition.discrimination import ModelDiscrimination
from pajamo.campaigns.learners.rivals import Rivals
from pajamo.campaigns.predictive import FactorPredictive
from pajamo.campaigns.predictive.rivals import RivalPredictive
from pajamo.campaigns.proposing.rivals import WhichRival, rivals_by_perturbations
from pajamo.cli import app
from pajamo.config.campaigns.learner import RivalsSettings
from pajamo.data.simulate import simulate_combinations
from pajamo.errors import DataError, StudyError

NAMES = [f"strain{n}" for n in range(50)]
RIVALS = {
    "kind": "rivals",
    "rivals": {"straight": {"kind": "bayesian-linear"}, "bent": {"kind": "gaussian-process", "restarts": 0}},
}


def doses() -> np.ndarray:
    return np.linspace(-1.0, 3.0, 50)


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    """Fifty doses of which the twenty lowest are measured, where a bend is hardly seen."""
    x = doses()
    pd.DataFrame({"candidate": NAMES, "dose": x}).to_csv(tmp_path / "doses.csv", index=False)
    y = x + 0.25 * x**2 + 0.2 * np.random.default_rng(1).normal(size=50)
    known = pd.DataFrame({"candidate": NAMES, "growth": y, "error growth": 0.2})
    known[:20].to_csv(tmp_path / "known.csv", index=False)
    return {
        "name": "bend",
        "goal": "model",
        "outputs": ["growth"],
        "candidates": {"kind": "table", "path": str(tmp_path / "doses.csv")},
        "results": {"path": str(tmp_path / "known.csv")},
        "model": RIVALS,
        "acquisition": {"kind": "model-discrimination"},
        "batch": {"size": 2},
        "comparison": 6,
    }


def test_the_next_batch_is_where_rivals_disagree(study: dict[str, Any]) -> None:
    made = pajamo.propose(study)
    assert made.model == "rivals"
    assert made.acquisition == "model-discrimination"
    assert all(NAMES.index(name) > 30 for name in made.candidates)
    assert made.unit == "nats about which rival is right"
    assert made.at_random is not None
    assert 0 < made.expected <= np.log(2.0) + 0.05
    assert made.expected > made.at_random - 0.02
    (said,) = [note for note in made.notes if "probability of each rival" in note]
    assert "bent 1," not in said
    assert "straight 1," not in said
    assert repr(pajamo.propose(study)) == repr(made)


def test_the_rival_that_predicts_better_is_named_first(study: dict[str, Any], tmp_path: Path) -> None:
    x = doses()
    bent = pd.DataFrame({"candidate": NAMES, "growth": np.cos(3 * x), "error growth": 0.05})[::2]
    bent.to_csv(tmp_path / "known.csv", index=False)
    (said,) = [note for note in pajamo.propose(study).notes if "probability of each rival" in note]
    assert "held back: bent 1, straight" in said


def test_rivals_of_a_study_file_are_on_record(study: dict[str, Any], tmp_path: Path) -> None:
    del study
    (tmp_path / "study.toml").write_text(
        'name = "bend"\ngoal = "model"\noutputs = ["growth"]\n[candidates]\nkind = "table"\npath = "doses.csv"\n'
        f'[results]\npath = "{tmp_path / "known.csv"}"\n[model]\nkind = "rivals"\nfolds = 4\n'
        '[model.rivals.straight]\nkind = "bayesian-linear"\n[model.rivals.forest]\nkind = "extra-trees"\n'
        'trees = 20\n[acquisition]\nkind = "model-discrimination"\nsettings = { simulations = 60 }\n'
        "[batch]\nsize = 2\n",
        encoding="utf-8",
    )
    runner = CliRunner()
    for words in (
        ["new", str(tmp_path / "study.toml"), str(tmp_path / "c.sqlite")],
        ["propose", str(tmp_path / "c.sqlite")],
    ):
        shown = runner.invoke(app, ["campaign", *words])
        assert shown.exit_code == 0, shown.output
    assert pajamo.replay_round(tmp_path / "c.sqlite", 1) == []


def test_other_acquisitions_look_at_the_mixture(study: dict[str, Any]) -> None:
    made = pajamo.propose({**study, "acquisition": {"kind": "variance"}})
    assert made.unit == "% of the predictions' variance"
    spread = pajamo.propose({**study, "acquisition": {"kind": "default"}})
    assert len(spread.candidates) == 2


def test_expected_information_is_that_of_two_lines_apart() -> None:
    # Two certain rivals whose predictions lie d apart with noise 1: what one result tells is an integral.
    apart = 1.5
    two = [FactorPredictive(np.full(3, mean), np.zeros((3, 1)), noise=1.0) for mean in (0.0, apart)]
    found = WhichRival(
        RivalPredictive(two), np.zeros(0, dtype=np.intp), ModelDiscrimination(simulations=20_000, draws=2), 3
    )
    grid = np.linspace(-8, 10, 4001)
    first, second = (np.exp(-0.5 * (grid - mean) ** 2) / np.sqrt(2 * np.pi) for mean in (0.0, apart))
    mixed = (first + second) / 2
    exact = 0.5 * np.trapezoid(first * np.log(first / mixed) + second * np.log(second / mixed), grid)
    gains = found.gains(np.array([0, 1, 2]))
    assert gains[0] == pytest.approx(exact, abs=0.02)
    assert (np.diff(gains) < 0).all()
    assert found.of(np.array([2, 0])) == pytest.approx(gains[:2].sum(), abs=0.02)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight singles and fourteen of their twenty-eight doubles."""
    path = tmp_path_factory.mktemp("rivals") / "screen.h5ad"
    simulate_combinations(
        seed=3, genes=60, singles=8, doubles=14, triples=0, cells=40, control_cells=200, batches=1
    ).write_h5ad(path)
    return path


def of_screen(path: Path, rivals: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "laws",
        "goal": "model",
        "candidates": {"kind": "screen", "data": {"path": str(path)}, "candidates": "pairs", "components": 2},
        "model": {"kind": "rivals", "rivals": rivals, "folds": 3},
        "acquisition": {"kind": "model-discrimination", "settings": {"simulations": 40}},
        "batch": {"size": 2},
        "comparison": 0,
        **more,
    }


def test_laws_of_combination_are_rivals_on_a_screen(screen: Path) -> None:
    responses = {
        "sum": {"kind": "response", "name": "salt-ls"},
        "mean of singles": {"kind": "response", "name": "average-singles"},
    }
    made = pajamo.propose(of_screen(screen, responses))
    assert len(made.candidates) == 2
    (said,) = [note for note in made.notes if "probability of each rival" in note]
    assert "held back: sum" in said


def test_singles_are_never_held_back_from_laws_of_combination() -> None:
    sets = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]
    one = {"kind": "response", "name": "average-singles", "members": 2}
    settings = RivalsSettings.model_validate({"rivals": {"x": one, "y": one}, "folds": 2})
    found = rivals_by_perturbations(settings, sets, np.zeros((6, 2)))
    fold = found._folds(np.arange(6.0)[:, None], 1)
    np.testing.assert_array_equal(fold[:3], -1)
    assert sorted(fold[3:]) in ([0, 0, 1], [0, 1, 1])
    plain = Rivals(found.learners, 2)._folds(np.arange(6.0)[:, None], 1)
    assert (plain >= 0).all()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"kind": "rivals", "rivals": {"alone": {"kind": "bayesian-linear"}}}, "fewer than two rivals"),
        (
            {
                "kind": "rivals",
                "rivals": {"a": {"kind": "bayesian-linear"}, "b": {"kind": "response", "name": "salt-ls"}},
            },
            "rival one another only, and 'a' is none",
        ),
        (
            {"kind": "rivals", "rivals": {name: {"kind": "response", "name": "salt-ls"} for name in "ab"}},
            "these candidates are none",
        ),
        (
            {"kind": "rivals", "rivals": {"a": {"kind": "bayesian-liner"}, "b": {"kind": "extra-trees"}}},
            "bayesian-linear",
        ),
        ({**RIVALS, "folds": 1}, "folds"),
    ],
)
def test_what_is_no_rivalry_of_a_study_is_refused(
    study: dict[str, Any], model: dict[str, Any], said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        pajamo.propose({**study, "model": model})


def test_rivals_are_of_values_and_of_batches(study: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="classes are recorded"):
        pajamo.propose({**study, "classes": ["no", "yes"]})
    with pytest.raises(StudyError, match="not by `model-discrimination`"):
        pajamo.propose({**study, "batch": {"budget": 10.0}, "cost": {"kind": "table"}})
    with pytest.raises(DataError, match="30 candidates can be chosen"):
        pajamo.propose({**study, "batch": {"size": 31}})
