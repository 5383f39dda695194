"""Squared errors of predicted means."""

from __future__ import annotations

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.masked import mean_where
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
