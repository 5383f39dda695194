"""The verbs of pajamo as Python functions; the command line calls these and nothing else.

import pajamo

run = pajamo.run("study.toml")
run.verdict["sentence"]
run.predictions("peper")
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pajamo.config import DataSettings, Study, parse, parse_study, read_study

if TYPE_CHECKING:
    import anndata

    from pajamo.data.checks import CheckReport
    from pajamo.explanations.explanation import Explanation
    from pajamo.models.base import Card, Model
    from pajamo.pipeline.judging import Evaluation
    from pajamo.pipeline.run_record import Run
    from pajamo.protocols.planning.plan import Plan
    from pajamo.protocols.protocol import Protocol
    from pajamo.protocols.report import ProtocolReport

Progress = Callable[[str], None]
AnyStudy: TypeAlias = str | Path | dict[str, Any] | Study

DEMO_STUDIES = ("unseen-time.toml", "unseen-knockout.toml")


def check(screen: str | Path | anndata.AnnData, **columns: Any) -> CheckReport:
    """Is this screen what a perturbation model needs?

    Parameters
    ----------
    screen: an h5ad file, or an AnnData in memory.
    columns: keys of [data] in a study: perturbation, control, layer, scale, batch, context, time, ...

    Returns
    -------
    A report of every rule, with the rows that offend; `report.passed` is False if a rule is broken. With a
    batch column it also audits the design: `report.design`.

    Raises
    ------
    StudyError: an unknown key among the columns.
    """
    from pajamo.data.checks import check_screen
    from pajamo.protocols.planning.audit import with_audit

    given = {key: value for key, value in columns.items() if value is not None}
    with tempfile.TemporaryDirectory() as folder:
        path = _as_file(screen, Path(folder))
        settings = parse(DataSettings, {**given, "path": path}, where="the columns given")
        report = check_screen(settings)
        return with_audit(report, settings) if settings.batch is not None else report


def design(asked: str | Path | dict[str, Any] | None = None, **changes: Any) -> Plan:
    """Plan a screen: how many cells, guides and controls, in which batches, and what can be seen with them.

    Parameters
    ----------
    asked: a TOML file, or the same as a dictionary: perturbations, effect (natural log fold change),
        batches, budget (cells or money), cost, testing, like (a screen of such cells) or stated, present.
    changes: single keys, which override the file: `design(perturbations=100, batches=8,
        budget={"cells": 40_000}, like="screen.h5ad")`.

    Returns
    -------
    The plan: its allocation of cells over batches, the variance of other layouts and of the present one,
    power, detectable effect and cells needed of each gene.

    Raises
    ------
    StudyError: unknown or impossible settings; a budget that does not carry its perturbations.
    DataError: the screen named in `like` cannot be used.
    """
    from pajamo.protocols.planning.design import design as plan

    return plan(asked, **changes)


def fix(
    screen: str | Path, choices: Sequence[str], *, output: str | Path | None = None, **columns: Any
) -> Path:
    """Write a mended copy of a screen; the file itself is never changed.

    Parameters
    ----------
    screen: an h5ad file.
    choices: names from `fix_choices()`, applied in order.
    output: the new file; by default the old name with `.fixed.h5ad`.
    columns: keys of [data] in a study.

    Raises
    ------
    DataError: a choice does not apply, or the new file exists already.
    """
    from pajamo.data.checks.fixes import fix_screen

    path = Path(screen)
    target = Path(output) if output else path.with_name(f"{path.stem}.fixed.h5ad")
    settings = parse(DataSettings, {**columns, "path": path}, where="the columns given")
    return fix_screen(path, settings, choices, target)


def fix_choices() -> dict[str, str]:
    """Names of the choices of `fix`, and what each does."""
    from pajamo.data.checks.fixes import fix_choices as known

    return known()


def protocol_check(
    target: AnyStudy | anndata.AnnData,
    *,
    protocol: Protocol | None = None,
    test: bool = True,
    seed: int = 0,
    output: str | Path | None = None,
    **columns: Any,
) -> ProtocolReport:
    """What was done to the cells of a screen, what models assume of it, and what the data say of that.

    Parameters
    ----------
    target: a study (file or dictionary), or a screen: an h5ad file or an AnnData, with keys of [data] as `columns`.
    protocol: for a screen: what was done; that of `uns["pajamo_protocol"]` if not given.
    test: also test on the cells what they can tell.
    seed: of the resampling in these tests.
    output: also draw the timeline there, as SVG.

    Raises
    ------
    StudyError: the protocol contradicts itself or the screen; the step, key or arm is named.
    DataError, IntegrityError: the screen cannot be read.
    """
    from pajamo.pipeline.protocol_check import check_protocol

    with tempfile.TemporaryDirectory() as folder:
        if isinstance(target, dict | Study) or Path(str(target)).suffix == ".toml":
            study = _study(target)
            given = protocol or study.protocol
            report = check_protocol(study.data, given, study.name, seed=study.seed or seed, test=test)
        else:
            path = _as_file(target, Path(folder))
            known = {key: value for key, value in columns.items() if value is not None}
            data = parse(DataSettings, {**known, "path": path}, where="the columns given")
            report = check_protocol(data, protocol, path.name, seed=seed, test=test)
    if output is not None:
        report.draw(output)
    return report


def protocol_write(study: AnyStudy, output: str | Path) -> Path:
    """Write a copy of a study's screen that also says what was done to its cells, in `uns["pajamo_protocol"]`.

    Raises
    ------
    StudyError: the study has no protocol, or one that contradicts itself, the screen or what its file says.
    DataError: `output` exists already.
    StorageError: the disk refuses; nothing is left behind.
    """
    from pajamo.pipeline.protocol_check import store_protocol

    return store_protocol(_study(study), Path(output))


def run(study: AnyStudy, *, runs: str | Path = "runs", progress: Progress | None = None) -> Run:
    """Do everything that a study asks for: read, check, split, fit the ladder, evaluate, report.

    An interrupted run goes on where it stopped when called again; a complete one is verified and returned.

    Parameters
    ----------
    study: a study file, or the same as a dictionary.
    runs: folder in which runs are kept.
    progress: called with a line of text now and then.

    Raises
    ------
    UserError: whatever is wrong with the study, the data or the split.
    """
    from pajamo.pipeline.run import run_study
    from pajamo.pipeline.run_record import Run

    return Run(run_study(_study(study), Path(runs), progress or _silent))


def fit(
    study: AnyStudy,
    *,
    model: str = "salt-ls",
    fold: int | None = None,
    split: str | Path | None = None,
    output: str | Path | None = None,
) -> Model:
    """Fit one model to a study's screen.

    Parameters
    ----------
    study: a study file or a dictionary; its [data] says what to fit.
    model: name of the model.
    fold: fit on this fold's training conditions only, instead of on all.
    split: a saved split.json instead of the study's own split.
    output: also write the fitted model there.

    Raises
    ------
    ModelError: unknown model, or one that does not apply to this screen.
    """
    from pajamo.pipeline.one_model import fit_one

    return fit_one(_study(study), model, fold, _path(split), _path(output))


def predict(
    model: str | Path | Model,
    perturbations: Iterable[str],
    *,
    context: str = "",
    time: float = 0.0,
    output: str | Path | None = None,
) -> anndata.AnnData:
    """Predict the mean response to perturbations, written A or A+B.

    Returns
    -------
    AnnData with a row a condition: X is the predicted level, layers hold delta, sd and control;
    uns["pajamo"] says the model and the unit.

    Raises
    ------
    ModelError: a perturbation, context or time that the model knows nothing about.
    """
    from pajamo.pipeline.one_model import predict_labels

    return predict_labels(model, list(perturbations), context, time, _path(output))


def evaluate(
    target: str | Path | Model | anndata.AnnData,
    study: AnyStudy,
    *,
    fold: int | None = None,
    split: str | Path | None = None,
    output: str | Path | None = None,
) -> Evaluation:
    """Score a fitted model, or predictions of any tool, beside every baseline.

    Parameters
    ----------
    target: a fitted model (scored on the screen's conditions that it never saw), or an AnnData of
        predicted means with `obs["perturbation"]`, as levels in X or changes in `layers["delta"]`.
    study: names the screen and how to score.
    fold: for predictions: the fold of the split whose held-out conditions they are.
    split: a saved split.json instead of the study's own split.
    output: also write the table as CSV.

    Raises
    ------
    ModelError: the model saw every condition.
    SplitError: predictions without a fold, or a fold that there is not.
    DataError: predictions without a perturbation, of other genes, or that are not finite.
    """
    from pajamo.pipeline.judging import evaluate_target

    return evaluate_target(target, _study(study), fold, _path(split), _path(output))


def explain(
    target: str | Path | Model | Run, *, model: str | None = None, output: str | Path | None = None
) -> Explanation:
    """What a fitted model is, what it assumes, and what it found, with intervals.

    Parameters
    ----------
    target: a fitted model, the file of one, or a run (its folder).
    model: of a run: the name of the model; the best one if not given.
    output: a folder into which every table is written as CSV, and the text.

    Returns
    -------
    The explanation: `to_text()`, and `tables` by name.

    Raises
    ------
    ModelError: the model is not fitted, or the run does not hold it.
    IntegrityError: the file or the run is missing or damaged.
    StorageError: the disk refuses.
    """
    from pajamo.pipeline.explaining import explain_target

    return explain_target(target, model, _path(output))


def report(run_folder: str | Path) -> Path:
    """Render a run's report again from its tables and return the page's path.

    Raises
    ------
    IntegrityError: the folder is not a complete run, or it was altered.
    """
    from pajamo.pipeline.run import render_again

    return render_again(Path(run_folder))


def verify(run_folder: str | Path) -> int:
    """Check every file of a run against its manifest; returns how many were checked.

    Raises
    ------
    IntegrityError: files are altered, missing or were added; each is named.
    """
    from pajamo.data.run_folder import verify_run

    return verify_run(run_folder)


def models() -> list[Card]:
    """The card of every model, baselines first."""
    from pajamo.models.registry import cards

    return cards()


def demo(*, runs: str | Path = "runs", progress: Progress | None = None) -> list[Run]:
    """The main job on the human iPSC knockout time course that ships with pajamo: two runs.

    Raises
    ------
    StorageError: the runs cannot be written.
    """
    studies = resources.files("pajamo.pipeline").joinpath("demo")
    texts = [studies.joinpath(name).read_text(encoding="utf-8") for name in DEMO_STUDIES]
    return [run(tomllib.loads(text), runs=runs, progress=progress) for text in texts]


def _study(study: AnyStudy) -> Study:
    if isinstance(study, Study):
        return study
    return parse_study(study) if isinstance(study, dict) else read_study(study)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _silent(_: str) -> None:
    pass


def _as_file(screen: str | Path | anndata.AnnData, folder: Path) -> Path:
    if isinstance(screen, str | Path):
        return Path(screen)
    path = folder / "screen.h5ad"
    screen.write_h5ad(path)
    return path
