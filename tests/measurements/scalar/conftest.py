"""Second derivatives of a measurement, as a Newton fit takes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pajamo.measurements.scalar.expansion import AutogradExpansion
from pajamo.measurements.scalar.measurement import Measurement, Recorded


def _second(measurement: Measurement, activity: Tensor, recorded: Recorded) -> list[Tensor]:
    expansion = AutogradExpansion(measurement, activity, recorded)
    each = torch.eye(len(activity), dtype=activity.dtype)
    return [*expansion.activity(convex=False), *expansion.parameters(), expansion.cross(each, convex=False)]


def _agree(measurement: Measurement, activity: Tensor, recorded: Recorded) -> None:
    def value(at: Tensor) -> Tensor:
        return measurement.log_likelihood(at, recorded)

    at = activity.clone().requires_grad_(True)
    assert torch.autograd.gradcheck(value, (at,), atol=1e-5)
    assert torch.autograd.gradgradcheck(value, (at,), atol=1e-4)


@pytest.fixture
def second_derivatives() -> Callable[[Measurement, Tensor, Recorded], list[Tensor]]:
    """First and second derivatives by activities and parameters."""
    return _second


@pytest.fixture
def assert_differentiable() -> Callable[[Measurement, Tensor, Recorded], None]:
    """First and second derivatives by the activity agree with finite differences."""
    return _agree
