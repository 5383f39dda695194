"""Scores of models of guide-target pairs: what is resampled, censored information, and rankings, by closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.evaluation.assays.bounds import intrinsic_bounds
from pajamo.evaluation.assays.differences import gain
from pajamo.evaluation.assays.pair_scores import censored_information
from pajamo.evaluation.assays.rows import Measured, Said, pooled
from pajamo.evaluation.assays.scores import LIKELIHOOD, score_table, scores_of
from pajamo.evaluation.assays.units import FEWEST_GUIDES, guides_of, resampled_units
from pajamo.evaluation.assays.verdict import BASELINE, MECHANISM, assay_verdict

PAIRS = PairAlphabet(pam=3)
GUIDES = ["ACGTAC", "CCGTAT", "GGATCC", "TTTACA", "AGAGTC", "CATCAT"]


def codes_of(guides: int, targets: int) -> np.ndarray:
    """Pairs of so many guides, each with so many targets."""
    rng = np.random.default_rng(0)
    own, met = [], []
    for guide in GUIDES[:guides]:
        for _ in range(targets):
            target = list(guide)
            target[rng.integers(len(guide))] = "A"
            own.append("GGN" + guide)
            met.append("GGT" + "".join(target))
    return PAIRS.encode_pairs(own, met)


def rates(rows: int = 300, seed: int = 0, **changed: object) -> tuple[Measured, np.ndarray]:
    """log10 rates with noise 0.5 about a signal, those below -3 known to be no faster."""
    rng = np.random.default_rng(seed)
    signal = -2 + 1.5 * rng.standard_normal(rows)
    value = signal + 0.5 * rng.standard_normal(rows)
    censored = np.where(value <= -3, -1.0, 0.0)
    given = {"units": None, "unit": "pairs"} | changed
    measured = Measured(
        "one", "test", "rates", np.maximum(value, -3), np.ones(rows), np.arange(rows), censored=censored, **given
    )  # fmt: skip
    return measured, signal


def tobit(measured: Measured, centre: np.ndarray, sd: float) -> Said:
    """What a model with normal noise about a centre says."""
    z = (measured.recorded - centre) / sd
    assert measured.censored is not None
    own = np.where(measured.censored < 0, stats.norm.logcdf(z), stats.norm.logpdf(z) - np.log(sd))
    return Said(10**centre, math.log(10) * centre, np.maximum(centre, -3), own)


@pytest.mark.parametrize(("guides", "unit"), [(FEWEST_GUIDES - 1, "pairs"), (FEWEST_GUIDES, "guides")])
def test_guides_are_resampled_where_there_are_enough(guides: int, unit: str) -> None:
    codes = codes_of(guides, 4)
    told, (numbers,) = resampled_units([codes], PAIRS)
    assert told == unit
    if unit == "guides":
        assert numbers.tolist() == np.repeat(np.arange(guides), 4).tolist()
    else:
        assert len(np.unique(numbers)) == len(np.unique(codes, axis=0))


def test_one_guide_has_one_number_in_every_experiment() -> None:
    codes = codes_of(5, 2)
    _, (one, other) = resampled_units([codes, codes[::-1]], PAIRS)
    assert one.tolist() == other[::-1].tolist()
    assert len(np.unique(guides_of(codes, PAIRS.missing), axis=0)) == 5


def test_sequences_are_resampled_by_themselves() -> None:
    codes = np.array([[0, 1], [0, 1], [2, 3]], dtype=np.uint8)
    told, (numbers,) = resampled_units([codes], alphabet_of("dna"))
    assert told == "sequences"
    assert numbers.tolist() == [0, 0, 1]


def test_intervals_over_guides_are_wider_where_rows_of_a_guide_err_alike() -> None:
    measured, signal = rates(300)
    of_guide = np.repeat(np.arange(6), 50)
    wrong = signal + np.random.default_rng(3).standard_normal(6)[of_guide]
    by_guide, _ = rates(300, units=of_guide, unit="guides")
    right, astray = tobit(measured, signal, 0.5), tobit(measured, wrong, 0.5)
    found = [gain({"one": own}, {"one": right}, {"one": astray}) for own in (measured, by_guide)]
    (_, low, high, pairs), (_, lower, higher, guides) = found
    assert higher - lower > 2 * (high - low)
    assert (pairs, guides) == (300, 6)


def test_a_model_that_knows_only_the_distribution_tells_nothing() -> None:
    measured, _ = rates(4000)
    assert measured.censored is not None
    # The signal and the noise together: mean -2, variance 1.5^2 + 0.5^2.
    said = tobit(measured, np.full(4000, -2.0), math.sqrt(2.5))
    found = censored_information(-said.log_likelihood, measured.recorded, measured.censored, 0)
    assert found.bits == pytest.approx(0, abs=3 * (found.high - found.low) / 4)


def test_censored_information_is_that_of_normal_variables() -> None:
    """I of a Gaussian channel seen through a limit, by the simulation of many rows with known densities."""
    measured, signal = rates(20000, seed=2)
    assert measured.censored is not None
    own, alone = tobit(measured, signal, 0.5), tobit(measured, np.full(20000, -2.0), math.sqrt(2.5))
    expected = (own.log_likelihood - alone.log_likelihood).mean() / math.log(2)
    found = censored_information(-own.log_likelihood, measured.recorded, measured.censored, 0)
    assert found.bits == pytest.approx(expected, abs=0.04)


def test_rates_have_correlations_of_what_is_expected_within_the_limits() -> None:
    measured, signal = rates()
    said = tobit(measured, signal, 0.5)
    found = {score.metric: score for score in scores_of(measured, said, information=False)}
    assert found["pearson"].value == pytest.approx(np.corrcoef(said.expected, measured.recorded)[0, 1])
    assert found["spearman"].value == pytest.approx(
        stats.spearmanr(said.expected, measured.recorded).statistic
    )
    assert found["pearson"].low < found["pearson"].value < found["pearson"].high
    assert found[LIKELIHOOD].value == pytest.approx(said.log_likelihood.mean())


def cuts(label: np.ndarray, **changed: object) -> Measured:
    return Measured("one", "test", "cuts", np.stack([1 - label, label], axis=1), np.ones(len(label)),
                    np.arange(len(label)), **changed)  # fmt: skip


def test_cuts_have_the_areas_of_their_ranking() -> None:
    label = np.array([1.0, 0, 1, 0, 0, 0, 1, 0])
    odds = np.array([3.0, 2, 1, 0, -1, -2, -3, -4])
    said = Said(odds, odds, 1 / (1 + np.exp(-odds)), np.log(np.full(8, 0.5)))
    found = {s.metric: s.value for s in scores_of(cuts(label), said, information=False)}
    # Of 15 couples of a site and one that is none, the site is higher in 5 + 4 + 1.
    assert found["auroc"] == pytest.approx(10 / 15)
    assert found["auprc"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 7) / 3)


def test_cuts_are_pictured_as_yes_and_no() -> None:
    label = np.array([1.0, 0.0])
    assert cuts(label).summary.tolist() == [1.0, 0.0]


def test_no_bound_is_made_of_labels_or_of_what_lies_beyond_a_limit() -> None:
    label = np.array([1.0, 0, 1, 0])
    assert [bound.estimate for bound in intrinsic_bounds(cuts(label), {})] == [None, None]
    measured, _ = rates()
    upper = intrinsic_bounds(measured, {"error": np.full(measured.n, 0.1)})[1]
    assert upper.estimate is None
    assert "beyond the limit" in upper.note


def test_pooled_rows_keep_what_they_are_resampled_by() -> None:
    one, _ = rates(10, units=np.arange(10) // 2, unit="guides")
    other, _ = rates(10, seed=1, units=np.arange(10) // 5, unit="guides")
    both = pooled({"one": one, "other": other})
    assert both.unit == "guides"
    assert both.resampled.tolist() == [*(np.arange(10) // 2), *(np.arange(10) // 5)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"units": np.repeat(np.arange(6), 50), "unit": "guides"}, "over 6 guides"),
        ({}, "over pairs (too few guides for one over guides)"),
    ],
)
def test_the_verdict_says_what_the_interval_is_over(changed: dict[str, object], words: str) -> None:
    measured, signal = rates(300, **changed)
    said = {"mechanism": tobit(measured, signal, 0.5), "mean": tobit(measured, np.full(300, -2.0), 1.6)}
    table = score_table(measured, said, information=False)
    kinds = {"mean": BASELINE, "mechanism": MECHANISM}
    own = {name: {"one": each} for name, each in said.items()}
    verdict = assay_verdict(table, {"one": measured}, own, kinds)
    assert verdict.outcome == "beats"
    assert words in verdict.sentence
