"""Are the genes that change predicted to change?"""

from __future__ import annotations

import numpy as np
from scipy import stats

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.differential import FALSE_DISCOVERY_RATE, benjamini_hochberg
from pajamo.evaluation.masked import NOTHING, Mask
from pajamo.evaluation.metric import Guess, Metric, Values, register
from pajamo.evaluation.truth import Truth


def called(guess: Guess, truth: Truth) -> Mask | None:
    """Genes that the prediction itself calls changed: |delta| / sd, 5 % false discovery rate.

    None for a prediction without standard deviations.
    """
    if guess.sd is None or not (guess.sd > 0).any():
        return None
    z = np.divide(np.abs(guess.delta), guess.sd, out=np.zeros_like(guess.delta), where=guess.sd > 0)
    adjusted = benjamini_hochberg(2 * stats.norm.sf(z), truth.counted)
    return np.asarray((adjusted <= FALSE_DISCOVERY_RATE) & truth.counted & (np.abs(guess.delta) > NOTHING))


def _share(part: Array, whole: Array) -> Array:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))


def _precision(guess: Guess, truth: Truth) -> Values:
    genes = called(guess, truth)
    if genes is None:
        return Values.of(np.full(len(truth.conditions), np.nan))
    value = _share((genes & truth.significant).sum(axis=1), genes.sum(axis=1))
    applies = truth.significant.any(axis=1)
    return Values(np.where(applies, value, np.nan), np.logical_and(applies, genes.sum(axis=1) == 0))


def _recall(guess: Guess, truth: Truth) -> Values:
    genes = called(guess, truth)
    if genes is None:
        return Values.of(np.full(len(truth.conditions), np.nan))
    return Values.of(_share((genes & truth.significant).sum(axis=1), truth.significant.sum(axis=1)))


def _overlap(guess: Guess, truth: Truth) -> Values:
    """Of the n strongest predicted changes, the share among the n significant genes."""
    number = truth.significant.sum(axis=1)
    strength = np.where(truth.counted, np.abs(guess.delta), -np.inf)
    order = np.argsort(-strength, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :], axis=1)
    chosen = (rank < number[:, None]) & truth.counted
    flat = np.abs(guess.delta).max(axis=1) <= NOTHING
    value = np.where(flat, np.nan, _share((chosen & truth.significant).sum(axis=1), number))
    return Values(value, flat & (number > 0))


register(
    Metric(
        name="de_overlap",
        title="Overlap of the strongest changes",
        direction="higher",
        unit="share",
        definition="of the n genes with the largest predicted |change|, the share that is among the n "
        "differentially expressed genes (Welch, 5 % false discovery rate)",
        source="after `overlap_at_N` of cell-eval, with the predicted mean instead of a test on "
        "predicted cells",
        compute=_overlap,
    )
)

register(
    Metric(
        name="de_precision",
        title="Precision of changed genes",
        direction="higher",
        unit="share",
        definition="of the genes that the prediction calls changed (|change| / its sd, 5 % false discovery "
        "rate), the share that is differentially expressed; 0 where it calls none, not applicable"
        " where no gene changed",
        source="after `precision_at_N` of cell-eval, with the prediction's own standard deviation",
        compute=_precision,
    )
)

register(
    Metric(
        name="de_recall",
        title="Recall of changed genes",
        direction="higher",
        unit="share",
        definition="of the differentially expressed genes, the share that the prediction calls changed",
        source="after `de_sig_genes_recall` of cell-eval, with the prediction's own standard deviation",
        compute=_recall,
    )
)
