"""Fit every model of a ladder to one fold and score it; each step is kept, so that a run can go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pajamo.config import Study
from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.run_folder import RunFolder
from pajamo.data.splits import Fold
from pajamo.data.training_set import TrainingSet
from pajamo.errors import IntegrityError
from pajamo.evaluation.cell_space import CellSpace
from pajamo.evaluation.metric import metric
from pajamo.evaluation.panel.panel import Panel, Replicate
from pajamo.evaluation.panel.sample import sample_counts
from pajamo.evaluation.scoring import score
from pajamo.evaluation.truth import Cells, Truth
from pajamo.models.base import DrawsCells, Model
from pajamo.models.registry import create, models
from pajamo.pipeline.loading import Loaded
from pajamo.pipeline.once import Progress
from pajamo.pipeline.variants import Variant, variants_of
from pajamo.training.checkpoints import read_state, write_state
from pajamo.training.fit import fit_model

CELLS_DRAWN = 200
"""Cells that a model of distributions draws for each held-out condition."""


@dataclass(frozen=True)
class Rung:
    """What one model did on one fold.

    Attributes
    ----------
    refusal: why the model does not apply; empty if it was fitted.
    seconds: time to fit and predict.
    """

    model: str
    fold: str
    refusal: str = ""
    seconds: float = 0.0
    scores: pd.DataFrame | None = None
    prediction: Prediction | None = None


def ladder_names(study: Study) -> tuple[str, ...]:
    """The study's models with every baseline; all registered models if the study names none.

    Where the study compares embeddings, each model that takes one stands there once for each.

    Raises
    ------
    ModelError: a name that no model has.
    StudyError: a setting that its model does not have, or a metric that there is not.
    """
    metric(study.evaluation.metric)
    asked = study.models.ladder
    for name in dict.fromkeys((*asked, *study.models.settings)):
        create(name, study.models.settings.get(name, {}))
    kept = [name for name, kind in models().items() if not asked or name in asked or kind.card.baseline]
    return tuple(variant.name for name in kept for variant in variants_of(name, study))


def baseline_names(study: Study) -> tuple[str, ...]:
    """Every baseline with every embedding of the study: what a model must beat."""
    kept = [name for name, kind in models().items() if kind.card.baseline]
    return tuple(variant.name for name in kept for variant in variants_of(name, study))


@dataclass(frozen=True)
class FoldWork:
    """One fold with everything that its rungs share."""

    loaded: Loaded
    fold: Fold
    number: int

    @cached_property
    def training(self) -> TrainingSet:
        """What models may see."""
        return self.loaded.training_set(self.fold.train)

    @property
    def counted_training(self) -> TrainingSet:
        """The same with raw counts, for the few models that read them."""
        # Not kept: the counts of each fold are nearly as large as the screen, and folds are many.
        return self.loaded.training_set(self.fold.train, counts=True)

    @cached_property
    def truth(self) -> Truth:
        """What was measured for the held-out conditions."""
        halves = {c: self.loaded.halves[c] for c in self.fold.test if c in self.loaded.halves}
        return Truth.of(
            self.loaded.bulk,
            self.fold,
            shared_control=self.loaded.shared_control,
            top_genes=self.loaded.study.evaluation.top_genes,
            cells=halves,
            space=CellSpace.fit(self.training.cells, seed=self.loaded.study.seed) if halves else None,
            counts=self._counted(),
        )

    def _counted(self) -> tuple[Panel, Replicate] | None:
        """The held-out conditions on counts, where the study asks for that and the screen has counts."""
        study = self.loaded.study
        if not study.evaluation.field_metrics:
            return None
        halves = sample_counts(self.loaded.screen, self.fold.test, seed=study.seed)
        genes, shared = self.loaded.bulk.genes, self.loaded.shared_control
        return Panel.of(halves, genes, shared_control=shared, seed=study.seed) if halves else None

    def climb(self, name: str, checkpoint: Path) -> Rung:
        """Fit one model, predict the held-out conditions, score the prediction."""
        study, variant = self.loaded.study, Variant.named(name)
        settings = study.models.settings.get(variant.model, {})
        model = create(variant.model, settings, seed=1000 * study.seed + self.number)
        training = self.counted_training if model.reads_counts else self.training
        if variant.embedding:
            training = self.loaded.with_embedding(training, variant.embedding)
        refusal = model.objection(training, self.fold.test)
        if refusal:
            return Rung(name, self.fold.name, refusal)
        began = time.perf_counter()
        fit_model(model, training, checkpoint=checkpoint)
        prediction = replace(model.predict(self.fold.test), model=name)
        seconds = time.perf_counter() - began
        scores = score(prediction, self.truth, cells=self.drawn(model, name), duplicate=False)
        return Rung(name, self.fold.name, "", seconds, scores, prediction)

    def drawn(self, model: Model, name: str) -> dict[str, Cells]:
        """Cells of each held-out condition under a name for the model, where it can draw them and they are judged."""
        if not isinstance(model, DrawsCells) or not self.truth.cells:
            return {}
        rng = np.random.default_rng([self.loaded.study.seed, self.number])
        return {name: {c: model.draw(c, CELLS_DRAWN, rng) for c in self.fold.test}}

    def ceiling(self) -> pd.DataFrame:
        """Scores of the technical duplicate."""
        return score([], self.truth, duplicate=True)


def climb_fold(
    work: FoldWork, names: tuple[str, ...], folder: RunFolder, progress: Progress
) -> Iterator[Rung]:
    """Give each model's rung, from its step file if it is there."""
    for i, name in enumerate(names, start=1):
        step = folder.step(f"fold{work.number}/{name}.safetensors")
        checkpoint = step.with_suffix(".checkpoint")
        for file in (step, checkpoint):
            _drop_if_damaged(file, progress)
        if not step.exists():
            rung = work.climb(name, checkpoint)
            _write(step, rung)
            checkpoint.unlink(missing_ok=True)
            outcome = "does not apply" if rung.refusal else f"{rung.seconds:.1f} s"
            progress(f"{work.fold.name} {i}/{len(names)}: {name} {outcome}")
        yield _read(step, work.loaded)


