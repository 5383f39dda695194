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
    from pajamo.models.base import Card, Model
    from pajamo.pipeline.judging import Evaluation
    from pajamo.pipeline.run_record import Run

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
    A report of every rule, with the rows that offend; `report.passed` is False if a rule is broken.

    Raises
    ------
    StudyError: an unknown key among the columns.
    """
    from pajamo.data.checks import check_screen

    given = {key: value for key, value in columns.items() if value is not None}
    with tempfile.TemporaryDirectory() as folder:
        path = _as_file(screen, Path(folder))
        return check_screen(parse(DataSettings, {**given, "path": path}, where="the columns given"))


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
