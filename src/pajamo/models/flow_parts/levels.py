"""Where unperturbed cells rest in each medium, from the controls of all times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import Word
from pajamo.data.training_set import TrainingSet
from pajamo.models.flow_parts.words import Histories

Array = NDArray[np.float64]

RIDGE = 1.0
"""Cells' worth of weight that the mean over all controls has in each level."""


def control_shares(begin: str, word: Word, media: Sequence[str], decay: float) -> Array:
    """Share of each medium's level in the state of unperturbed cells at the end of a word, shape (media,).

    dx/dt = decay (level - x) from the level of `begin`: the state is a mean of the levels of the media seen.
    """
    share = np.zeros(len(media))
    share[media.index(begin)] = 1.0
    for segment in word:
        kept = np.exp(-decay * segment.duration)
        share *= kept
        share[media.index(segment.medium)] += 1.0 - kept
    return share


def fit_levels(training: TrainingSet, histories: Histories, media: Sequence[str], decay: float) -> Array:
    """Level of each medium by least squares over the controls, weighted by their cells; shape (media, genes).

    A medium in which unperturbed cells rest gets the mean of its controls. One that changes them gets the level
    that they are moving towards.
    """
    controls = [Condition((), *setting) for setting in training.settings]
    shares = np.array(
        [
            control_shares(histories.begin(c), histories.control(c).without_edits(), media, decay)
            for c in controls
        ]
    )
    weight = training.controls.n_cells.astype(float)
    mean = weight @ training.controls.mean / weight.sum()
    gram = (shares.T * weight) @ shares + RIDGE * np.eye(len(media))
    pull = (shares.T * weight) @ training.controls.mean + RIDGE * mean
    return np.maximum(np.linalg.solve(gram, pull), 0.0)
