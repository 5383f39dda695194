"""Campaigns on screens: effects with their errors, candidates that follow, budgets, results of a further screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

import pajamo
from pajamo.campaigns.proposing.effects import effects_of
from pajamo.campaigns.proposing.screens import problem_of_screen
from pajamo.config import DataSettings
from pajamo.config.campaigns.study import ScreenSource
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.reading.screens import read_screen
from pajamo.data.simulate import simulate_combinations
from pajamo.errors import DataError, ModelError, StudyError
from pajamo.protocols.errors import variance_components


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight singles and ten of their twenty-eight doubles."""
    path = tmp_path_factory.mktemp("campaign") / "screen.h5ad"
    simulated = simulate_combinations(
        seed=3, genes=60, singles=8, doubles=10, triples=0, cells=40, control_cells=200, batches=1
    )
    simulated.write_h5ad(path)
    return path


def source(path: Path, **settings: Any) -> ScreenSource:
    return ScreenSource(data=DataSettings(path=path), components=3, **settings)


def test_effects_on_a_gene_are_differences_of_means(screen: Path) -> None:
    read = read_screen(DataSettings(path=screen))
    gene = str(read.genes[7])
    found = effects_of(read, gene, 3)
    moments = pseudobulk(read).whole
    control = next(n for n, one in enumerate(read.conditions) if one.is_control)
    for n, condition in enumerate(found.conditions):
        row = read.conditions.index(condition)
        assert found.values[n, 0] == pytest.approx(moments.mean[row, 7] - moments.mean[control, 7])
    assert found.outputs == (gene,)
    assert found.explained == 1.0


def test_errors_of_effects_are_what_resampled_cells_show(screen: Path) -> None:
    read = read_screen(DataSettings(path=screen))
    found = effects_of(read, "profile", 3)
    values = read.log_normalised_rows(np.arange(read.n_cells)).toarray() @ found.directions
    rng, row = np.random.default_rng(0), read.cells_of(found.conditions[2])
    control = read.cells_of(next(one for one in read.conditions if one.is_control))
    again = [
        values[rng.choice(row, len(row))].mean(axis=0)
        - values[rng.choice(control, len(control))].mean(axis=0)
        for _ in range(400)
    ]
    np.testing.assert_allclose(np.std(again, axis=0), np.sqrt(found.noise[2]), rtol=0.45)


def test_candidates_are_pairs_of_what_was_measured_alone(screen: Path) -> None:
    both = problem_of_screen(source(screen))
    assert both.size == 8 + 28
    assert both.repeats == "too"
    assert both.known is not None
    assert len(both.known) == 18
    assert problem_of_screen(source(screen, candidates="pairs")).repeats == "no"
    again = problem_of_screen(source(screen, candidates="again"))
    assert again.size == 18
    features = both.features[np.arange(both.size)]
    singles = [n for n, one in enumerate(both.targets) if len(one) == 1]
    np.testing.assert_allclose(features[singles, 3:], 0.0, atol=1e-12)
    a, b = both.targets[-1]
    parts = [features[both.place[name], :3] for name in (a, b)]
    np.testing.assert_allclose(features[-1, :3], parts[0] + parts[1])
    np.testing.assert_allclose(features[-1, 3:], parts[0] * parts[1])


