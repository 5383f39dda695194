"""Probabilities and arrivals at a time, against closed forms, exact sums and matrix exponentials."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from scipy import linalg
from tests.mechanisms.kinetics.kinetic_schemes import chain, complete, drawn, random_scheme, ring
from torch.func import vmap

from pajamo.errors import ModelError, StudyError
from pajamo.mechanisms.kinetics.occupancy import log_occupancy
from pajamo.mechanisms.kinetics.passage import log_mean_first_passage_time
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.transient import LEAST, log_arrived, occupancies_at

ONE_STEP = Scheme(("a", "b"), (("a", "b"),))
TWO_STEPS = Scheme(("a", "b", "c"), (("a", "b"), ("b", "c")))
LEAKY = Scheme(("a", "b", "c"), (("a", "b"), ("b", "a"), ("b", "c")))


def at(*times):
    return torch.tensor(times, dtype=torch.float64)


def generator_of(scheme, rates):
    matrix = np.zeros((len(scheme.states), len(scheme.states)))
    for (source, target), rate in zip(scheme.ends, rates, strict=True):
        matrix[source, target] += rate
        matrix[source, source] -= rate
    return matrix


def modes(scheme, log_rates, targets, time):
    """ln of what has not arrived from s0, by the eigenvectors of a small matrix in 60 digits: two states are left."""
    (stay,) = [[i for i, name in enumerate(scheme.states) if name not in targets]]
    with localcontext() as digits:
        digits.prec = 80
        entry = [[Decimal(0)] * 2 for _ in stay]
        for (source, target), rate in zip(scheme.ends, log_rates, strict=True):
            if source in stay:
                entry[source][source] -= Decimal(rate).exp()
                if target in stay:
                    entry[source][target] += Decimal(rate).exp()
        (p, q), (r, s) = entry
        root = (((p - s) / 2) ** 2 + q * r).sqrt()
        one, other = (p + s) / 2 + root, (p + s) / 2 - root
        # exp(Mt) applied to (1, 1), by Sylvester's formula.
        rest = p + q
        time = Decimal(time)
        left = ((one * time).exp() * (rest - other) - (other * time).exp() * (rest - one)) / (one - other)
        return float((1 - left).ln()), float(left.ln())


def test_one_step_arrives_as_an_exponential_says_in_both_tails():
    expected = at(1e-100, 1e-9, 0.3, 1.0, 30.0, 1e6, 1e12)
    arrived, waiting = log_arrived(ONE_STEP, expected.log()[:, None], "a", ["b"], torch.ones(()))
    assert (waiting / -expected - 1).abs().max() < 1e-13
    for value, count in zip(arrived.tolist(), expected.tolist(), strict=True):
        exact = math.log1p(-math.exp(-count)) if count > 0.5 else math.log(-math.expm1(-count))
        assert value == pytest.approx(exact, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("scheme", [chain(4), ring(5), complete(5), random_scheme(6, 5, seed=1)])
@pytest.mark.parametrize("time", [1e-3, 1.0, 20.0])
def test_probabilities_equal_a_matrix_exponential(scheme, time):
    rates = drawn(scheme, 12, spread=1.5)
    found = occupancies_at(scheme, rates, "s1", at(time).squeeze())
    expected = [linalg.expm(generator_of(scheme, row.exp().tolist()) * time)[1] for row in rates]
    np.testing.assert_allclose(found.exp(), expected, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("scheme", [chain(4), complete(5)])
def test_arrivals_equal_a_matrix_exponential_with_targets_that_are_never_left(scheme):
    rates, times = drawn(scheme, 12, spread=1.5), torch.linspace(0.01, 8.0, 12, dtype=torch.float64)
    arrived, waiting = log_arrived(scheme, rates, "s0", ["s2", "s3"], times)
    for row, time in enumerate(times.tolist()):
        matrix = generator_of(scheme, rates[row].exp().tolist())
        matrix[[2, 3]] = 0.0
        share = linalg.expm(matrix * time)[0]
        assert arrived[row].exp().item() == pytest.approx(share[2] + share[3], rel=1e-11)
        assert waiting[row].exp().item() == pytest.approx(1 - share[2] - share[3], rel=1e-11)


@pytest.mark.parametrize(
    ("scheme", "log_rates", "time"),
    [
        (TWO_STEPS, (20.0, -20.0), 1.0),
        (TWO_STEPS, (-20.0, 20.0), 1e-3),
        (TWO_STEPS, (-20.0, -19.0), 1.0),
        (TWO_STEPS, (13.0, 0.7), 3.0),
        (LEAKY, (20.0, 20.0, -20.0), 1.0),
        (LEAKY, (-20.0, 20.0, 20.0), 1e6),
        (LEAKY, (14.0, 12.0, -5.0), 1e4),
        (LEAKY, (14.0, 12.0, 1.0), 1e5),
    ],
)
def test_stiff_schemes_keep_all_digits_of_both_shares(scheme, log_rates, time):
    arrived, waiting = log_arrived(scheme, at(*log_rates), "a", ["c"], at(time).squeeze())
    expected = modes(scheme, log_rates, ["c"], time)
    assert arrived.item() == pytest.approx(expected[0], rel=1e-11, abs=1e-300)
    assert waiting.item() == pytest.approx(expected[1], rel=1e-11)


def test_a_million_expected_transitions_end_at_the_steady_state():
    scheme = complete(4)
    rates = drawn(scheme, 5, spread=2.0)
    found = occupancies_at(scheme, rates, "s0", at(1e6).squeeze())
    torch.testing.assert_close(found, log_occupancy(scheme, rates), rtol=0, atol=1e-12)


def test_half_the_time_twice_is_the_whole_time():
    scheme = random_scheme(5, 5, seed=2)
    rates = drawn(scheme, spread=3.0)
    half = torch.stack([occupancies_at(scheme, rates, name, at(0.7).squeeze()) for name in scheme.states])
    whole = torch.stack([occupancies_at(scheme, rates, name, at(1.4).squeeze()) for name in scheme.states])
    torch.testing.assert_close(torch.logsumexp(half[:, :, None] + half, dim=1), whole, rtol=0, atol=1e-12)


def test_the_mean_time_is_what_is_left_summed_over_time():
    scheme = chain(4, closed=False)
    rates = drawn(scheme)
    times = torch.linspace(0, 1000, 10_001, dtype=torch.float64)
    _, waiting = log_arrived(scheme, rates.expand(len(times), -1), "s0", ["s3"], times)
    mean = log_mean_first_passage_time(scheme, rates, ["s3"])[0].exp()
    assert torch.trapezoid(waiting.exp(), times).item() == pytest.approx(mean.item(), rel=1e-4)


@pytest.mark.parametrize("time", [0.1, 3.0])
def test_first_and_second_derivatives_are_those_of_finite_differences(time):
    scheme = complete(3)
    rates = drawn(scheme, 2).requires_grad_()
    times = torch.full((2,), time, dtype=torch.float64, requires_grad=True)

    def shares(log_rates, when):
        return torch.stack(log_arrived(scheme, log_rates, "s0", ["s2"], when))

    assert torch.autograd.gradcheck(shares, (rates, times))
    assert torch.autograd.gradgradcheck(shares, (rates, times))
    assert torch.autograd.gradcheck(lambda one: occupancies_at(scheme, one, "s0", times.detach()), rates)


def test_under_vmap_it_is_the_same():
    scheme = chain(4)
    rates = drawn(scheme, 3, 6, spread=3.0)
    times = at(1e-6, 0.1, 1.0, 10.0, 1e3, 1e6)

    def shares(log_rates):
        return torch.stack(log_arrived(scheme, log_rates, "s0", ["s3"], times))

    together = vmap(shares)(rates)
    torch.testing.assert_close(together, torch.stack([shares(one) for one in rates]), rtol=1e-11, atol=0)
    slopes = [
        torch.autograd.grad(f(one).sum(), one)[0]
        for f, one in (
            (vmap(shares), rates.clone().requires_grad_()),
            (shares, rates[1].clone().requires_grad_()),
        )
    ]
    torch.testing.assert_close(slopes[0][1], slopes[1], rtol=1e-9, atol=1e-9)


def test_nothing_arrives_in_no_time_or_without_a_way_and_derivatives_stay_finite():
    rates = torch.tensor(
        [[0.0, 0.0], [0.0, -torch.inf], [-torch.inf, 0.0]], dtype=torch.float64
    ).requires_grad_()
    arrived, waiting = log_arrived(TWO_STEPS, rates, "a", ["c"], at(0.0, 1.0, 1.0))
    assert arrived.tolist() == pytest.approx([math.log(LEAST)] * 3)
    assert waiting.tolist() == [0.0, 0.0, 0.0]
    (slope,) = torch.autograd.grad((arrived - waiting).sum(), rates, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), rates)
    assert slope.isfinite().all()
    assert bend.isfinite().all()


def test_extreme_rates_neither_overflow_nor_lose_their_derivatives():
    scheme = chain(6)
    rates = (20.0 * drawn(scheme, 30).sign()).requires_grad_()
    for time in (1e-6, 1.0, 1e6):
        arrived, waiting = log_arrived(scheme, rates, "s0", ["s5"], at(time).squeeze())
        (slope,) = torch.autograd.grad((arrived - waiting).sum(), rates, create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), rates)
        assert arrived.isfinite().all()
        assert waiting.isfinite().all()
        assert slope.isfinite().all()
        assert bend.isfinite().all()


def test_the_unit_of_time_does_not_matter():
    scheme = complete(4)
    rates = drawn(scheme, 10, spread=3.0)
    one = torch.stack(log_arrived(scheme, rates, "s0", ["s1"], at(2.0).squeeze()))
    other = torch.stack(log_arrived(scheme, rates - math.log(60.0), "s0", ["s1"], at(120.0).squeeze()))
    torch.testing.assert_close(one, other, rtol=1e-10, atol=0)


def test_states_are_checked():
    with pytest.raises(StudyError, match="no state 'x'"):
        log_arrived(TWO_STEPS, torch.zeros(2), "x", ["c"], torch.ones(()))
    for targets in ([], ["a", "c"]):
        with pytest.raises(ModelError, match="never arrive"):
            log_arrived(TWO_STEPS, torch.zeros(2), "a", targets, torch.ones(()))


@pytest.mark.parametrize("rows", [(), (0,), (2, 3)])
def test_any_shape_of_rows_has_its_shares(rows):
    arrived, waiting = log_arrived(chain(4), drawn(chain(4), *rows), "s0", ["s3"], torch.ones(rows))
    assert arrived.shape == waiting.shape == rows
    assert occupancies_at(chain(4), drawn(chain(4), *rows), "s0", torch.ones(())).shape == (*rows, 4)
