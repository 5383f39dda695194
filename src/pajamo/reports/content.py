"""Everything that a report shows, as tables and facts; nothing is computed from cells here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from pajamo.errors import DataError
from pajamo.evaluation.comparison import BEATS
from pajamo.evaluation.metric import COUNTS, Metric, metrics
from pajamo.evaluation.verdict import Verdict
from pajamo.models.base import Card
from pajamo.units import LOG_NORMALISED

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "summary": (
        "model", "metric", "n_conditions", "mean", "low", "high", "calibrated", "calibrated_low",
        "calibrated_high", "best_baseline", "improvement", "improvement_low", "improvement_high", "outcome",
    ),
    "scores": ("fold", "model", "condition", "metric", "value"),
    "examples": ("condition", "gene", "truth", "truth_se", "model", "delta", "sd"),
    "time_course": ("perturbation", "gene", "time", "truth", "truth_se", "model", "delta", "sd"),
    "checks": ("title", "status", "message"),
    "categories": ("category", "model", "metric", "mean", "n_conditions"),
    "strata": ("strata", "stratum", "model", "metric", "mean", "n_conditions"),
    "six": ("model", "metric", "mean", "zero", "one", "scaled", "low", "high", "note"),
    "interactions": ("gene_1", "gene_2", "strength", "explained", "class"),
    "calibration": ("model", "level", "coverage"),
    "embeddings": ("embedding", "dimensions", "genes", "perturbed", "covered"),
    "ablation": ("metric", "model", "embedding", "mean", "low", "high", "gain", "gain_low", "gain_high", "outcome"),
    "timings": ("step", "seconds"),
}  # fmt: skip
"""Columns without which a table cannot be shown; tables may have more."""


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What the screen is.

    Attributes
    ----------
    name: of the data set.
    cells, genes, control_cells: how many; control cells are part of `cells`.
    conditions: number of distinct perturbed conditions by how many genes they perturb: {1: 101, 2: 50}.
    batches, contexts, times: their names, empty where the screen has one.
    hash: of the file.
    source, licence: where the data come from and under which terms.
    simulated: True if they come from a generator, which the page says in a banner.
    """

    name: str
    cells: int
    genes: int
    control_cells: int
    conditions: Mapping[int, int]
    batches: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    times: tuple[float, ...] = ()
    hash: str = ""
    source: str = ""
    licence: str = ""
    simulated: bool = False


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """What a report shows; a section without content is left out.

    Attributes
    ----------
    title: of the page.
    study: text of the study file as resolved.
    verdict: the lead of the page.
    metric: name of the metric on which the verdict was judged.
    split: what was held out, in words: "25 % of the doubles, 5 folds".
    summary: table of `evaluation.comparison.summarise`, of one split.
    scores: rows of `evaluation.scoring.score` with a column fold, of the same split.
    baselines: models that must be beaten.
    data: what the screen is.
    level: coverage of the intervals in `summary`.
    unit: unit of changes in `examples` and `time_course`.
    split_counts: one row a fold, any columns.
    metrics: title, direction, unit and definition of each metric.
    checks: `CheckReport.to_frame()`.
    cards, weights: card and fitted quantities (quantity, of, value, se, unit) of each model.
    refusals: models that could not be fitted or could not predict, with the reason.
    categories: table of `by_category`.
    strata: table of `by_stratum`.
    six: table of `calibrated_six`.
    interactions: table of `interaction_scores` of measured responses; where a column
        `strength_predicted` is added, it is compared with `strength`.
    examples: held-out conditions gene by gene: measured change with its standard error and, a row for each
        model, the predicted change with its standard deviation (NaN if none).
    time_course: the same for each time; column `perturbation` instead of `condition`. A time that was
        used in training has one row with an empty model.
    calibration: table of `calibration_curve`.
    embeddings: embeddings of genes that were compared, with how many perturbed genes each covers.
    ablation: table of `evaluation.ablation.ablation`.
    timings: seconds of each step.
    timeline: SVG of the protocol, empty where nothing says what it was.
    provenance: versions, seeds, hashes, command, date; shown as given.
    notes: paragraphs for the end of the page.
    files: name of the run's file that holds a table in full, by attribute: {"scores": "scores.csv"}.

    Raises
    ------
    DataError: a table lacks a column, the summary is empty or holds a model and metric twice.
    """

    title: str
    study: str
    verdict: Verdict
    metric: str
    split: str
    summary: pd.DataFrame
    scores: pd.DataFrame
    baselines: tuple[str, ...]
    data: DataFacts
    level: float = 0.95
    unit: str = LOG_NORMALISED
    split_counts: pd.DataFrame | None = None
    metrics: Mapping[str, Metric] = field(default_factory=metrics)
    checks: pd.DataFrame | None = None
    cards: tuple[Card, ...] = ()
    weights: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    categories: pd.DataFrame | None = None
    strata: pd.DataFrame | None = None
    six: pd.DataFrame | None = None
    interactions: pd.DataFrame | None = None
    examples: pd.DataFrame | None = None
    time_course: pd.DataFrame | None = None
    calibration: pd.DataFrame | None = None
    embeddings: pd.DataFrame | None = None
    ablation: pd.DataFrame | None = None
    timings: pd.DataFrame | None = None
    timeline: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, columns in COLUMNS.items():
            _require(name, getattr(self, name), columns)
        _require_one_split(self.summary, self.metric)

    def table(self, name: str) -> pd.DataFrame | None:
        """The table of this attribute, or None where there is nothing in it to show."""
        table: pd.DataFrame | None = getattr(self, name)
        return None if table is None or table.empty else table

    @property
    def metric_names(self) -> list[str]:
        """Metrics of the summary, the one of the verdict first; those on counts have a section of their own."""
        names = self.summary["metric"].unique()
        shown = [name for name in names if name == self.metric or not self._on_counts(name)]
        return sorted(shown, key=lambda name: name != self.metric)

    def _on_counts(self, metric: str) -> bool:
        return metric in self.metrics and self.metrics[metric].family == COUNTS

    @property
    def beaten(self) -> bool:
        """Whether a model beats the best baseline on the metric of the verdict."""
        return self.verdict.outcome == BEATS

    def of_metric(self, name: str) -> pd.DataFrame:
        """Rows of the summary for one metric, indexed by model."""
        return self.summary[self.summary["metric"] == name].set_index("model")

    def named(self, metric: str) -> str:
        """Title of a metric, or its name where it is not known."""
        return self.metrics[metric].title if metric in self.metrics else metric

    def sign(self, metric: str) -> int:
        """+1 where higher is better, -1 where lower is."""
        return self.metrics[metric].sign if metric in self.metrics else 1


def _require(name: str, table: pd.DataFrame | None, columns: tuple[str, ...]) -> None:
    missing = [] if table is None else [column for column in columns if column not in table]
    if missing:
        raise DataError(
            f"the report's table {name!r} lacks columns: {', '.join(missing)}",
            where=f"ReportContent.{name}",
            fix=f"it needs {', '.join(columns)}",
        )


def _require_one_split(summary: pd.DataFrame, metric: str) -> None:
    if metric not in set(summary["metric"]):
        raise DataError(
            f"the summary holds no row of metric {metric!r}",
            where="ReportContent.summary",
            why="the report leads with the verdict on this metric",
        )
    if summary.duplicated(["model", "metric"]).any():
        raise DataError(
            "the summary holds a model and metric twice",
            where="ReportContent.summary",
            why="a report is about one split",
            fix="pass the rows of one split",
        )
