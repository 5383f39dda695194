"""A campaign as a user declares it: candidates, what is measured, for which goal, with which model, for how much."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pajamo.config.campaigns.constraints import ConstraintSettings
from pajamo.config.campaigns.cost import CostSettings
from pajamo.config.campaigns.graph import GraphSettings
from pajamo.config.campaigns.learner import LearnerSettings
from pajamo.config.strict import Config, parse
from pajamo.config.study import DataSettings
from pajamo.config.toml import read_toml

Count = Annotated[int, Field(ge=1)]
Goal = Literal["model", "hits", "optimum", "mechanism"]


class TableSource(Config):
    """Candidates in a table, a row each."""

    kind: Literal["table"] = "table"
    path: Path
    """CSV, TSV or Parquet; relative paths are taken from the study file's folder."""
    name: str = "candidate"
    """Column with the candidates' names, each once; combinations of perturbations are written A+B."""
    features: tuple[str, ...] | None = None
    """Columns with features; every column of numbers that is not an output if not given."""


class ScreenSource(Config):
    """Candidates that follow from a screen: perturbations and their combinations."""

    kind: Literal["screen"] = "screen"
    data: DataSettings
    """The screen: h5ad, and where in it the design is written."""
    candidates: Literal["pairs", "again", "pairs and again"] | Path = "pairs and again"
    """Pairs of perturbations whose singles were measured; what was measured already, for more cells; both; or a
    table with one column `candidate` (A or A+B)."""
    readout: str = "profile"
    """What of a cell counts: its profile (in components), or the name of one gene."""
    against: Literal["control", "additive"] = "control"
    """Effects against control cells, or of combinations against the sum of their singles' effects."""
    components: int = Field(default=8, ge=1)
    """Components that a profile is summarised by."""
    features: Path | None = None
    """A table with features of single perturbations (a row each, first column their names); their own measured
    effects if not given. Perturbations that were never measured alone need it."""


class AssaySource(Config):
    """Candidates are sequences, and what they are to narrow is a number of a mechanism."""

    kind: Literal["assay"] = "assay"
    run: Path
    """The folder of a run of an assay's study."""
    model: str | None = None
    """Which of its mechanisms; that of the verdict if not given."""
    experiment: str | None = None
    """Which experiment is done with the candidates; the first one if not given."""
    candidates: Path
    """A table with the column `candidate` (names) and `sequence`."""
    parameters: tuple[str, ...] = ()
    """Numbers of the mechanism that are to be narrowed, as "CRP+RNAP" or "CRP at the wild type"; all interactions and
    rates if not given."""
    reads: float | None = Field(default=None, gt=0)
    """Reads (or DNA counts) that each candidate gets; as many as a sequence had in the run if not given."""
    error: float | None = Field(default=None, gt=0)
    """Standard error of one number, where the experiment records errors; that of the run if not given."""
    inputs: dict[str, float] = Field(default_factory=dict)
    """Concentrations at which candidates are measured, where the experiment gives them in a column."""
    repeats: bool = False
    """Whether a candidate that was measured may be measured again."""


class ResultSettings(Config):
    """Results that are known before the first round."""

    path: Path
    """CSV, TSV or Parquet with the column `candidate`, one column an output, and, if known, `error OUTPUT`."""


