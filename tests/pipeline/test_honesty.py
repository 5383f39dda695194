"""No model is told what it must predict, and where there is nothing to learn none is said to have learned it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pajamo
from pajamo.config import parse_study
from pajamo.data.run_folder import RunFolder
from pajamo.data.simulate import simulate_combinations
from pajamo.data.splits import Fold, Split, make_split
from pajamo.errors import IntegrityError, SplitError
from pajamo.pipeline.findings import Findings
from pajamo.pipeline.ladder import FoldWork
from pajamo.pipeline.loading import Loaded, load
from pajamo.pipeline.run import climb_folds

SEEDS = range(4)
LADDER = ["mixed-effects", "salt-counts", "peper"]
PEPER = {"members": 2, "steps": 20, "hidden": 8, "distribution": "means"}


def loaded(folder: Path, seed: int, *, shuffled: bool) -> Loaded:
    """A screen of many doubles, most of which interact; every cell's label drawn at random if shuffled."""
    screen = simulate_combinations(
        seed=seed, genes=40, singles=8, doubles=24, triples=0, cells=20, control_cells=100, batches=1
    )
    if shuffled:
        labels = screen.obs["perturbation"].to_numpy(dtype=object)
        screen.obs["perturbation"] = np.random.default_rng(seed).permutation(labels)
    screen.write_h5ad(folder / "screen.h5ad")
    study = {
        "name": "canary",
        "seed": seed,
        "data": {"path": str(folder / "screen.h5ad")},
        "split": {"kind": "doubles", "folds": 2},
        "models": {"ladder": LADDER, "settings": {"peper": PEPER}},
        "evaluation": {"bootstrap": 500, "distributions": False},
    }
    return load(parse_study(study))


def climbed(screen: Loaded, folder: Path) -> Findings:
    split = make_split(screen.study.split, screen.bulk, screen.study.seed)
    return climb_folds(screen, split, RunFolder(folder / "run"), lambda _: None)


def test_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    outcomes = []
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        findings = climbed(loaded(folder, seed, shuffled=True), folder)
        table = findings.summary.table
        judged = table[(table["metric"] == "mse") & table["model"].isin(LADDER)]
        assert len(judged) == len(LADDER)
        outcomes += list(judged["outcome"])
    # Each interval has a coverage of 95 % and three models look at the same cells.
    assert outcomes.count("beats") <= 1, outcomes


def test_what_is_planted_is_learned(tmp_path: Path) -> None:
    findings = climbed(loaded(tmp_path, 0, shuffled=False), tmp_path)
    table = findings.summary.table
    mean = table[table["metric"] == "mse"].set_index("model")["mean"]
    for model in (*LADDER, "salt-ls", "salt"):
        for baseline in ("no-change", "mean-perturbation", "mean-double"):
            assert mean[model] < 0.8 * mean[baseline], (model, baseline)
    assert mean["technical-duplicate"] < mean.drop("technical-duplicate").min()


@pytest.fixture(scope="module")
def tiny(tiny_screen: Path) -> Loaded:
    study = {
        "name": "tiny",
        "data": {"path": str(tiny_screen)},
        "split": {"kind": "doubles", "folds": 2},
    }
    return load(parse_study(study))


@pytest.fixture(scope="module")
def work(tiny: Loaded) -> FoldWork:
    return FoldWork(tiny, make_split(tiny.study.split, tiny.bulk, 0).folds[0], 0)


def test_held_out_cells_are_nowhere_in_training(tiny: Loaded, work: FoldWork) -> None:
    held = set(work.fold.test)
    assert held
    for training in (work.training, work.counted_training):
        assert not held & set(training.conditions)
        assert not held & set(training.cells)
        assert training.moments.mean.shape[0] == len(training.conditions) == 15
        assert training.cells
    table = work.counted_training.counts
    assert table is not None
    assert not held & set(table.conditions)
    of = tiny.screen.condition_of
    perturbed = [tiny.screen.conditions.index(c) for c in work.fold.train]
    controls = [i for i, c in enumerate(tiny.screen.conditions) if c.is_control]
    expected = np.isin(of, perturbed).sum() + (np.isin(of, controls).sum() + 1) // 2
    assert table.counts.shape[0] == expected


