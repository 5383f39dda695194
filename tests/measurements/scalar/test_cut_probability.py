"""Yes or no under imbalance, with an offset for each guide."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special

from pajamo.measurements.scalar.cuts import CutProbability


def rows(label, guide=None):
    label = torch.as_tensor(label, dtype=torch.float64)
    return {"label": label} if guide is None else {"label": label, "guide": torch.as_tensor(guide).double()}


def planted(guides=2):
    found = CutProbability(guides).double()
    with torch.no_grad():
        found.offset.fill_(-2.0)
        found.log_slope.fill_(0.4)
        found.guide_offsets.copy_(torch.linspace(0.5, -1.0, guides))
        found.centre.fill_(-3.0)
    return found


def test_the_probability_is_logistic_in_log10_of_the_rate():
    rate = torch.tensor([-5.0, -3.0, 0.0], dtype=torch.float64)
    found = planted().log_likelihood(rate * math.log(10.0), rows([1.0, 0.0, 1.0], [0.0, 1.0, -1.0]))
    odds = -2.0 + math.exp(0.4) * (rate.numpy() + 3.0) + np.array([0.5, -1.0, 0.0])
    np.testing.assert_allclose(found.detach(), special.log_expit([odds[0], -odds[1], odds[2]]), rtol=1e-12)


def test_a_guide_that_is_not_known_has_no_offset():
    rate, measurement = torch.tensor([-3.0, -2.0], dtype=torch.float64), planted()
    alone = measurement.log_likelihood(rate, rows([1.0, 1.0]))
    torch.testing.assert_close(measurement.log_likelihood(rate, rows([1.0, 1.0], [-1.0, 7.0])), alone)
    torch.testing.assert_close(measurement.expected(rate), alone.exp())


def test_nothing_overflows_at_any_rate(assert_differentiable):
    measurement = planted()
    rate = torch.tensor([-1e5, 1e5] * 2, dtype=torch.float64).requires_grad_(True)
    found = measurement.log_likelihood(rate, rows([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]))
    (slope,) = torch.autograd.grad(found.sum(), rate)
    assert found.isfinite().all()
    assert slope.isfinite().all()
    assert_differentiable(measurement, rate.detach()[:2] / 1e5, rows([0.0, 1.0], [0.0, 1.0]))


@pytest.mark.parametrize("share", [1e-4, 0.3])
def test_the_start_has_the_share_of_sites_that_were_cut(share):
    random = np.random.default_rng(0)
    rate = torch.as_tensor(random.normal(-9.0, 3.0, 100_000))
    label = torch.zeros(100_000, dtype=torch.float64)
    label[: round(100_000 * share)] = 1.0
    measurement = CutProbability(3).double()
    measurement.start(rate, rows(label, np.zeros(100_000)))
    assert measurement.expected(rate).mean().item() == pytest.approx(share, rel=0.06)
    assert measurement.penalty().item() == 0.0


def test_labels_of_one_kind_start_anywhere_finite():
    measurement = CutProbability().double()
    measurement.start(torch.zeros(5, dtype=torch.float64), rows([0.0] * 5))
    assert measurement.offset.item() == pytest.approx(math.log(0.5 / 5.5), abs=1e-6)


def test_draws_have_the_probabilities_and_keep_their_guides():
    measurement, number = planted(), 20_000
    guide = torch.arange(2).double().repeat(number // 2)
    drawn = measurement.draw(
        torch.full((number,), -6.0).double(), rows(np.zeros(number), guide), torch.Generator().manual_seed(2)
    )
    assert torch.equal(drawn["guide"], guide)
    expected = torch.sigmoid(measurement.log_odds(torch.tensor([-6.0, -6.0]).double(), rows([0, 0], [0, 1])))
    for number, share in enumerate(expected.tolist()):
        found = drawn["label"][guide == number].mean().item()
        assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 10_000))


def test_slope_and_offsets_are_recovered_where_one_site_in_fifty_is_cut():
    random = np.random.default_rng(5)
    number, true = 40_000, CutProbability(4).double()
    with torch.no_grad():
        true.offset.fill_(-5.5)
        true.log_slope.fill_(0.3)
        true.guide_offsets.copy_(torch.tensor([1.0, 0.0, -1.0, 0.5]))
    rate = torch.as_tensor(random.normal(0, 2.5, number))
    data = rows(np.zeros(number), random.integers(0, 4, number))
    drawn = true.draw(rate, data, torch.Generator().manual_seed(1))
    assert drawn["label"].mean() < 0.03
    fitted = CutProbability(4).double()
    fitted.start(rate, drawn)
    optimiser = torch.optim.LBFGS(fitted.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        total = fitted.penalty() - fitted.log_likelihood(rate, drawn).sum()
        total.backward()
        return total

    optimiser.step(loss)
    assert fitted.log_slope.item() == pytest.approx(0.3, abs=0.15)
    spread = fitted.guide_offsets.detach() - fitted.guide_offsets.detach().mean()
    np.testing.assert_allclose(
        spread, true.guide_offsets.detach() - true.guide_offsets.detach().mean(), atol=0.4
    )


def test_reads_count_one_a_site():
    assert planted().reads(rows([0.0, 1.0])).tolist() == [1.0, 1.0]