def test_the_pool_is_told_by_its_files_and_settings_not_by_where_they_lie(
    screen: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.h5ad"
    copy.write_bytes(screen.read_bytes())
    first = problem_of_screen(source(screen)).data
    assert problem_of_screen(source(copy)).data == first
    assert problem_of_screen(source(screen, against="additive")).data != first
    assert problem_of_screen(source(screen, candidates="pairs")).data == first  # the same pool and features


def test_against_additive_only_combinations_have_results(screen: Path) -> None:
    plain, beyond = problem_of_screen(source(screen)), problem_of_screen(source(screen, against="additive"))
    assert plain.known is not None
    assert beyond.known is not None
    assert len(beyond.known) == 10
    first = beyond.known.iloc[0]
    table = plain.known.set_index("candidate")
    genes = first["candidate"].split("+")
    expected = table.loc[first["candidate"], "component 1"] - table.loc[genes, "component 1"].sum()
    assert first["component 1"] == pytest.approx(expected)
    assert first["error component 1"] > table.loc[first["candidate"], "error component 1"]


def test_a_budget_becomes_cells_guides_and_lanes(screen: Path) -> None:
    made = pajamo.propose(screen, goal="model", budget=9000.0, rounds=3, components=3)
    assert 1000.0 < made.total_cost <= 3000.0
    assert sum(made.cost.values()) == pytest.approx(made.total_cost)
    assert {"guides", "cells per guide", "runs"} <= set(made.choices[0].allocation)
    assert made.at_random is not None
    assert 0.0 < made.expected < 100.0
    assert repr(pajamo.propose(screen, goal="model", budget=9000.0, rounds=3, components=3)) == repr(made)
    with pytest.raises(StudyError, match="budget"):
        pajamo.propose(screen, budget=10.0)


def test_batches_and_guides_of_the_screen_enter_the_noise(tmp_path: Path) -> None:
    path = tmp_path / "batches.h5ad"
    simulated = simulate_combinations(
        seed=5, genes=40, singles=6, doubles=5, triples=0, cells=45, control_cells=150, batches=3
    )
    simulated.write_h5ad(path)
    data = DataSettings(path=path, batch="batch")
    problem = problem_of_screen(ScreenSource(data=data, components=3))
    found = variance_components(read_screen(data)).variances()
    assert problem.between is not None
    assert problem.between.batch == pytest.approx(found.batch / found.cell)
    assert any("what more cells do not lower" in note for note in problem.notes)
    assert problem_of_screen(ScreenSource(data=DataSettings(path=path), components=3)).between is None
    made = pajamo.propose(path, budget=4000.0, batch="batch", components=3)
    stated = {"kind": "screen", "variances": {"cell": 1.0, "guide": 0.5}}
    study = {
        "name": "s", "goal": "model", "cost": stated, "batch": {"budget": 4000.0},
        "candidates": {"kind": "screen", "data": {"path": str(path), "batch": "batch"}, "components": 3},
    }  # fmt: skip
    assert pajamo.propose(study).choices != made.choices


def test_hits_are_of_a_readout(screen: Path) -> None:
    gene = str(read_screen(DataSettings(path=screen)).genes[3])
    problem = problem_of_screen(source(screen, readout=gene))
    assert problem.outputs == (gene,)
    assert problem.features.shape == (36, 2 * (1 + 3))
    made = pajamo.propose(screen, goal="hits", size=3, readout=gene, components=3)
    assert made.unit == "expected hits"
    with pytest.raises(StudyError, match="which of them makes a candidate good"):
        pajamo.propose(screen, goal="hits", size=3, components=3)


@pytest.mark.parametrize("name", ["salt-ls", "mixed-effects", "average-singles"])
def test_any_model_of_responses_predicts(screen: Path, name: str) -> None:
    study = {
        "name": "s",
        "goal": "model",
        "candidates": {"kind": "screen", "data": {"path": str(screen)}, "components": 3},
        "model": {"kind": "response", "name": name, "members": 4},
        "batch": {"size": 3},
    }
    made = pajamo.propose(study)
    assert made.model == "response"
    assert made.at_random is not None
    assert repr(pajamo.propose(study)) == repr(made)
    double = next(one for one in made.choices + made.runners_up if "+" in one.candidate)
    assert np.isfinite(double.mean).all()
    with pytest.raises(ModelError, match="no model called"):
        pajamo.propose({**study, "model": {"kind": "response", "name": "salt-lls"}})


def test_how_effects_combine_is_a_goal_of_its_own(screen: Path) -> None:
    made = pajamo.propose(screen, goal="mechanism", size=4, components=3, candidates="pairs")
    assert made.unit == "nats about how effects combine"
    assert made.acquisition == "max-determinant"
    assert made.at_random is not None
    assert made.expected > made.at_random
    bought = pajamo.propose(screen, goal="mechanism", budget=3000.0, components=3)
    assert bought.unit == made.unit
    assert bought.expected > 0


def test_a_further_screen_is_recorded_along_the_same_genes(screen: Path, tmp_path: Path) -> None:
    study = {
        "name": "s",
        "goal": "model",
        "candidates": {"kind": "screen", "data": {"path": str(screen)}, "components": 3},
        "model": {"kind": "bayesian-linear"},
        "batch": {"size": 3},
    }
    campaign = pajamo.new_campaign(study, tmp_path / "c.sqlite")
    asked = pajamo.propose_round(campaign).proposal.candidates
    cells = anndata.read_h5ad(screen)
    new = cells[np.isin(cells.obs["perturbation"], ["control", "zzz"])].copy()
    fresh = new[:60].copy()
    fresh.obs["perturbation"] = np.repeat(["control", asked[0], asked[1]], 20)
    fresh.write_h5ad(tmp_path / "new.h5ad")
    told = pajamo.record_results(campaign, tmp_path / "new.h5ad")
    assert (told.measured, told.unexpected) == (2, 0)
    assert campaign.state().pending == asked[2:]
    # Cells that are all controls show no effect beyond their errors.
    latest = [one for one in campaign.state().results if one.round == 1]
    z = [one.values[k] / one.errors[k] for one in latest for k in one.errors]  # type: ignore[operator]
    assert np.abs(z).max() < 5.0
    assert pajamo.replay_round(campaign, 1) == []


def test_what_is_refused(screen: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="was not measured"):
        pajamo.propose(screen, size=3, readout="nogene")
    with pytest.raises(StudyError, match="unknown key"):
        pajamo.propose(screen, size=3, colour="red")
    with pytest.raises(StudyError, match="size"):
        pajamo.propose(screen)
    listed = tmp_path / "wanted.csv"
    listed.write_text("candidate\nnobody+noone\n", encoding="utf-8")
    with pytest.raises(DataError, match="nothing is known of a perturbation"):
        pajamo.propose(screen, size=1, candidates=listed)


def test_listed_candidates_with_features_of_unmeasured_genes(screen: Path, tmp_path: Path) -> None:
    read = read_screen(DataSettings(path=screen))
    genes = [*sorted({gene for one in read.conditions for gene in one.genes}), "new1", "new2"]
    rng = np.random.default_rng(0)
    rows = "\n".join(f"{gene},{rng.normal():.4f},{rng.normal():.4f}" for gene in genes)
    (tmp_path / "features.csv").write_text("gene,x,y\n" + rows + "\n", encoding="utf-8")
    (tmp_path / "wanted.csv").write_text("candidate\nnew1\nnew2\nnew2+new1\n", encoding="utf-8")
    made = pajamo.propose(
        screen, size=2, candidates=tmp_path / "wanted.csv", features=tmp_path / "features.csv", components=3
    )
    assert len(made.candidates) == 2