class AcquisitionSettings(Config):
    """How candidates are chosen."""

    kind: str = "default"
    """Name of an acquisition; the default follows the goal and what is known so far."""
    settings: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Settings of that acquisition."""
    graph: GraphSettings | None = None
    """Of `graph-coverage`: which perturbations stand for one another."""

    @model_validator(mode="after")
    def _graph_where_it_counts(self) -> Self:
        covers = self.kind == "graph-coverage"
        if covers and self.graph is None:
            raise ValueError("`graph-coverage` needs a table of edges: acquisition.graph.path")
        if covers and self.settings:
            raise ValueError("`graph-coverage` has its settings in acquisition.graph")
        if self.graph is not None and not covers:
            raise ValueError(f"a graph belongs to the acquisition `graph-coverage`, not to `{self.kind}`")
        return self


class TargetSettings(Config):
    """What makes a candidate good, where the goal is to find good ones."""

    weights: dict[str, float] | None = None
    """Of each output in the readout that counts; the first output if not given."""
    maximise: bool = True
    """Whether high readouts are wanted; false for low ones."""
    threshold: float | None = None
    """Readout from which (or down to which) a candidate is a hit."""
    top: float | None = Field(default=None, gt=0, lt=1)
    """Instead of `threshold`: the share of all candidates that counts as hits."""

    @model_validator(mode="after")
    def _one_bar(self) -> Self:
        if self.threshold is not None and self.top is not None:
            raise ValueError("give either `threshold` or `top`")
        return self


class BatchSettings(Config):
    """How much is measured at a time."""

    size: int | None = Field(default=None, ge=1)
    """Candidates in a batch."""
    budget: float | None = Field(default=None, gt=0)
    """Money for all rounds that are left; needs [cost], or prices of candidates."""
    rounds: int = Field(default=1, ge=1)
    """Rounds that the budget is for."""
    guides: Annotated[tuple[Count, ...], Field(min_length=1)] = (2, 4)
    """Of a screen: numbers of guides of each perturbation to choose from."""
    cells: Annotated[tuple[Count, ...], Field(min_length=1)] = (25, 50, 100)
    """Of a screen: usable cells of each guide to choose from."""
    replicates: Annotated[tuple[Count, ...], Field(min_length=1)] = (1,)
    """Runs of a screen, or measurements of a candidate in a table, to choose from."""

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.size is None and self.budget is None:
            raise ValueError("give `size` (candidates) or `budget` (money)")
        return self


class StopSettings(Config):
    """When predictions may stand for what is left to measure: see `pajamo campaign status`.

    Candidates that were predicted before they were measured are compared with what came out. With an acquisition that
    measures what is hardest first (`inference-set`) this errs on the careful side.
    """

    target: float = Field(default=0.95, gt=0, lt=1)
    """Share of predictions that have to be right."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """With which no look stops too early, however often one looks."""
    tolerance: float | None = Field(default=None, gt=0)
    """Of values: how far a prediction may be off and still be right; classes are right or not."""


class CampaignStudy(Config):
    """Everything that a campaign needs."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """What the campaign is called."""
    goal: Goal
    """A model that predicts every candidate; candidates beyond a threshold; the best one; numbers of a mechanism: of
    a run's, or, of a screen, coefficients of the law by which effects of single perturbations combine."""
    seed: int = Field(default=0, ge=0)
    """From which every random choice derives."""
    candidates: Annotated[TableSource | ScreenSource | AssaySource, Field(discriminator="kind")]
    """What may be measured."""
    outputs: tuple[str, ...] = ()
    """Of a table of candidates: what is measured, the columns of results."""
    classes: tuple[str, ...] = ()
    """Of a single output that is a class: the names of all classes."""
    results: ResultSettings | None = None
    """What is known before the first round."""
    model: LearnerSettings | None = None
    """What predicts; chosen by what is measured if not given."""
    acquisition: AcquisitionSettings = AcquisitionSettings()
    """How candidates are chosen."""
    target: TargetSettings = TargetSettings()
    """What makes a candidate good."""
    batch: BatchSettings
    """How much is measured at a time."""
    cost: CostSettings | None = None
    """What a screen costs, and how its noise depends on cells, guides and batches."""
    constraints: ConstraintSettings = ConstraintSettings()
    """What a batch has to hold, and must not."""
    stop: StopSettings | None = None
    """When predictions may stand for what is left."""
    runners_up: int = Field(default=10, ge=0)
    """How many candidates that would come next are named."""
    comparison: int = Field(default=20, ge=0)
    """Random batches for the same money that a batch is compared with."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if isinstance(self.candidates, TableSource) and not self.outputs:
            raise ValueError("name what is measured: `outputs`, the columns of results")
        if not isinstance(self.candidates, TableSource) and self.outputs:
            raise ValueError("`outputs` belongs to candidates in a table; screens and assays have their own")
        if self.classes and len(self.outputs) != 1:
            raise ValueError("`classes` goes with a single output")
        if self.stop is not None and self.stop.tolerance is None and not self.classes:
            raise ValueError("`stop` needs to know how far a prediction may be off: `stop.tolerance`")
        if self.goal == "mechanism" and isinstance(self.candidates, TableSource):
            raise ValueError(
                "the goal `mechanism` needs candidates of kind `assay`, which have a mechanism, or of kind `screen`, "
                "whose effects combine by a law"
            )
        if self.acquisition.kind != "default" and self.batch.size is None:
            raise ValueError(
                f"a budget is spent by the goal's gain per money, not by `{self.acquisition.kind}`: give batch.size, "
                "or leave the acquisition out"
            )
        linear = self.model is None or self.model.kind == "bayesian-linear"
        if self.goal == "mechanism" and isinstance(self.candidates, ScreenSource) and not linear:
            raise ValueError("the law by which effects combine is a model of kind `bayesian-linear`")
        return self


def read_campaign_study(path: str | Path) -> CampaignStudy:
    """Read a campaign's study file; relative paths are taken from its own folder.

    Raises
    ------
    StudyError: the file is missing, is not TOML, has an unknown key or an impossible value.
    """
    path = Path(path)
    return anchored_campaign(parse_campaign_study(read_toml(path), str(path)), path.parent)


def parse_campaign_study(raw: dict[str, Any], where: str = "campaign") -> CampaignStudy:
    """The same from a dictionary.

    Raises
    ------
    StudyError: an unknown key, or an impossible value.
    """
    return parse(CampaignStudy, raw, where)


def anchored_campaign(study: CampaignStudy, folder: Path) -> CampaignStudy:
    """The study with absolute paths."""

    def absolute(path: Path | None) -> Path | None:
        return None if path is None else (folder / path).resolve()

    source = study.candidates
    if isinstance(source, ScreenSource):
        data = source.data.model_copy(update={"path": absolute(source.data.path)})
        listed = absolute(source.candidates) if isinstance(source.candidates, Path) else source.candidates
        changes: dict[str, Any] = {"data": data, "candidates": listed, "features": absolute(source.features)}
    elif isinstance(source, AssaySource):
        changes = {"run": absolute(source.run), "candidates": absolute(source.candidates)}
    else:
        changes = {"path": absolute(source.path)}
    results = study.results and ResultSettings(path=absolute(study.results.path) or study.results.path)
    chosen, graph = study.acquisition, study.acquisition.graph
    if graph is not None:
        graph = graph.model_copy(update={"path": absolute(graph.path)})
        chosen = chosen.model_copy(update={"graph": graph})
    moved = {"candidates": source.model_copy(update=changes), "results": results, "acquisition": chosen}
    return study.model_copy(update=moved)
