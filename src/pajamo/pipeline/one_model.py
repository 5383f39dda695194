"""One model at a time: fit it to a study's screen, or ask a fitted one what would happen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata

from pajamo.config import Study
from pajamo.data.atomic import replace_file
from pajamo.data.conditions import Condition, parse_perturbation
from pajamo.data.splits import Fold, Split, check_leaks, make_split
from pajamo.errors import ModelError, SplitError, shorten, warn
from pajamo.models.base import Model
from pajamo.models.registry import create
from pajamo.pipeline.loading import Loaded, load
from pajamo.pipeline.variants import chosen_variant
from pajamo.training.fit import fit_model
from pajamo.training.saved import load_model, save_model


def fit_one(study: Study, name: str, fold: int | None, split: Path | None, output: Path | None) -> Model:
    """Fit one model to all conditions of a screen, or to the training conditions of one fold."""
    variant = chosen_variant(name, study)
    settings = study.models.settings.get(variant.model, {})
    model = create(variant.model, settings, seed=1000 * study.seed + (fold or 0))
    loaded = load(study)
    conditions = loaded.perturbed if fold is None else choose_fold(loaded, fold, split).train
    training = loaded.training_set(conditions, counts=model.reads_counts, embedding=variant.embedding)
    refusal = model.objection(training, conditions)
    if refusal:
        raise ModelError(
            f"{name} does not apply to this screen", why=refusal, fix="`pajamo models` says what each needs"
        )
    fit_model(model, training)
    if output is not None:
        save_model(model, output)
    return model


def choose_fold(loaded: Loaded, number: int, split: Path | None) -> Fold:
    """A fold of the saved split, or of the study's own.

    Raises
    ------
    SplitError: there is no such fold; or the saved split leaks, or is of another screen.
    IntegrityError: the saved split is not as it was written.
    """
    made = (
        _saved_split(split, loaded)
        if split
        else make_split(loaded.study.split, loaded.bulk, loaded.study.seed)
    )
    if not 0 <= number < len(made.folds):
        raise SplitError(
            f"there is no fold {number}", where=str(split or "the study's split"),
            fix=f"folds are numbered 0 to {len(made.folds) - 1}",
        )  # fmt: skip
    return made.folds[number]


def _saved_split(path: Path, loaded: Loaded) -> Split:
    split = Split.load(path)
    check_leaks(split)
    unknown = {c for fold in split.folds for c in (*fold.train, *fold.test)} - set(loaded.perturbed)
    if unknown:
        raise SplitError(
            f"the saved split names {len(unknown)} conditions that this screen does not have",
            where=str(path), why=f"among them {shorten(sorted(unknown), 4)}",
            fix="give the split that was made of this screen",
        )  # fmt: skip
    return split


def predict_labels(
    model: str | Path | Model, labels: Sequence[str], context: str, time: float, output: Path | None
) -> anndata.AnnData:
    """Predict the conditions that the labels name, in one context at one time."""
    fitted = model if isinstance(model, Model) else load_model(model)
    conditions = [Condition(parse_perturbation(label, "control"), context, time) for label in labels]
    made = fitted.predict(conditions)
    _warn_of_unseen(fitted, conditions)
    adata = made.to_anndata()
    if output is not None:
        replace_file(output, lambda temporary: adata.write_h5ad(temporary))
    return adata


def _warn_of_unseen(model: Model, conditions: Sequence[Condition]) -> None:
    assert model.reference is not None
    seen = {gene for condition in model.reference.seen for gene in condition.genes}
    unseen = sorted({gene for condition in conditions for gene in condition.genes} - seen)
    if unseen:
        warn(
            f"no training condition perturbed {shorten(unseen)}; if that is not a misspelling, see "
            f"`pajamo models` for what {model.card.name} says of genes that it never saw"
        )
