"""Does the predicted change point the way the measured one does? Correlations and signs."""

from __future__ import annotations

import numpy as np

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.masked import NOTHING, Mask, correlation_where, mean_where, spread_where
from pajamo.evaluation.metric import Guess, Metric, Values, register
from pajamo.evaluation.truth import Truth


def correlate(predicted: Array, measured: Array, counted: Mask) -> Values:
    """Pearson correlation by condition; undefined where the prediction is flat up to rounding.

    Rounding noise of a flat prediction correlates with anything: left alone it would score.
    """
    flat = ~(spread_where(predicted, counted) > NOTHING)
    applies = spread_where(measured, counted) > NOTHING
    value = np.where(flat | ~applies, np.nan, correlation_where(predicted, measured, counted))
    return Values(value, flat & applies)


def _signs(guess: Guess, truth: Truth, genes: Mask) -> Values:
    """Share of genes with the measured sign; a gene that is not predicted to move counts one half."""
    predicted = np.where(np.abs(guess.delta) > NOTHING, np.sign(guess.delta), 0.0)
    agreement = 0.5 + 0.5 * predicted * np.sign(truth.delta)
    return Values.of(mean_where(agreement, genes & (truth.delta != 0)))


register(
    Metric(
        name="pearson_delta",
        title="Pearson correlation of the change",
        direction="higher",
        unit="1",
        definition="Pearson correlation over genes of the predicted and the measured change, each against "
        "its own half of the controls; a prediction without change scores 0",
        source="metric `pearson_delta` of cell-eval; split controls as in Nicol et al. 2026, bioRxiv",
        compute=lambda guess, truth: correlate(guess.delta, truth.delta, truth.counted),
    )
)

register(
    Metric(
        name="pearson_centred",
        title="Pearson correlation of what is specific",
        direction="higher",
        unit="1",
        definition="Pearson correlation over genes after the mean change of the training perturbations is "
        "taken from both sides; the response common to all perturbations does not score",
        source="Vinas Torne et al. 2025, Systema, Nat. Biotechnol. (perturbed-centroid reference)",
        compute=lambda guess, truth: correlate(
            guess.delta - truth.centre_seen, truth.delta - truth.centre, truth.counted
        ),
    )
)

register(
    Metric(
        name="sign_agreement",
        title="Sign agreement, strongest genes",
        direction="higher",
        unit="share",
        definition="share of the strongest genes (as in mse_top) that move in the measured direction; a gene "
        "predicted not to move counts one half",
        source="Gaudelet et al. 2024, arXiv 2404.16907",
        compute=lambda guess, truth: _signs(guess, truth, truth.top),
    )
)

register(
    Metric(
        name="sign_agreement_de",
        title="Sign agreement, changed genes",
        direction="higher",
        unit="share",
        definition="as sign_agreement, over the differentially expressed genes; not applicable where there "
        "are none",
        source="metric `de_direction_match` of cell-eval, with Welch's test",
        compute=lambda guess, truth: _signs(guess, truth, truth.significant),
    )
)
