"""Verbs about single models: fit, predict, evaluate, explain, list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pajamo.api.studies import AnyStudy, Progress, any_study, path_or_none, screen_study, silent
from pajamo.config import Study
from pajamo.config.assays import AssayStudy
from pajamo.errors import ModelError, StudyError

if TYPE_CHECKING:
    import anndata
    import pandas as pd

    from pajamo.explanations.explanation import Explanation
    from pajamo.models.assays.model import AssayModel
    from pajamo.models.base import Card, Model
    from pajamo.pipeline.assays.run_record import AssayRun
    from pajamo.pipeline.judging import Evaluation
    from pajamo.pipeline.run_record import Run

DEFAULT_MODEL = "salt-ls"
"""What is fitted to a screen if no model is named."""


@overload
def fit(
    study: AssayStudy,
    *,
    model: str | None = ...,
    output: str | Path | None = ...,
    progress: Progress | None = ...,
) -> AssayModel: ...
@overload
def fit(
    study: Study,
    *,
    model: str | None = ...,
    fold: int | None = ...,
    split: str | Path | None = ...,
    output: str | Path | None = ...,
    progress: Progress | None = ...,
) -> Model: ...
@overload
def fit(
    study: str | Path | dict[str, Any],
    *,
    model: str | None = ...,
    fold: int | None = ...,
    split: str | Path | None = ...,
    output: str | Path | None = ...,
    progress: Progress | None = ...,
) -> Model | AssayModel: ...
def fit(
    study: AnyStudy | AssayStudy,
    *,
    model: str | None = None,
    fold: int | None = None,
    split: str | Path | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Model | AssayModel:
    """Fit one model to a study's screen, or to the training set of its assay.

    Parameters
    ----------
    study: a study file or a dictionary; its [data] or [experiments] say what to fit.
    model: name of the model; if not given, salt-ls for a screen and the first mechanism for an assay.
    fold: of a screen: fit on this fold's training conditions only, instead of on all.
    split: of a screen: a saved split.json instead of the study's own split.
    output: also write the fitted model there.
    progress: of an assay: called with a line of text now and then.

    Raises
    ------
    ModelError: unknown model, or one that does not apply to this screen.
    StudyError: a mechanism that contradicts itself, or a fold of an assay, which has none.
    """
    asked = any_study(study)
    if isinstance(asked, AssayStudy):
        from pajamo.pipeline.assays.one_model import fit_one_assay_model

        if fold is not None or split is not None:
            raise StudyError(
                "an assay has no folds", why="its tables or its seed say which rows are the test set"
            )
        return fit_one_assay_model(asked, model, path_or_none(output), progress or silent)
    from pajamo.pipeline.one_model import fit_one

    return fit_one(asked, model or DEFAULT_MODEL, fold, path_or_none(split), path_or_none(output))


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

    _require_perturbations(model)
    return predict_labels(model, list(perturbations), context, time, path_or_none(output))


def predict_sequences(
    model: str | Path | AssayModel,
    what: str | Path | Sequence[str] | pd.DataFrame,
    *,
    experiment: str | None = None,
    sequence: str = "x",
    output: str | Path | None = None,
) -> pd.DataFrame:
    """Predict what an experiment would record of sequences that it has not seen.

    Parameters
    ----------
    model: a fitted model of an assay, or its file.
    what: sequences, or a table of them (or its file); concentrations are read from columns of their names.
    experiment: which of the model's experiments is imitated; the only one if not given.
    sequence: the table's column with the sequences.
    output: also write the prediction there, as CSV.

    Returns
    -------
    One row a sequence: `sequence`; `activity`, on the mechanism's own scale (a probability or mean rate, a flux in
    1/s, or the trait of a map without a mechanism); `coordinate`, the same as the measurement takes it (logit or ln,
    normalised where it normalises); `expected`, the mean of what is recorded.

    Raises
    ------
    DataError: a sequence that the model cannot read; its row is shown.
    ModelError: which experiment, or a concentration, is not said.
    """
    from pajamo.pipeline.assays.one_model import predict_table

    return predict_table(model, what, experiment=experiment, sequence=sequence, output=path_or_none(output))


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
    ModelError: the model saw every condition, or is one of sequences.
    SplitError: predictions without a fold, or a fold that there is not.
    DataError: predictions without a perturbation, of other genes, or that are not finite.
    """
    from pajamo.pipeline.judging import evaluate_target

    _require_perturbations(target)
    return evaluate_target(target, screen_study(study), fold, path_or_none(split), path_or_none(output))


def explain(
    target: str | Path | Model | AssayModel | Run | AssayRun,
    *,
    model: str | None = None,
    output: str | Path | None = None,
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

    return explain_target(target, model, path_or_none(output))


def models() -> list[Card]:
    """The card of every model, baselines first."""
    from pajamo.models.registry import cards

    return cards()


def _require_perturbations(target: Any) -> None:
    """A model of sequences knows nothing of perturbations, and should say so rather than fail to be read."""
    from pajamo.models.assays.model import AssayModel
    from pajamo.pipeline.assays.kinds import is_assay_model

    # Predictions of other tools, as h5ad, are no models.
    file = isinstance(target, str | Path) and Path(target).suffix != ".h5ad"
    if isinstance(target, AssayModel) or (file and is_assay_model(Path(target))):
        raise ModelError(
            "this is a model of sequences, not of perturbations",
            where=target.name if isinstance(target, AssayModel) else str(target),
            fix="use pajamo.predict_sequences; `pajamo run` scores such models",
        )
