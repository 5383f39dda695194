"""Squared errors of predicted means."""

from __future__ import annotations

import numpy as np

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.masked import NOTHING, mean_where, weighted_mean
from pajamo.evaluation.metric import Guess, Metric, Values, register
from pajamo.evaluation.truth import Truth
from pajamo.units import LOG_NORMALISED


def _squared(guess: Guess, truth: Truth) -> Array:
    return (guess.level - truth.mean) ** 2


register(
    Metric(
        name="mse",
        title="Mean squared error",
        direction="lower",
        unit=f"({LOG_NORMALISED})²",
        definition="mean over genes of (predicted mean - measured mean)²; a squared error of levels, into "
        "which the truth's controls do not enter",
        source="metric `mse` of cell-eval",
        compute=lambda guess, truth: Values.of(mean_where(_squared(guess, truth), truth.counted)),
    )
)

register(
    Metric(
        name="mse_top",
        title="Mean squared error, strongest genes",
        direction="lower",
        unit=f"({LOG_NORMALISED})²",
        definition="as mse, over the 20 genes (or as set) with the largest |Welch t| of the condition's "
        "cells against the truth's half of the controls",
        source="Roohani et al. 2024, Nat. Biotechnol. 42:927 (top 20 differentially expressed genes)",
        compute=lambda guess, truth: Values.of(mean_where(_squared(guess, truth), truth.top)),
    )
)


def _explained(guess: Guess, truth: Truth) -> Values:
    """1 - weighted squared error of the change / weighted variance of the measured change."""
    weights = truth.weights
    centred = truth.delta - weighted_mean(truth.delta, weights)[:, None]
    error, varied = (weighted_mean(x**2, weights) for x in (guess.delta - truth.delta, centred))
    blank = np.full(len(error), np.nan)
    return Values.of(1.0 - np.divide(error, varied, out=blank, where=varied > NOTHING**2))


register(
    Metric(
        name="mse_weighted",
        title="Mean squared error, weighted",
        direction="lower",
        unit=f"({LOG_NORMALISED})²",
        definition="as mse, each gene weighted by w = ((|t| - min |t|) / (max |t| - min |t|))², normalised, with t "
        "Welch's statistic of the condition's cells against those of all other perturbations",
        source="Mejia et al. 2025, bioRxiv (weighted MSE); package cellsimbench",
        compute=lambda guess, truth: Values.of(weighted_mean(_squared(guess, truth), truth.weights)),
    )
)

register(
    Metric(
        name="r2_weighted",
        title="Explained change, weighted",
        direction="higher",
        unit="1",
        definition="1 - sum w (predicted - measured change)² / sum w (measured change - its weighted mean)², "
        "with the weights of mse_weighted; 0 is as good as one constant, below 0 worse",
        source="Mejia et al. 2025, bioRxiv (weighted R² of the change); package cellsimbench",
        compute=_explained,
    )
)

register(
    Metric(
        name="mse_delta",
        title="Mean squared error of the change",
        direction="lower",
        unit=f"({LOG_NORMALISED})²",
        definition="mean over genes of (predicted change - measured change)², each against its own controls, "
        "so that the noise of both halves of the controls counts",
        source="metric `mse_delta` of cell-eval",
        compute=lambda guess, truth: Values.of(mean_where((guess.delta - truth.delta) ** 2, truth.counted)),
    )
)
