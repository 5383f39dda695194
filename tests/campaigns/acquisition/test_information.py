"""Expected information about parameters: closed forms, nuisances, batches, and nested Monte Carlo."""

from dataclasses import replace

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.information import ExpectedInformation, nested_information
from pajamo.campaigns.predictive import SampledPredictive
from pajamo.campaigns.predictive.parameters import ParameterPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError, PajamoWarning

NAMES = ["energy", "level", "leak"]


def exact_draws(number: int, width: int, seed: int = 0) -> np.ndarray:
    """Draws whose mean is exactly 0 and whose covariance is exactly 1, up to what the unbiased residual corrects."""
    rng = np.random.default_rng(seed)
    draws = rng.normal(size=(number, width))
    draws -= draws.mean(axis=0)
    return np.linalg.qr(draws)[0] * np.sqrt(number - 1)


def linear(design: np.ndarray, noise: float | list = 0.5, number: int = 4000) -> ParameterPredictive:
    """Predictions linear in three standard normal parameters; design (N, 3) or (N, 3, D)."""
    parameters = exact_draws(number, 3)
    subscripts = "sp,npd->snd" if design.ndim == 3 else "sp,np->sn"
    return ParameterPredictive(np.einsum(subscripts, parameters, design), parameters, NAMES, noise=noise)


def situation_of(predictive, seed: int = 0, **changes) -> Situation:
    size = predictive.size
    return Situation(
        np.zeros((size, 1)), np.ones(size, bool), predictive, rng=np.random.default_rng(seed), **changes
    )


def test_by_hand() -> None:
    # y = theta_1 + 2 theta_2: alone, theta_1 explains 1 of the 1 + 4 + noise.
    situation = situation_of(linear(np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.0]])))
    about_one = choose_batch(ExpectedInformation(about=["energy"]), situation, 1).scores
    assert about_one == pytest.approx([0.5 * np.log(5.5 / 4.5), 0.0], abs=1e-3)
    about_two = choose_batch(ExpectedInformation(about=["energy", "level"]), situation, 1).scores
    assert about_two == pytest.approx([0.5 * np.log(5.5 / 0.5), 0.5 * np.log(1.5 / 0.5)], abs=1e-3)


def gaussian_information(design: np.ndarray, noise: np.ndarray, about: list[int]) -> float:
    """1/2 log of the ratio of prior to posterior variance of some parameters; design (results, 3)."""
    posterior = np.linalg.inv(np.eye(3) + design.T @ (design / noise[:, None]))
    return -0.5 * float(np.linalg.slogdet(posterior[np.ix_(about, about)])[1])


@pytest.mark.parametrize("about", [[0], [0, 2], [0, 1, 2]])
def test_the_batch_adds_up_to_what_the_interval_shrinks(about: list[int]) -> None:
    design = np.random.default_rng(1).normal(size=(12, 3))
    situation = situation_of(linear(design))
    selection = choose_batch(ExpectedInformation(about=[NAMES[place] for place in about]), situation, 4)
    batch: list[int] = []
    for number in range(1, 5):
        rest = [row for row in range(12) if row not in batch]
        batch.append(
            max(
                rest, key=lambda row: gaussian_information(design[[*batch, row]], np.full(number, 0.5), about)
            )
        )
    assert selection.rows.tolist() == batch
    assert selection.gains.sum() == pytest.approx(
        gaussian_information(design[batch], np.full(4, 0.5), about), abs=4e-3
    )


def test_several_outputs_are_measured_together() -> None:
    design = np.random.default_rng(2).normal(size=(6, 3, 2))
    situation = situation_of(linear(design, noise=[0.5, 0.1]))
    selection = choose_batch(ExpectedInformation(about=["level"]), situation, 2)
    noise = np.array([0.5, 0.1, 0.5, 0.1])
    alone = [gaussian_information(one.T, noise[:2], [1]) for one in design]
    assert selection.scores == pytest.approx(alone, abs=2e-3)
    both = np.concatenate([design[row].T for row in selection.rows])
    assert selection.gains.sum() == pytest.approx(gaussian_information(both, noise, [1]), abs=4e-3)


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    situation = situation_of(linear(np.random.default_rng(2).normal(size=(6, 3, 2)), number=100))
    whole = choose_batch(ExpectedInformation(), situation, 2)
    monkeypatch.setattr("pajamo.campaigns.acquisition.information.MOST_NUMBERS", 1)
    assert choose_batch(ExpectedInformation(), situation, 2).gains == pytest.approx(whole.gains)


def test_an_uncertain_candidate_that_says_nothing_of_the_parameter_is_left() -> None:
    situation = situation_of(linear(np.array([[0.0, 50.0, 0.0], [0.3, 0.0, 0.0]])))
    assert choose_batch(ExpectedInformation(about=["energy"]), situation, 1).rows.tolist() == [1]


