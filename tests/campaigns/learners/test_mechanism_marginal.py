"""Marginal posteriors of a mechanism's numbers: closed forms, the Gaussian limit, a weighted sample, and warnings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from tests.explanations.assays.planted import planted, promoter, reading

from pajamo.campaigns.learners.mechanism.learner import FittedMechanism, MechanismLearner, _say_if_rough
from pajamo.campaigns.learners.mechanism.marginal import Marginal, known_beforehand
from pajamo.campaigns.learners.mechanism.readings import Plan
from pajamo.errors import PajamoWarning

CONTACT, LEVELS = "CRP+RNAP", (0.05, 0.5, 0.95)


def fitted(rows, noise, marginal=True):
    """A promoter whose reading is one number a sequence, and what is known of its contact."""
    model, assay = planted(promoter(), rows=rows, noise=noise, settings=reading(nonlinearity="linear"))
    plan, codes = Plan("one", model.experiments["one"]), assay.experiments[0].codes[:3]
    learner = MechanismLearner(model, assay, plan, codes, (CONTACT,), marginal=marginal)
    return learner.fit(np.zeros((0, 1)), np.zeros((0, 1)), seed=0)


@pytest.fixture(scope="module")
def well_known() -> FittedMechanism:
    return fitted(600, 0.3)


def test_quantiles_are_those_of_a_normal_distribution():
    places = np.linspace(-7.0, 3.0, 9)
    marginal = Marginal(places, stats.norm(-2.0, 1.0).logpdf(places))
    assert marginal.quantiles(LEVELS) == pytest.approx(stats.norm(-2.0, 1.0).ppf(LEVELS), abs=2e-3)
    assert marginal.summary() == pytest.approx((-2.0, 1.0), abs=2e-3)


def test_quantiles_of_a_skewed_distribution():
    truth = stats.gamma(9.0)
    places = np.linspace(1.0, 27.0, 14)
    marginal = Marginal(places, truth.logpdf(places))
    assert marginal.quantiles(LEVELS) == pytest.approx(truth.ppf(LEVELS), rel=0.02)
    assert marginal.interval(0.5) == pytest.approx(truth.ppf([0.25, 0.75]), rel=0.02)


def test_with_many_records_it_is_laplaces_approximation(well_known):
    plain = replace(well_known, marginals=()).predict(np.zeros((1, 1)))
    known = well_known.predict(np.zeros((1, 1)))
    assert known.deviations[0] == pytest.approx(plain.deviations[0], rel=0.15)
    assert abs(known.values[0] - plain.values[0]) < 0.3 * plain.deviations[0]


def test_predictions_tell_the_interval_and_choose_as_before(well_known):
    """Candidates follow from the unknowns as about the optimum; the number's loadings are longer or shorter."""
    plain = replace(well_known, marginals=()).predict(np.arange(3)[:, None])
    known = well_known.predict(np.arange(3)[:, None])
    low, high = well_known.marginals[0].interval()
    assert known.values[0] + stats.norm.ppf(0.95) * known.deviations[0] == pytest.approx(high)
    assert known.values[0] - stats.norm.ppf(0.95) * known.deviations[0] == pytest.approx(low)
    assert np.array_equal(known.hidden, plain.hidden)
    share = known.deviations[0] / plain.deviations[0]
    assert known.loadings == pytest.approx(share * plain.loadings)
    rows = np.array([0, 2])
    assert known.deviations_after(rows) == pytest.approx(share * plain.deviations_after(rows))


def test_the_model_stays_where_it_is(well_known):
    before = {name: values.clone() for name, values in well_known.model.assembly.state_dict().items()}
    again = well_known.integrated()
    after = well_known.model.assembly.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert np.array_equal(again.marginals[0].heights, well_known.marginals[0].heights)


def test_only_sites_whose_letters_are_known_have_marginals_unasked():
    model, _ = planted(rows=20)
    assert not known_beforehand(model)
    with torch.no_grad():
        for _, reader in model.assembly.readers():
            reader.prior_sd[1:] = 0.5
    assert known_beforehand(model)


def test_an_optimum_outside_of_the_interval_is_told(well_known):
    """As if the room of other parameters had moved the interval away."""
    one = well_known.marginals[0]
    _say_if_rough(well_known.quantities[0], one, well_known.model)
    with pytest.warns(PajamoWarning, match=r"CRP\+RNAP is rough"):
        _say_if_rough(well_known.quantities[0], Marginal(one.places + 50.0, one.heights), well_known.model)