def test_held_out_values_do_not_reach_any_prediction(tiny: Loaded, work: FoldWork, tmp_path: Path) -> None:
    """Change every cell that is held out: no model predicts anything else."""
    rows = np.isin(tiny.screen.condition_of, [tiny.screen.conditions.index(c) for c in work.fold.test])
    other = _altered(tiny, rows, tmp_path)
    again = FoldWork(other, work.fold, 0)
    for name in ("salt-ls", "linear", "nearest", "mixed-effects", "salt-counts", "mean-double"):
        first, second = (w.climb(name, tmp_path / f"{name}.checkpoint") for w in (work, again))
        assert first.prediction is not None
        assert second.prediction is not None
        assert np.array_equal(first.prediction.delta, second.prediction.delta), name
        assert np.array_equal(first.prediction.control, second.prediction.control), name
        assert first.scores is not None
        assert second.scores is not None
        assert not np.allclose(first.scores["value"], second.scores["value"], equal_nan=True), name


def test_predictor_and_truth_share_no_control_cell(tiny: Loaded, work: FoldWork, tmp_path: Path) -> None:
    controls = np.isin(
        tiny.screen.condition_of, [i for i, c in enumerate(tiny.screen.conditions) if c.is_control]
    )
    seen = {
        row.tobytes()
        for cells in (v for c, v in work.training.cells.items() if c.is_control)
        for row in cells
    }
    judged = {row.tobytes() for c, (_, second) in tiny.halves.items() if c.is_control for row in second}
    assert len(seen) == len(judged) == controls.sum() / 2
    assert not seen & judged
    first, second = (moments[tiny.bulk.index([work.fold.test[0].control])] for moments in tiny.bulk.halves)
    assert np.array_equal(work.training.controls.mean, first.mean)
    assert np.array_equal(work.truth.control, np.repeat(second.mean, len(work.fold.test), axis=0))


def _altered(tiny: Loaded, rows: Any, folder: Path) -> Loaded:
    import anndata

    screen = anndata.read_h5ad(tiny.data.path)
    dense = screen.X.toarray()
    dense[rows] = np.random.default_rng(0).poisson(20, (int(rows.sum()), dense.shape[1]))
    screen.X = dense
    screen.write_h5ad(folder / "altered.h5ad")
    data = tiny.study.data.model_copy(update={"path": folder / "altered.h5ad"})
    return load(tiny.study.model_copy(update={"data": data}))


def _saved(split: Split, path: Path, fold: Fold) -> Path:
    replace(split, folds=(fold, *split.folds[1:])).save(path)
    return path


def test_a_split_that_leaks_is_refused(tiny: Loaded, work: FoldWork, tmp_path: Path) -> None:
    split = make_split(tiny.study.split, tiny.bulk, 0)
    path = tmp_path / "split.json"
    split.save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["folds"][0]["train"].append(content["folds"][0]["test"][0])
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(IntegrityError):
        pajamo.fit(tiny.study, model="salt", fold=0, split=path)
    both = Fold(work.fold.name, (*work.fold.train, work.fold.test[0]), work.fold.test)
    with pytest.raises(SplitError, match="leaks: SIM") as caught:
        pajamo.fit(tiny.study, model="salt", fold=0, split=_saved(split, path, both))
    assert "no condition is on both sides" in caught.value.why


def test_a_split_of_another_screen_is_refused(tiny: Loaded, work: FoldWork, tmp_path: Path) -> None:
    foreign = Fold(
        work.fold.name, work.fold.train, (*work.fold.test, replace(work.fold.test[0], genes=("A", "B")))
    )
    path = _saved(make_split(tiny.study.split, tiny.bulk, 0), tmp_path / "split.json", foreign)
    with pytest.raises(SplitError, match="1 conditions that this screen does not have") as caught:
        pajamo.fit(tiny.study, model="salt", fold=0, split=path)
    assert "A+B" in caught.value.why
