"""Can the prediction be told from the predictions of other perturbations?"""

from __future__ import annotations

from scipy.spatial.distance import cdist

from pajamo.evaluation.metric import Guess, Metric, Values, register
from pajamo.evaluation.similarity import cosine_similarity, normalised_rank
from pajamo.evaluation.truth import Truth


def _centroid_accuracy(guess: Guess, truth: Truth) -> Values:
    genes = truth.counted.all(axis=0)
    return Values.of(normalised_rank(-cdist(guess.level[:, genes], truth.mean[:, genes])))


def _discrimination(guess: Guess, truth: Truth) -> Values:
    genes = truth.counted.all(axis=0)
    return Values.of(normalised_rank(cosine_similarity(guess.delta[:, genes], truth.delta[:, genes])))


register(
    Metric(
        name="discrimination",
        title="Perturbation discrimination",
        direction="higher",
        unit="normalised rank",
        definition="1 - k / (n - 1), where k of the n held-out conditions have a measured change more "
        "similar (cosine) to the prediction than the true one, ties counting one half; 1 is best,"
        " a prediction that is the same for all scores one half",
        source="metric `pds_cosine` of cell-eval2 (preset vcc2026)",
        compute=_discrimination,
    )
)

register(
    Metric(
        name="centroid_accuracy",
        title="Centroid accuracy",
        direction="higher",
        unit="share",
        definition="share of the other held-out conditions whose measured mean lies farther (Euclidean) from the "
        "predicted mean than the measured mean of the true one, ties counting one half; unlike "
        "discrimination, the size of the change counts",
        source="Vinas Torne et al. 2025, Systema, Nat. Biotechnol. (centroid accuracy)",
        compute=_centroid_accuracy,
    )
)