def _drop_if_damaged(file: Path, progress: Progress) -> None:
    """An intermediate result that is damaged is not worth an error: what made it can be done again."""
    try:
        if file.exists():
            read_state(file)
    except IntegrityError:
        progress(f"{file.parent.name}/{file.name} is damaged and is made again")
        file.unlink()


def _write(step: Path, rung: Rung) -> None:
    arrays: dict[str, Any] = {}
    facts: dict[str, Any] = {
        "model": rung.model, "fold": rung.fold, "refusal": rung.refusal, "seconds": rung.seconds,
    }  # fmt: skip
    if rung.prediction is not None and rung.scores is not None:
        made = rung.prediction
        trusted = np.ones(len(made.conditions)) if made.trusted is None else made.trusted
        arrays = {"delta": made.delta, "sd": made.sd, "control": made.control, "trusted": trusted}
        arrays["value"] = rung.scores["value"].to_numpy(dtype=float)
        facts["scores"] = rung.scores.drop(columns="value").to_dict("list")
        facts["conditions"] = [condition.to_list() for condition in made.conditions]
        facts["unit"] = made.unit
    write_state(step, arrays, facts)


def _read(step: Path, loaded: Loaded) -> Rung:
    arrays, facts = read_state(step)
    rung = Rung(facts["model"], facts["fold"], facts["refusal"], facts["seconds"])
    if rung.refusal:
        return rung
    scores = pd.DataFrame(facts["scores"]).assign(value=arrays["value"])
    conditions = tuple(Condition.from_list(values) for values in facts["conditions"])
    prediction = Prediction(
        rung.model, loaded.bulk.genes, conditions, arrays["delta"], arrays["sd"], arrays["control"],
        facts["unit"], arrays["trusted"],
    )  # fmt: skip
    return Rung(rung.model, rung.fold, "", rung.seconds, scores, prediction)


def final_model(loaded: Loaded, name: str) -> Model:
    """The named model fitted on every condition of the screen, for use on what was never measured."""
    variant = Variant.named(name)
    settings = loaded.study.models.settings.get(variant.model, {})
    model = create(variant.model, settings, seed=1000 * loaded.study.seed)
    training = loaded.training_set(loaded.perturbed, counts=model.reads_counts, embedding=variant.embedding)
    return fit_model(model, training)
