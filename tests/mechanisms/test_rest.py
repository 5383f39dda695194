"""Rest points: the right basin, the right gradients, honest failure."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.mechanisms.rest_systems import long_run, network, some_edits, toggle, unperturbed

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.drift import ProductionDecay
from pajamo.mechanisms.flows.resting.rest import rest_point, strengthened


def test_where_the_flow_ends_is_where_the_rest_point_is():
    drift, edits = network(30, 4), some_edits(8, 30)
    start = torch.ones(30, dtype=torch.float64)
    found = rest_point(drift, edits, start)
    torch.testing.assert_close(found.state, long_run(drift, edits, start.expand(8, 30), 0.1, 1500))
    assert found.residual.max() < 1e-9


def test_the_basin_of_the_control_is_kept():
    drift, draw = toggle(3.0), torch.Generator().manual_seed(0)
    control = rest_point(drift, unperturbed(1, 2), torch.tensor([3.0, 0.0], dtype=torch.float64)).state
    edits = replace(unperturbed(200, 2), factor=1.2 * torch.rand(200, 2, generator=draw).double())
    found = rest_point(drift, edits, control[0])
    with torch.no_grad():
        reference = long_run(drift, edits, control.expand(200, 2), 0.1, 1500)
        rested = drift(reference, edits).abs().amax(-1) < 1e-9  # the ghost of a fold takes longer to pass
    assert rested.sum() > 195
    torch.testing.assert_close(found.state[rested], reference[rested], rtol=1e-7, atol=1e-7)
    changed = found.state[:, 0] < found.state[:, 1]
    assert 10 < changed.sum() < 190


def test_starts_far_from_rest_keep_their_basin_unless_on_its_border():
    drift, draw = toggle(3.0), torch.Generator().manual_seed(1)
    start = 5.0 * torch.rand(200, 2, generator=draw, dtype=torch.float64)
    found = rest_point(drift, unperturbed(200, 2), start).state
    first, ahead = found[:, 0] > found[:, 1], start[:, 0] - start[:, 1]
    clear = ahead.abs() > 0.05
    assert torch.equal(first[clear], ahead[clear] > 0)


def test_a_saddle_is_no_rest_point():
    saddle = torch.ones(2, dtype=torch.float64)
    for start in (saddle, 0.3 * saddle, saddle + torch.tensor([1e-6, 0.0])):
        found = rest_point(toggle(), unperturbed(1, 2), start, raise_=False)
        assert not found.converged.item() or (found.state - saddle).abs().max() > 0.5
        assert found.state.isfinite().all()


def test_gradients_are_those_of_finite_differences():
    drift, edits = network(5, 2, seed=3), some_edits(3, 5, seed=4)
    start = torch.ones(5, dtype=torch.float64)

    def state(reads, writes, bias, log_decay, factor, shift, level):
        weights = {
            "production.reads": reads,
            "production.writes": writes,
            "production.bias": bias,
            "log_decay": log_decay,
        }
        edited = replace(edits, factor=factor, shift=shift, level=level)
        return rest_point(_With(drift, weights), edited, start, tolerance=1e-13).state

    numbers = (*dict(drift.named_parameters()).values(), edits.factor, edits.shift, edits.level)
    names = [name for name, _ in drift.named_parameters()]
    assert names == ["log_decay", "production.reads", "production.writes", "production.bias"]
    log_decay, reads, writes, bias, *rest = (value.detach().clone().requires_grad_() for value in numbers)
    assert torch.autograd.gradcheck(state, (reads, writes, bias, log_decay, *rest))


class _With:
    """A drift with other weights."""

    def __init__(self, drift: ProductionDecay, weights: dict[str, torch.Tensor]) -> None:
        self.drift, self.weights = drift, weights

    def __call__(self, state, intervention):
        return torch.func.functional_call(self.drift, self.weights, (state, intervention))


def test_gradients_are_those_of_a_long_integration():
    drift, edits = network(12, 3, seed=1), some_edits(4, 12, seed=2)
    start = torch.ones(4, 12, dtype=torch.float64)
    weight = torch.linspace(-1, 1, 48, dtype=torch.float64).reshape(4, 12)
    loss = (weight * rest_point(drift, edits, start).state).sum()
    implicit = torch.autograd.grad(loss, list(drift.parameters()))
    unrolled = (weight * long_run(drift, edits, start, 0.2, 400)).sum()
    for ours, theirs in zip(implicit, torch.autograd.grad(unrolled, list(drift.parameters())), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


def test_the_drift_is_differentiated_once_however_long_the_way():
    drift, calls = network(6, 2), []
    forward = drift.forward

    def counted(state, intervention):
        calls.append(torch.is_grad_enabled())
        return forward(state, intervention)

    drift.forward = counted
    rest_point(drift, some_edits(1, 6), torch.full((6,), 40.0, dtype=torch.float64))
    assert len(calls) > 10
    assert sum(calls) == 1


def test_rows_do_not_influence_one_another():
    drift, edits = network(20, 3), some_edits(6, 20)
    start = torch.ones(20, dtype=torch.float64)
    together = rest_point(drift, edits, start).state
    alone = torch.cat([rest_point(drift, edits[i : i + 1], start).state for i in range(6)])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-11)


def test_clamped_components_take_their_level():
    edits = replace(
        unperturbed(1, 2),
        held=torch.tensor([[True, False]]),
        level=torch.tensor([[1.0, 0.0]], dtype=torch.float64),
    )
    found = rest_point(toggle(3.0), edits, torch.tensor([3.0, 0.1], dtype=torch.float64))
    torch.testing.assert_close(found.state, torch.tensor([[1.0, 1.5]], dtype=torch.float64))


class _Growing(torch.nn.Module):
    """Production twice the level, or a rotation."""

    def __init__(self, matrix: list[list[float]]) -> None:
        super().__init__()
        self.matrix = torch.tensor(matrix, dtype=torch.float64)

    def forward(self, state, medium):
        return state @ self.matrix.T


def test_a_runaway_is_named():
    drift = ProductionDecay(_Growing([[2.0, 0.0], [0.0, 0.0]]), torch.ones(2, dtype=torch.float64))
    edits = replace(unperturbed(2, 2), factor=torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=torch.float64))
    start = torch.ones(2, dtype=torch.float64)
    with pytest.raises(ModelError, match="1 of 2 perturbations") as caught:
        rest_point(drift, edits, start, names=["control", "knockout of a"])
    assert caught.value.where == "control"
    assert "grow without bound" in caught.value.why
    found = rest_point(drift, edits, start, raise_=False)
    assert found.converged.tolist() == [False, True]
    torch.testing.assert_close(found.state[1], torch.zeros(2, dtype=torch.float64), atol=1e-9, rtol=0)


class _Cycle(torch.nn.Module):
    """The repressilator, whose only rest point is an unstable focus."""

    def forward(self, state, medium):
        return 10.0 / (1.0 + state.roll(1, -1) ** 4)


def test_a_cycle_is_no_rest_point():
    drift = ProductionDecay(_Cycle(), torch.ones(3, dtype=torch.float64))
    start = torch.tensor([3.0, 0.5, 1.0], dtype=torch.float64)
    with pytest.raises(ModelError, match="no steady state") as caught:
        rest_point(drift, unperturbed(1, 3), start, most_steps=100)
    assert "keeps moving" in caught.value.why


def test_rows_that_do_not_rest_have_no_gradient():
    drift = toggle()
    start = torch.tensor([[1.0, 1.0], [2.0, 0.1]], dtype=torch.float64)
    found = rest_point(drift, unperturbed(2, 2), start, raise_=False, most_steps=20)
    assert found.converged.tolist() == [False, True]
    (gradient,) = torch.autograd.grad(found.state[0].sum(), drift.production.strength)
    assert gradient.tolist() == [0.0, 0.0]


def test_an_edit_made_slowly_may_end_elsewhere_but_is_the_whole_edit():
    drift, edits = network(15, 3), some_edits(5, 15)
    start = torch.ones(15, dtype=torch.float64)
    at_once, slowly = (rest_point(drift, edits, start, stages=stages).state for stages in (1, 4))
    torch.testing.assert_close(at_once, slowly, rtol=1e-8, atol=1e-10)
    half = strengthened(edits, start.expand(5, 15), 0.5)
    torch.testing.assert_close(half.factor - 1.0, 0.5 * (edits.factor - 1.0))


def test_a_start_that_does_not_fit_is_refused():
    with pytest.raises(ModelError, match="does not fit"):
        rest_point(toggle(), unperturbed(2, 2), torch.ones(3, dtype=torch.float64))
    with pytest.raises(ModelError, match="not finite"):
        rest_point(toggle(), unperturbed(2, 2), torch.tensor([torch.nan, 1.0], dtype=torch.float64))
