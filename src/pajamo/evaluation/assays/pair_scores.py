"""Figures of one model on guide-target pairs: how it orders rates, how it tells sites that were cut from others."""

from __future__ import annotations

import numpy as np
from scipy import stats

from pajamo.evaluation.assays.resampling import interval, resampled_totals, totals
from pajamo.evaluation.assays.rows import Array, Measured, Said
from pajamo.evaluation.assays.score import Score
from pajamo.evaluation.assays.units import Numbers
from pajamo.evaluation.information.checking import enough_rows
from pajamo.evaluation.information.entropies import NEIGHBOURS, blur_repeated, surprise_of_values
from pajamo.evaluation.information.estimate import InformationEstimate
from pajamo.evaluation.information.metrics import mean_over_rows
from pajamo.evaluation.pairs.discrimination import AUPRC, AUROC, discrimination
from pajamo.evaluation.pairs.metrics import moments, of_sums, pearson

PEARSON, SPEARMAN = "pearson", "spearman"
PAIR_UNITS = {PEARSON: "", SPEARMAN: "", AUROC: "", AUPRC: ""}


def rate_scores(measured: Measured, said: Said, seed: int) -> list[Score]:
    """Correlations of log10 of the rate, recorded and expected (at the limit of detection where one lies beyond).

    Spearman's is Pearson's of ranks; ranks stay as they are in resamples.
    """
    value, expected = measured.recorded, said.expected
    ranked = stats.rankdata(expected), stats.rankdata(value)
    return [
        _correlated(PEARSON, expected, value, measured, seed),
        _correlated(SPEARMAN, *ranked, measured, seed),
    ]


def _correlated(metric: str, said: Array, value: Array, measured: Measured, seed: int) -> Score:
    of_units = totals(moments(said, value), measured.resampled)
    low, high = interval(of_sums, resampled_totals(of_units, seed), len(of_units))
    return Score(metric, pearson(said, value), low, high)


def cut_scores(measured: Measured, said: Said, guides: Numbers | None, seed: int) -> list[Score]:
    """Areas under the curves of a ranking by the probability of being cut: ROC, and precision against recall.

    Parameters
    ----------
    measured, said: sites, and what a model says of them.
    guides: number of each site's guide where guides are resampled, shape (rows,).
    seed: of the resamples.
    """
    found = discrimination(said.coordinate, measured.recorded[:, 1], guides, seed)
    return [
        Score(name, float(found[name]), float(found[f"{name}_low"]), float(found[f"{name}_high"]))
        for name in (AUROC, AUPRC)
    ]


def censored_information(loss: Array, value: Array, censored: Array, seed: int) -> InformationEstimate:
    """I_var of rates of which some are only known to lie beyond a limit: H[recorded] - likelihood, in bits.

    A row beyond a limit is one of two events, and has a probability; a resolved one has a density besides. The
    surprise of a row is so -log2 of the share of its class, and for a resolved one that of its value among those that
    were resolved, by nearest neighbours.

    Parameters
    ----------
    loss: minus ln of the probability (density) that the model gives to each row, in nats, shape (rows,).
    value: recorded log10 of the rate, shape (rows,).
    censored: -1 no faster than the value, 1 no slower, 0 resolved, shape (rows,).
    seed: of the blur of repeated values.

    Raises
    ------
    DataError: too few rows were resolved.
    """
    resolved = censored == 0
    enough_rows(int(resolved.sum()), NEIGHBOURS)
    _, place, counts = np.unique(censored, return_inverse=True, return_counts=True)
    surprise = -np.log2(counts[place] / len(censored))
    surprise[resolved] += surprise_of_values(blur_repeated(value[resolved], seed), NEIGHBOURS)
    gained = surprise - loss / np.log(2)
    return mean_over_rows(
        gained, np.ones(len(gained)), 0.0, "H by classes and nearest neighbours - likelihood"
    )
