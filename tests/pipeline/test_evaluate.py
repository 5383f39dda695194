"""A fitted model, or the predictions of any tool, is scored beside every baseline on the same conditions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.config import parse_study
from pajamo.data.splits import make_split
from pajamo.errors import DataError, IntegrityError, ModelError, PajamoWarning, SplitError, StudyError
from pajamo.evaluation.metric import GENERAL
from pajamo.evaluation.metric import metric as metric_named
from pajamo.pipeline.loading import Loaded, load

STUDY = {
    "name": "tiny",
    "split": {"kind": "doubles", "folds": 2},
    "evaluation": {"bootstrap": 100, "distributions": False},
}


@pytest.fixture(scope="module")
def study(tiny_screen: Path) -> dict[str, Any]:
    return STUDY | {"data": {"path": str(tiny_screen)}}


@pytest.fixture(scope="module")
def loaded(study: dict[str, Any]) -> Loaded:
    return load(parse_study(study))


@pytest.fixture
def oracle(loaded: Loaded) -> anndata.AnnData:
    """What was measured for the conditions held out in fold 0, as if a tool had predicted it."""
    test = make_split(loaded.study.split, loaded.bulk, loaded.study.seed).folds[0].test
    level = loaded.bulk.whole.mean[loaded.bulk.index(test)]
    obs = pd.DataFrame({"perturbation": ["+".join(c.genes) for c in test]}, index=list(map(str, range(3))))
    return anndata.AnnData(level, obs=obs, var=pd.DataFrame(index=loaded.bulk.genes))


def mean(result: Any, metric: str, model: str = "predictions") -> float:
    return float(result.summary.table.set_index(["model", "metric"]).loc[(model, metric), "mean"])


def test_the_truth_as_levels_has_no_error_and_beats_every_baseline(
    oracle: anndata.AnnData, study: dict[str, Any]
) -> None:
    result = pajamo.evaluate(oracle, study, fold=0)
    assert mean(result, "mse") == pytest.approx(0, abs=1e-12)
    assert mean(result, "mse", "no-change") > 0.1
    assert "predictions beats the best baseline" in result.sentence
    name, _, _, outcome = next(row for row in result.rows() if row[3] != "ceiling")
    assert (name, outcome) == ("predictions", "beats")


def test_changes_score_as_the_levels_that_they_make(
    oracle: anndata.AnnData, study: dict[str, Any], loaded: Loaded
) -> None:
    control = loaded.training_set(loaded.perturbed).controls.mean
    changes = oracle.copy()
    changes.layers["delta"] = oracle.X - control
    changes.X = np.zeros_like(oracle.X)
    levels, deltas = (pajamo.evaluate(given, study, fold=0) for given in (oracle, changes))
    for metric in ("mse", "mse_delta", "pearson_delta", "discrimination"):
        assert mean(deltas, metric) == pytest.approx(mean(levels, metric), abs=1e-12)


def test_order_of_rows_and_genes_does_not_matter(
    oracle: anndata.AnnData, study: dict[str, Any], tmp_path: Path
) -> None:
    oracle.X = oracle.X + np.random.default_rng(0).normal(0, 0.1, oracle.shape)
    turned = oracle[::-1, np.random.default_rng(1).permutation(oracle.n_vars)].copy()
    turned.write_h5ad(tmp_path / "turned.h5ad")
    first = pajamo.evaluate(oracle, study, fold=0)
    second = pajamo.evaluate(tmp_path / "turned.h5ad", study, fold=0)
    columns = ["mean", "low", "high", "improvement"]
    assert np.allclose(first.summary.table[columns], second.summary.table[columns], equal_nan=True)


def test_baselines_are_scored_on_the_conditions_that_are_predicted(
    oracle: anndata.AnnData, study: dict[str, Any]
) -> None:
    result = pajamo.evaluate(oracle[:2].copy(), study, fold=0)
    table = result.summary.table
    assert set(table.loc[table["metric"] == "mse", "n_conditions"]) == {2}
    assert "2 held-out conditions" in result.sentence
    assert result.title == "predictions on 2 held-out conditions of tiny"


def without(column: str) -> Callable[[anndata.AnnData], anndata.AnnData]:
    def change(adata: anndata.AnnData) -> anndata.AnnData:
        del adata.obs[column]
        return adata

    return change


def renamed(adata: anndata.AnnData) -> anndata.AnnData:
    adata.var_names = [f"other{i}" for i in range(adata.n_vars)]
    return adata


def relabelled(adata: anndata.AnnData) -> anndata.AnnData:
    adata.obs["perturbation"] = ["SIM00001", "SIM00002", "SIM00003"]
    return adata


def repeated(adata: anndata.AnnData) -> anndata.AnnData:
    adata.obs["perturbation"] = adata.obs["perturbation"].iloc[0]
    return adata


def doubled(adata: anndata.AnnData) -> anndata.AnnData:
    adata.var_names = ["SIM00001", *adata.var_names[:-1]]
    return adata


def undefined(adata: anndata.AnnData) -> anndata.AnnData:
    adata.X[1, 3] = np.nan
    return adata


def timed(adata: anndata.AnnData) -> anndata.AnnData:
    adata.obs["time"] = "day 2"
    return adata


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("perturbation"), ["do not say of which perturbation", "add a column `perturbation`"]),
        (repeated, ["predicted twice", "SIM"]),
        (
            relabelled,
            ["no held-out condition of this fold is predicted", "SIM00001", "write combinations A+B"],
        ),
        (renamed, ["genes", "other0"]),
        (lambda a: a[:, :20].copy(), ["genes", "SIM00021"]),
        (doubled, ["genes are predicted twice", "SIM00001"]),
        (undefined, ["not finite", "SIM00004"]),
        (timed, ["time", "day 2"]),
    ],
)
def test_predictions_that_cannot_be_scored(
    oracle: anndata.AnnData,
    study: dict[str, Any],
    change: Callable[[anndata.AnnData], anndata.AnnData],
    words: list[str],
) -> None:
    with pytest.raises(DataError) as caught:
        pajamo.evaluate(change(oracle), study, fold=0)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.fix


def test_predictions_need_a_fold_that_exists(oracle: anndata.AnnData, study: dict[str, Any]) -> None:
    with pytest.raises(SplitError, match="which fold they are of"):
        pajamo.evaluate(oracle, study)
    with pytest.raises(SplitError, match="numbered 0 to 1"):
        pajamo.evaluate(oracle, study, fold=2)


def test_a_metric_that_there_is_not_is_named_before_any_work(
    oracle: anndata.AnnData, study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    misspelt = study | {"evaluation": {"metric": "mse_top20"}}
    monkeypatch.setattr("pajamo.pipeline.judging.load", None)
    monkeypatch.setattr("pajamo.pipeline.run.load", None)
    for call in (
        lambda: pajamo.evaluate(oracle, misspelt, fold=0),
        lambda: pajamo.run(misspelt, runs=tmp_path),
    ):
        with pytest.raises(StudyError, match="did you mean 'mse_top'"):
            call()


def test_files_that_are_not_predictions(study: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "text.h5ad").write_text("perturbation,gene\n")
    with pytest.raises(IntegrityError, match="not an h5ad"):
        pajamo.evaluate(tmp_path / "text.h5ad", study, fold=0)
    with pytest.raises(DataError, match="no such file"):
        pajamo.evaluate(tmp_path / "none.h5ad", study, fold=0)
    with pytest.raises(IntegrityError, match="no such file"):
        pajamo.evaluate(tmp_path / "none.safetensors", study)
    (tmp_path / "text.safetensors").write_text("no model")
    with pytest.raises(IntegrityError, match="damaged or was not written by pajamo"):
        pajamo.evaluate(tmp_path / "text.safetensors", study)


def test_a_fitted_model_is_scored_on_what_it_never_saw(
    study: dict[str, Any], loaded: Loaded, tmp_path: Path
) -> None:
    model = pajamo.fit(study, model="salt-ls", fold=1)
    held = make_split(loaded.study.split, loaded.bulk, loaded.study.seed).folds[1].test
    result = pajamo.evaluate(model, study, output=tmp_path / "table.csv")
    assert set(result.scores["condition"]) == set(map(str, held))
    assert "On conditions that the model never saw (3 held-out conditions" in result.sentence
    written = pd.read_csv(tmp_path / "table.csv")
    assert np.allclose(written["mean"], result.summary.table["mean"], equal_nan=True)


def test_a_model_that_saw_everything_is_not_scored(study: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="saw every condition") as caught:
        pajamo.evaluate(pajamo.fit(study, model="salt"), study)
    assert "--fold" in caught.value.fix


def test_a_saved_split_is_used_instead_of_the_studys_own(
    study: dict[str, Any], loaded: Loaded, tmp_path: Path
) -> None:
    other = make_split(loaded.study.split, loaded.bulk, seed=7)
    other.save(tmp_path / "split.json")
    model = pajamo.fit(study, model="salt", fold=0, split=tmp_path / "split.json")
    assert model.reference is not None
    assert model.reference.seen == frozenset(other.folds[0].train)
    own = pajamo.fit(study, model="salt", fold=0)
    assert own.reference is not None
    assert own.reference.seen != model.reference.seen


def test_predicting_a_gene_that_was_never_perturbed_is_said_aloud(study: dict[str, Any]) -> None:
    model = pajamo.fit(study, model="salt-ls")
    with pytest.warns(
        PajamoWarning, match="no training condition perturbed SIM0001; if that is not a misspell"
    ):
        pajamo.predict(model, ["SIM0001", "SIM00002"])
    with pytest.raises(ModelError, match="no control was seen for SIM00001 in K562"):
        pajamo.predict(model, ["SIM00001"], context="K562")


def test_predictions_of_a_run_are_scored_fold_by_fold(finished: Any) -> None:
    again = pajamo.evaluate(finished.run.predictions("salt-ls"), finished.study, fold=1)
    recorded = finished.run.scores
    recorded = recorded[(recorded["model"] == "salt-ls") & (recorded["fold"] == "repeat-2")]
    own = again.scores[again.scores["model"] == "salt-ls"]
    both = own.merge(recorded, on=["condition", "metric"], suffixes=("", "_recorded"))
    assert len(both) == len(own) == 60
    # A file of predictions holds means; on counts the run scored the cells that the model drew.
    of_means = both[[metric_named(name).family == GENERAL for name in both["metric"]]]
    assert len(of_means) == 42
    assert np.allclose(of_means["value"], of_means["value_recorded"], equal_nan=True)
