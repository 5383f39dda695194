"""The six metrics of the preset vcc2026 in pajamo's list of metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.metric import COUNTS, Guess, Metric, Values, register
from pajamo.evaluation.panel import measures
from pajamo.evaluation.panel.panel import Panel
from pajamo.evaluation.panel.side import Side
from pajamo.evaluation.truth import Truth

SOURCE: Final = "metric `{}` of cell-eval2 0.20.0, preset vcc2026"
Measure = Callable[[Side, Panel], Array]


def normalised_error(made: Side, panel: Panel) -> Array:
    """Squared error of each condition as a share of the panel's mean squared effect.

    Their mean over the panel is the sum of errors over the sum of effects.

    Raises
    ------
    DataError: the panel's effects do not stand out of noise.
    """
    panel.require_power()
    return np.asarray(measures.squared_error(made, panel.measured, panel.own) / panel.effect.mean())


def _error_or_none(made: Side, panel: Panel) -> Array:
    # One fold without power must not end a run; its notes say so, and the six have no mean.
    blank = np.full(len(panel.conditions), np.nan)
    return blank if panel.underpowered else normalised_error(made, panel)


def _on_panel(measure: Measure) -> Callable[[Guess, Truth], Values]:
    def compute(guess: Guess, truth: Truth) -> Values:
        value = np.full(len(truth.conditions), np.nan)
        if guess.side is not None and truth.panel is not None:
            given, place = truth.panel.position(truth.conditions)
            value[given] = measure(guess.side(), truth.panel)[place]
        return Values.of(value)

    return compute


def _reach(made: Side, panel: Panel) -> Array:
    names = np.argsort(np.argsort(panel.genes.to_numpy(dtype=str), kind="stable"))
    return measures.direction_reach(made, panel.measured, panel.own, names)


def _register(
    name: str,
    title: str,
    direction: Literal["higher", "lower"],
    definition: str,
    theirs: str,
    measure: Measure,
) -> None:
    register(
        Metric(
            name=name,
            title=title,
            direction=direction,
            unit="1",
            definition=definition,
            source=SOURCE.format(theirs),
            compute=_on_panel(measure),
            family=COUNTS,
        )
    )


_register(
    "counts_discrimination", "Discrimination, on counts", "higher",
    "1 - k / (n - 1), where k of the n conditions have a measured change of ln(1 + 50,000 S / sum S), S the "
    "summed counts, nearer by cosine to the predicted one than the true one; ties count one half; every gene "
    "that any condition perturbs is left out", "pds_cosine",
    lambda made, panel: measures.discrimination(made, panel.measured, panel.own),
)  # fmt: skip

_register(
    "counts_error", "Error of the profile, on counts", "lower",
    "squared error of that profile, less the delete-one-cell jackknife variance of both sides (the predicted "
    "side's at most by as much as its conditions differ), divided by the panel's mean squared change, less "
    "its own noise; 0 is perfect, 1 as good as the control", "expr_mse_unbiased_capped_norm", _error_or_none,
)  # fmt: skip

_register(
    "direction_fidelity", "Direction fidelity", "higher",
    "genes that predicted cells call changed (rank-sum test on counts per million against the truth's controls, "
    "5 % false discovery rate, genes above 5 per million in controls) and that go the measured way, divided by "
    "the larger of the numbers of genes called by either side", "de_wilcoxon_direction_fidelity_yield_raw",
    lambda made, panel: measures.direction_fidelity(made, panel.measured, panel.own),
)  # fmt: skip

_register(
    "direction_reach", "Direction reach", "higher",
    "measured changed genes in the order of the prediction's evidence: share of them in the deepest prefix of "
    "which 90 % go the measured way", "de_wilcoxon_direction_reach_raw", _reach,
)  # fmt: skip

_register(
    "significance_jaccard", "Overlap of significant genes", "higher",
    "genes that predicted and measured cells both call changed, divided by those that either calls",
    "de_wilcoxon_sig_jaccard",
    lambda made, panel: measures.significance_jaccard(made, panel.measured, panel.own),
)  # fmt: skip

_register(
    "fold_error", "Error of log fold changes", "lower",
    "mean |predicted - measured log2 fold change| over measured changed genes, divided by their mean "
    "|log2 fold change|; needs ten of them; 1 for no change", "de_wilcoxon_lfc_nmae",
    lambda made, panel: measures.fold_error(made, panel.measured, panel.own, panel.gate),
)  # fmt: skip
