"""Score a fitted model, or the predictions of any tool, beside every baseline on the same conditions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config import Study
from pajamo.data.conditions import Condition, parse_perturbation
from pajamo.data.prediction import Prediction
from pajamo.data.reading.columns import numbers
from pajamo.data.reading.integrity import guard_hdf5, reading_errors
from pajamo.data.splits import Fold
from pajamo.errors import DataError, ModelError, SplitError, shorten
from pajamo.evaluation.comparison import Summary, summarise
from pajamo.evaluation.metric import Metric, metric
from pajamo.evaluation.scoring import score
from pajamo.evaluation.verdict import verdict
from pajamo.models.base import Model
from pajamo.pipeline.ladder import FoldWork, baseline_names
from pajamo.pipeline.loading import Loaded, load
from pajamo.pipeline.one_model import choose_fold
from pajamo.pipeline.record import write_table
from pajamo.training.saved import load_model

Target: TypeAlias = str | Path | Model | anndata.AnnData
OWN = "predictions"
"""Name of predictions that do not say which model they are from."""


@dataclass(frozen=True)
class Evaluation:
    """One model beside every baseline.

    Attributes
    ----------
    title: what was scored, on what.
    scores: each model, condition and metric.
    summary: means, intervals, paired differences to the best baseline.
    metric: on which the sentence judges.
    """

    title: str
    scores: pd.DataFrame
    summary: Summary
    metric: str

    @cached_property
    def sentence(self) -> str:
        """Which model, by how much over the best baseline, with which interval."""
        return verdict(self.summary, self.metric).sentence

    @property
    def judged(self) -> Metric:
        """The metric on which the sentence judges."""
        return metric(self.metric)

    @property
    def metrics(self) -> list[str]:
        """Names of all metrics that were computed."""
        return list(dict.fromkeys(self.summary.table["metric"]))

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """One row a model, best first on the judging metric.

        Its name; mean and interval; improvement over the best baseline and interval; outcome.
        """
        table = self.summary.table[self.summary.table["metric"] == self.metric]
        order = np.argsort(-self.judged.sign * table["mean"].to_numpy(), kind="stable")
        for _, row in table.iloc[order].iterrows():
            yield row["model"], _ranged(row), _ranged(row, "improvement"), row["outcome"]


def _ranged(row: pd.Series, name: str = "") -> str:
    values = [row[name or "mean"], *(row["_".join(filter(None, (name, end)))] for end in ("low", "high"))]
    mean, low, high = (f"{value:.3g}" for value in values)
    return "" if mean == "nan" else f"{mean} [{low}, {high}]"


def evaluate_target(
    target: Target, study: Study, fold: int | None, split: Path | None, output: Path | None
) -> Evaluation:
    """Score one target; see `pajamo.evaluate`."""
    metric(study.evaluation.metric)
    given = _read(target)
    loaded = load(study)
    if isinstance(given, Model):
        held = _unseen(given, loaded)
        prediction = given.predict(held.test)
    else:
        held = _fold_of(loaded, fold, split)
        prediction = external_prediction(_of_fold(given, held.name), loaded)
        held = replace(held, test=_predicted(held, prediction))
    _require_genes(prediction, loaded.bulk.genes)
    _require_finite(prediction.of(held.test), loaded.bulk.genes)
    work = FoldWork(loaded, held, fold or 0)
    drawn = work.drawn(given, prediction.model) if isinstance(given, Model) else {}
    tables = [
        score(prediction, work.truth, cells=drawn, duplicate=True), *_baselines(work, prediction.model)
    ]  # fmt: skip
    scores = pd.concat(tables, ignore_index=True).assign(fold=held.name, split=held.name)
    settings = study.evaluation
    baselines = [name for name in baseline_names(study) if name != prediction.model]
    summary = summarise(
        scores, baselines, level=settings.level, n_bootstrap=settings.bootstrap, seed=study.seed
    )
    if output is not None:
        write_table(output, summary.table)
    title = f"{prediction.model} on {len(held.test)} held-out conditions of {loaded.screen.name}"
    return Evaluation(title, scores, summary, settings.metric)


def _read(target: Target) -> Model | anndata.AnnData:
    if isinstance(target, Model | anndata.AnnData):
        return target
    path = Path(target)
    if path.suffix != ".h5ad":
        return load_model(path)
    guard_hdf5(path)
    with reading_errors(path):
        return anndata.read_h5ad(path)


def _unseen(model: Model, loaded: Loaded) -> Fold:
    assert model.reference is not None
    seen = model.reference.seen
    test = tuple(c for c in loaded.perturbed if c not in seen)
    if not test:
        raise ModelError(
            "the model saw every condition of this screen",
            why="scored on what it was fitted to, any model looks good",
            fix="fit it with --fold, which holds conditions out",
        )
    return Fold("conditions that the model never saw", tuple(c for c in loaded.perturbed if c in seen), test)


def _fold_of(loaded: Loaded, number: int | None, split: Path | None) -> Fold:
    if number is None:
        raise SplitError(
            "predictions need to say which fold they are of",
            why="baselines have to be fitted to the same training conditions",
            fix="give --fold; the fold's conditions stand in the split.json of a run",
        )
    return choose_fold(loaded, number, split)


def _of_fold(adata: anndata.AnnData, name: str) -> anndata.AnnData:
    """The rows of one fold, where rows say of which they are, as in a run's predictions."""
    return adata[(adata.obs["fold"] == name).to_numpy()] if "fold" in adata.obs else adata


