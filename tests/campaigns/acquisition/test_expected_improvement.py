"""Expected improvement: the integral, the incumbent, and batches judged as a whole."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.expected_improvement import ExpectedImprovement, improvement
from pajamo.campaigns.predictive import FactorPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation, Target
from pajamo.errors import StudyError


def situation_of(predictive, best: float = 0.0, seed: int = 0, **changes) -> Situation:
    size = predictive.size
    return Situation(
        np.zeros((size, 1)),
        np.ones(size, bool),
        predictive,
        measured_features=np.zeros((1, 1)),
        measured=np.array([[best]]),
        rng=np.random.default_rng(seed),
        **changes,
    )


def independent(mean: list[float], deviation: list[float], **changes) -> FactorPredictive:
    return FactorPredictive(np.array(mean), np.diag(deviation), **changes)


@pytest.mark.parametrize(("mean", "deviation", "best"), [(0.0, 1.0, 0.5), (2.0, 0.3, 1.0), (-1.0, 2.0, 3.0)])
def test_closed_form_is_the_integral(mean: float, deviation: float, best: float) -> None:
    brute = quad(lambda f: (f - best) * norm.pdf(f, mean, deviation), best, mean + 12 * deviation)[0]
    assert improvement(np.array([mean]), np.array([deviation]), best) == pytest.approx([brute], rel=1e-6)


def test_limits() -> None:
    sure = improvement(np.array([1.0, -1.0]), np.zeros(2), 0.0)
    assert sure.tolist() == [1.0, 0.0]
    assert improvement(np.array([-100.0]), np.array([1.0]), 0.0)[0] == 0.0
    assert improvement(np.array([100.0]), np.array([1.0]), 0.0) == pytest.approx([100.0])
    assert improvement(np.zeros(1), np.ones(1), 0.0) == pytest.approx([1 / np.sqrt(2 * np.pi)])


def test_d2_the_incumbent_decides() -> None:
    # PyRelationAL's analytic path never passes on the best value so far (it is always 0): EI(max=0) equals EI(max=5),
    # and its choice is the greedy one. Above a high incumbent, the uncertain candidate has to come first.
    predictive = independent([1.0, 0.0], [0.1, 2.0])
    low, high = (ExpectedImprovement().choose(situation_of(predictive, best), 1) for best in (-5.0, 3.0))
    assert low.rows.tolist() == [0]
    assert high.rows.tolist() == [1]
    assert (low.scores > high.scores).all()


def test_d10_a_failed_measurement_does_not_spoil_the_scores() -> None:
    # In PyRelationAL a NaN label makes the incumbent NaN, and with it every score.
    predictive = independent([1.0, 0.0], [0.5, 2.0])
    failed = replace(situation_of(predictive), measured=np.array([[np.nan], [0.7], [0.2]]))
    assert failed.incumbent == 0.7
    found = ExpectedImprovement().choose(failed, 1).scores
    assert found == pytest.approx(improvement(np.array([1.0, 0.0]), np.array([0.5, 2.0]), 0.7))
    all_failed = replace(failed, measured=np.full((2, 1), np.nan))
    assert np.isfinite(ExpectedImprovement().choose(all_failed, 1).scores).all()


@pytest.mark.parametrize("number", [1, 3])
def test_adding_a_constant_changes_nothing_and_units_only_the_units(number: int) -> None:
    rng = np.random.default_rng(0)
    mean, factor = rng.normal(size=8), rng.normal(size=(8, 4))
    plain = choose_batch(ExpectedImprovement(), situation_of(FactorPredictive(mean, factor), 0.5), number)
    moved = choose_batch(
        ExpectedImprovement(), situation_of(FactorPredictive(10 * mean + 70, 10 * factor), 75.0), number
    )
    assert np.array_equal(plain.rows, moved.rows)
    assert moved.gains == pytest.approx(10 * plain.gains)


@pytest.mark.parametrize("number", [1, 3])
def test_both_directions_mirror(number: int) -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(60, 8))
    up = choose_batch(ExpectedImprovement(), situation_of(SampledPredictive(draws), 0.5), number)
    down = choose_batch(
        ExpectedImprovement(),
        situation_of(SampledPredictive(-draws), -0.5, target=Target(maximise=False)),
        number,
    )
    assert np.array_equal(up.rows, down.rows)
    assert up.gains == pytest.approx(down.gains)


def test_gains_add_up_to_the_improvement_of_the_batch() -> None:
    draws = np.random.default_rng(2).normal(size=(100, 12))
    situation = situation_of(SampledPredictive(draws), 0.8)
    selection = choose_batch(ExpectedImprovement(worlds=100), situation, 5)
    brute = np.maximum(draws[:, selection.rows].max(axis=1) - 0.8, 0.0).mean()
    assert selection.gains.sum() == pytest.approx(brute)
    assert (np.diff(selection.gains) <= 1e-12).all()


def test_a_duplicate_adds_nothing() -> None:
    predictive = FactorPredictive([1.0, 1.0, 0.0], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    situation = situation_of(predictive, 1.0)
    selection = choose_batch(ExpectedImprovement(), situation, 2)
    assert selection.rows[0] in (0, 1)
    assert selection.rows[1] == 2
    assert np.argsort(-selection.scores)[1] in (0, 1)


def test_a_batch_beyond_what_any_world_improves_follows_the_closed_form() -> None:
    draws = np.random.default_rng(0).normal(0.0, 0.01, (5, 6)) + np.arange(6.0)
    selection = choose_batch(ExpectedImprovement(), situation_of(SampledPredictive(draws), 100.0), 3)
    assert (selection.gains == 0.0).all()
    assert len(set(selection.rows)) == 3


def test_the_pending_candidate_counts_as_done() -> None:
    predictive = FactorPredictive(
        [1.0, 1.0, 0.0], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], noise=np.full(3, 0.01)
    )
    situation = situation_of(predictive, 1.0)
    situation.available[0] = False
    waiting = replace(situation, pending=np.array([0]))
    assert choose_batch(ExpectedImprovement(), waiting, 1).rows.tolist() == [2]


def test_a_shortlist_whose_bound_holds_changes_nothing() -> None:
    mean = np.append(np.full(4, 1.0), np.linspace(-2.0, -4.0, 200))
    situation = situation_of(independent(mean.tolist(), [0.5] * 204), 1.0)
    short, whole = (choose_batch(ExpectedImprovement(shortlist=one), situation, 4) for one in (10, 204))
    assert short.gains.min() > np.sort(short.scores)[::-1][10]
    assert sorted(short.rows) == sorted(whole.rows) == [0, 1, 2, 3]


def test_deterministic_and_in_words() -> None:
    draws = np.random.default_rng(2).normal(size=(30, 12))
    one, two = (
        choose_batch(ExpectedImprovement(), situation_of(SampledPredictive(draws), 0.1, seed=3), 4)
        for _ in range(2)
    )
    assert np.array_equal(one.rows, two.rows)
    assert ExpectedImprovement().why(one, 0).startswith("expected to raise the best readout by ")
    with pytest.raises(StudyError):
        ExpectedImprovement(worlds=0)
