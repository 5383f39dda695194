"""Fit any model: its closed forms first, then, where weights are learned, the loop."""

from __future__ import annotations

from pathlib import Path

from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Learned, Model
from pajamo.training.loop import minimise


def fit_model(model: Model, training: TrainingSet, *, checkpoint: Path | None = None) -> Model:
    """Fit a model to a training set and return it.

    Parameters
    ----------
    model: from `pajamo.models.registry.create`.
    training: what the model may see.
    checkpoint: a file in which the loop keeps its last good state, and from which it goes on.

    Raises
    ------
    ModelError: values that are not finite, nothing to learn from, or a loss that diverged.
    """
    model.fit(training)
    if isinstance(model, Learned):
        minimise(model, checkpoint=checkpoint)
    return model