def _predicted(held: Fold, prediction: Prediction) -> tuple[Condition, ...]:
    known = set(prediction.conditions)
    test = tuple(c for c in held.test if c in known)
    if not test:
        raise DataError(
            "no held-out condition of this fold is predicted",
            why=f"predicted: {shorten(prediction.conditions, 4)}; held out: {shorten(held.test, 4)}",
            fix="write combinations A+B, and predict the fold's test conditions",
        )
    return test


def _baselines(work: FoldWork, besides: str) -> Iterator[pd.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        for name in baseline_names(work.loaded.study):
            if name != besides:
                rung = work.climb(name, Path(folder) / name)
                if rung.scores is not None:
                    yield rung.scores


def external_prediction(adata: anndata.AnnData, loaded: Loaded) -> Prediction:
    """Read predicted means of any tool: levels in X, or changes in `layers["delta"]`.

    Raises
    ------
    DataError: no column `perturbation`, duplicated conditions, or times that are no numbers.
    """
    if "perturbation" not in adata.obs:
        raise DataError(
            "the predictions do not say of which perturbation they are",
            where="obs", fix="add a column `perturbation` with A or A+B to obs",
        )  # fmt: skip
    conditions = tuple(_conditions(adata.obs, loaded.data.control))
    if len(set(conditions)) < len(conditions):
        repeated = pd.Series([str(c) for c in conditions])
        raise DataError(
            f"conditions are predicted twice: {shorten(repeated[repeated.duplicated()].unique())}",
            where="obs", fix="give one row a condition, or a column `fold` with the names of the folds",
        )  # fmt: skip
    if "pajamo" in adata.uns and "delta" in adata.layers:
        return Prediction.from_anndata(adata)
    genes = pd.Index(adata.var_names)
    control = _controls(loaded, conditions, genes)
    delta = _dense(adata.layers["delta"]) if "delta" in adata.layers else _dense(adata.X) - control
    sd = np.full_like(delta, np.nan)
    return Prediction(OWN, genes, conditions, delta, sd, control)


def _conditions(obs: pd.DataFrame, control: str) -> Iterator[Condition]:
    times = numbers(obs, "time", "time") if "time" in obs else np.zeros(len(obs))
    contexts = obs["context"].astype(str) if "context" in obs else [""] * len(obs)
    for label, context, time in zip(obs["perturbation"].astype(str), contexts, times, strict=True):
        yield Condition(parse_perturbation(label, control), context, float(time))


def _require_genes(prediction: Prediction, measured: pd.Index) -> None:
    genes = prediction.genes
    if not genes.is_unique:
        raise DataError(
            f"genes are predicted twice: {shorten(genes[genes.duplicated()].unique())}",
            where=f"{prediction.model}: var_names", fix="predict every gene once",
        )  # fmt: skip
    lacking = measured[~measured.isin(genes)]
    if len(lacking):
        raise DataError(
            f"{len(lacking)} of {len(measured)} measured genes are not predicted",
            where=f"{prediction.model}: var_names",
            why=f"lacking: {shorten(lacking, 4)}; predicted: {shorten(genes, 4)}",
            fix="predict every gene of the screen, under the screen's own names",
        )


def _require_finite(prediction: Prediction, measured: pd.Index) -> None:
    bad = ~np.isfinite(prediction.level[:, prediction.genes.get_indexer(measured)])
    if bad.any():
        row, gene = np.argwhere(bad)[0]
        raise DataError(
            f"{int(bad.sum())} predicted values are not finite",
            where=f"{prediction.conditions[row]}, gene {measured[gene]}",
            fix="give a number for each condition and measured gene",
        )


def _controls(loaded: Loaded, conditions: tuple[Condition, ...], genes: pd.Index) -> NDArray[np.float64]:
    """The predictor's control means, brought to the prediction's genes; NaN for genes never measured."""
    control = pd.DataFrame(
        loaded.training_set(loaded.perturbed).control_mean(conditions), columns=loaded.bulk.genes
    )
    return np.asarray(control.reindex(columns=genes), dtype=float)


def _dense(values: Any) -> NDArray[np.float64]:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)