def test_a_nuisance_is_worth_measuring_with_the_result_that_it_spoils() -> None:
    # The first candidate shows the energy plus an unknown level; once it is in the batch, the level itself tells.
    design = np.array([[3.0, 3.0, 0.0], [0.0, 3.0, 0.0], [0.5, 0.0, 0.0]])
    situation = situation_of(linear(design, noise=0.01))
    assert choose_batch(ExpectedInformation(about=["energy"]), situation, 2).rows.tolist() == [2, 0]
    noisy = replace(situation, predictive=linear(design, noise=[[0.01], [0.01], [3.0]]))
    assert choose_batch(ExpectedInformation(about=["energy"]), noisy, 2).rows.tolist() == [0, 1]


def test_units_of_readout_and_parameters_do_not_matter() -> None:
    predictive = linear(np.random.default_rng(3).normal(size=(5, 3)), number=100)
    other = ParameterPredictive(
        1000 * predictive.draws + 3, 1e-6 * predictive.parameters + 2, NAMES, noise=1e6 * predictive.noise
    )
    plain, changed = (
        choose_batch(ExpectedInformation(about=["leak"]), situation_of(one), 3) for one in (predictive, other)
    )
    assert np.array_equal(plain.rows, changed.rows)
    assert changed.gains == pytest.approx(plain.gains)


def test_few_draws_do_not_pretend_to_information() -> None:
    rng = np.random.default_rng(4)
    scores = []
    for _ in range(300):
        predictive = ParameterPredictive(
            rng.normal(size=(30, 1)), rng.normal(size=(30, 5)), list("abcde"), noise=0.01
        )
        situation = situation_of(predictive)
        scores.append(choose_batch(ExpectedInformation(), situation, 1).gains[0])
    assert np.mean(scores) < 0.06
    tiny = ParameterPredictive(rng.normal(size=(6, 1)), rng.normal(size=(6, 5)), list("abcde"), noise=0.01)
    with pytest.raises(ModelError, match="6 draws cannot tell"):
        choose_batch(ExpectedInformation(), situation_of(tiny), 1)


def test_a_parameter_that_is_known_tells_nothing() -> None:
    rng = np.random.default_rng(0)
    parameters = np.column_stack([np.full(50, 2.0), rng.normal(size=50)])
    predictive = ParameterPredictive(parameters[:, 1:] * np.ones(3), parameters, ["known", "open"], noise=0.1)
    found = choose_batch(ExpectedInformation(about=["known"]), situation_of(predictive), 1)
    assert found.gains[0] == pytest.approx(0.0, abs=1e-12)


def test_a_pending_candidate_is_conditioned_on_with_its_parameters() -> None:
    design = np.random.default_rng(5).normal(size=(8, 3))
    situation = situation_of(linear(design))
    first = choose_batch(ExpectedInformation(), situation, 3)
    available = situation.available.copy()
    available[first.rows[0]] = False
    rest = choose_batch(
        ExpectedInformation(), replace(situation, available=available, pending=first.rows[:1]), 2
    )
    assert rest.rows.tolist() == first.rows[1:].tolist()
    assert rest.gains == pytest.approx(first.gains[1:], abs=1e-6)


def test_nested_monte_carlo_agrees_where_the_closed_form_is_exact() -> None:
    predictive = linear(np.array([[1.0, -0.5, 0.3]]), number=3000)
    closed = choose_batch(ExpectedInformation(), situation_of(predictive), 1).gains[0]
    found = nested_information(predictive, 0, np.random.default_rng(0), 3000)
    assert found == pytest.approx(closed, abs=0.06)


def test_nested_monte_carlo_of_two_states_is_below_one_bit() -> None:
    # The readout tells which of two states holds, and nothing else: log 2, where a Gaussian would claim more.
    states = np.repeat([0.0, 100.0], 200)
    predictive = SampledPredictive(states[:, None], noise=1.0)
    found = nested_information(predictive, 0, np.random.default_rng(0))
    assert found == pytest.approx(np.log(2), abs=0.02)


def test_candidates_without_prediction_are_left_out() -> None:
    predictive = linear(np.random.default_rng(6).normal(size=(5, 3)), number=50)
    predictive.draws[3, 2] = np.nan
    broken = ParameterPredictive(predictive.draws, predictive.parameters, NAMES, noise=0.5)
    with pytest.warns(PajamoWarning, match="left out"):
        selection = choose_batch(ExpectedInformation(), situation_of(broken), 4)
    assert sorted(selection.rows) == [0, 1, 3, 4]
    assert np.isnan(selection.scores[2])


def test_what_is_refused_and_words() -> None:
    draws = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ModelError, match="needs their draws"):
        choose_batch(ExpectedInformation(), situation_of(SampledPredictive(draws, noise=1.0)), 1)
    with pytest.raises(ModelError, match="without noise"):
        choose_batch(ExpectedInformation(), situation_of(ParameterPredictive(draws, draws[:, :1], ["k"])), 1)
    acquisition = ExpectedInformation(about=["energy"])
    selection = choose_batch(acquisition, situation_of(linear(np.array([[1.0, 2.0, 0.0]]))), 1)
    assert "nats about energy" in acquisition.why(selection, 0)
    assert "shrinks to 90 %" in acquisition.why(selection, 0)
