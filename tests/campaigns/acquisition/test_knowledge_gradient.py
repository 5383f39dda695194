"""The knowledge gradient: the envelope of lines, limits, and what a measurement says about other candidates."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.envelope import expected_rise, normal_loss, two_line_rise
from pajamo.campaigns.acquisition.expected_improvement import improvement
from pajamo.campaigns.acquisition.knowledge_gradient import KnowledgeGradient
from pajamo.campaigns.predictive import FactorPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation, Target
from pajamo.errors import PajamoWarning, StudyError


def situation_of(predictive, best: float = np.nan, seed: int = 0, **changes) -> Situation:
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


def rise_by_quadrature(intercepts: np.ndarray, slopes: np.ndarray) -> float:
    grid = np.linspace(-12.0, 12.0, 480_001)
    top = np.full(len(grid), -np.inf)
    for a, b in zip(intercepts, slopes, strict=True):
        top = np.maximum(top, a + b * grid)
    return float((top * norm.pdf(grid)).sum() * (grid[1] - grid[0]) - intercepts.max())


@pytest.mark.parametrize("seed", range(5))
def test_envelope_is_the_integral(seed: int) -> None:
    rng = np.random.default_rng(seed)
    intercepts, slopes = rng.normal(size=12), rng.normal(size=(12, 2))
    brute = [rise_by_quadrature(intercepts, column) for column in slopes.T]
    assert expected_rise(intercepts, slopes) == pytest.approx(brute, abs=1e-8)


def test_envelope_of_ties_parallels_and_flat_lines() -> None:
    lines = np.array([1.0, 1.0, 1.0, 0.5, -np.inf])
    slopes = np.array([[0.3, 0.0], [0.3, 0.0], [-0.3, 0.0], [0.3, 0.0], [9.0, 9.0]])
    assert expected_rise(lines, slopes) == pytest.approx([0.3 * 2 * norm.pdf(0.0), 0.0])


def test_envelope_does_not_depend_on_blocks_or_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    intercepts, slopes = rng.normal(size=300), rng.normal(size=(300, 4))
    whole = expected_rise(intercepts, slopes)
    assert expected_rise(intercepts + 7.0, slopes + rng.normal(size=4)) == pytest.approx(whole)
    assert expected_rise(intercepts, slopes / 3.0, np.full(4, 3.0)) == pytest.approx(whole)
    monkeypatch.setattr("pajamo.campaigns.acquisition.envelope.BLOCK", 11)
    assert expected_rise(intercepts, slopes) == pytest.approx(whole)


def test_small_rises_do_not_drown_in_rounding() -> None:
    brute = quad(lambda z: (-7.0 + z) * norm.pdf(z), 7.0, 20.0)[0]
    assert expected_rise(np.array([1e3, 1e3 - 7.0]), np.array([[0.0], [1.0]])) == pytest.approx(
        [brute], rel=1e-4
    )


def test_two_lines_are_the_envelope_of_two_lines() -> None:
    found = two_line_rise(np.array([-1.0, 0.5, 0.0]), np.array([2.0, -1.0, 0.0]))
    brute = [
        rise_by_quadrature(np.array([0.0, x]), np.array([0.0, y])) for x, y in ((-1.0, 2.0), (0.5, -1.0))
    ]
    assert found == pytest.approx([*brute, 0.0], abs=1e-8)
    assert normal_loss(np.array([-np.inf, 0.0])) == pytest.approx([0.0, norm.pdf(0.0)])


def independent(mean: list[float], deviation: list[float], noise: float) -> FactorPredictive:
    return FactorPredictive(np.array(mean), np.diag(deviation), noise=noise)


def test_of_independent_candidates_by_hand() -> None:
    predictive = independent([1.0, 0.0, -2.0], [1.0, 2.0, 0.5], 0.5)
    found = choose_batch(KnowledgeGradient(), situation_of(predictive), 1).scores
    moved = np.array([1.0, 4.0, 0.25]) / np.sqrt(np.array([1.0, 4.0, 0.25]) + 0.5)
    others = np.array([0.0, 1.0, 1.0])
    by_hand = moved * normal_loss(-np.abs(np.array([1.0, 0.0, -2.0]) - others) / moved)
    assert found == pytest.approx(by_hand)


def test_without_noise_over_a_sure_best_it_is_expected_improvement() -> None:
    predictive = independent([0.0, 0.5, -1.0], [1.0, 0.3, 2.0], 0.0)
    found = choose_batch(KnowledgeGradient(), situation_of(predictive, 2.0), 1).scores
    assert found == pytest.approx(improvement(np.array([0.0, 0.5, -1.0]), np.array([1.0, 0.3, 2.0]), 2.0))


def test_gains_fall_with_noise_and_vanish() -> None:
    scores = [
        choose_batch(KnowledgeGradient(), situation_of(independent([0.0, 0.1], [1.0, 1.0], noise)), 1).scores
        for noise in (0.0, 1.0, 100.0, 1e12)
    ]
    assert (np.diff(scores, axis=0) < 0.0).all()
    assert scores[-1] == pytest.approx([0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("kind", ["factor", "draws"])
def test_of_correlated_candidates_by_simulation(kind: str) -> None:
    rng = np.random.default_rng(3)
    mean, factor = rng.normal(size=6), rng.normal(size=(6, 3))
    predictive = (
        FactorPredictive(mean, factor, noise=0.4)
        if kind == "factor"
        else SampledPredictive(mean + rng.normal(size=(30, 3)) @ factor.T, noise=0.4)
    )
    covariance, mean = predictive.columns(np.arange(6)), predictive.mean[:, 0]
    found = choose_batch(KnowledgeGradient(), situation_of(predictive), 1).scores
    slopes = covariance / np.sqrt(np.diag(covariance) + 0.4)
    brute = [rise_by_quadrature(mean, slopes[:, row]) for row in range(6)]
    assert found == pytest.approx(brute, abs=1e-7)


def test_a_candidate_is_measured_for_what_it_says_about_others() -> None:
    # The first speaks for a family of three, of which each might be the best; the last is as uncertain, and alone.
    factor = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    predictive = FactorPredictive([-5.0, 0.0, 0.0, -0.5], factor, noise=np.array([0.01, 9.0, 9.0, 0.01]))
    assert choose_batch(KnowledgeGradient(), situation_of(predictive), 1).rows.tolist() == [0]


def test_scores_of_others_are_lower_bounds() -> None:
    rng = np.random.default_rng(5)
    predictive = FactorPredictive(rng.normal(size=60), rng.normal(size=(60, 3)), noise=0.2)
    few, all_of_them = (
        choose_batch(KnowledgeGradient(shortlist=size), situation_of(predictive), 1).scores
        for size in (6, 120)
    )
    assert (few <= all_of_them + 1e-12).all()
    assert (few == pytest.approx(all_of_them)) or (few < all_of_them).any()


def test_a_batch_is_chosen_by_conditioning() -> None:
    rng = np.random.default_rng(6)
    predictive = FactorPredictive(rng.normal(size=10), rng.normal(size=(10, 4)), noise=0.3)
    selection = choose_batch(KnowledgeGradient(), situation_of(predictive), 3)
    left = predictive
    for place, row in enumerate(selection.rows):
        alone = situation_of(left)
        alone.available[selection.rows[:place]] = False
        single = choose_batch(KnowledgeGradient(), alone, 1)
        assert single.rows[0] == row
        assert single.gains[0] == pytest.approx(selection.gains[place])
        left = left.condition(np.array([row]))


def test_a_duplicate_waits() -> None:
    factor = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.9]])
    predictive = FactorPredictive(np.zeros(3), factor, noise=1e-3)
    assert 2 in choose_batch(KnowledgeGradient(), situation_of(predictive), 2).rows


def test_units_constants_and_directions() -> None:
    rng = np.random.default_rng(7)
    mean, factor = rng.normal(size=20), rng.normal(size=(20, 4))
    plain = choose_batch(KnowledgeGradient(), situation_of(FactorPredictive(mean, factor, noise=0.1), 1.0), 4)
    moved = choose_batch(
        KnowledgeGradient(),
        situation_of(
            FactorPredictive(-10 * mean - 5, 10 * factor, noise=10.0), -15.0, target=Target(maximise=False)
        ),
        4,
    )
    assert np.array_equal(plain.rows, moved.rows)
    assert moved.gains == pytest.approx(10 * plain.gains)


def test_missing_predictions_and_pending_candidates() -> None:
    rng = np.random.default_rng(8)
    mean = rng.normal(size=8)
    mean[3] = np.nan
    situation = situation_of(FactorPredictive(mean, rng.normal(size=(8, 3)), noise=0.1))
    situation.available[5] = False
    with pytest.warns(PajamoWarning, match="left out"):
        selection = choose_batch(KnowledgeGradient(), replace(situation, pending=np.array([5])), 3)
    assert not set(selection.rows) & {3, 5}
    assert np.isfinite(selection.gains).all()
    assert "best candidate's expected readout" in KnowledgeGradient().why(selection, 0)


def test_wrong_shortlist() -> None:
    with pytest.raises(StudyError, match="shortlist"):
        KnowledgeGradient(shortlist=0)
