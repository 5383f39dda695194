"""A measurement seen from the other side: the same readings of the activity with the opposite sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from pajamo.errors import ModelError
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.measurements.scalar.measurement import Measurement
from pajamo.measurements.scalar.nonlinearities.line import Line
from pajamo.measurements.scalar.nonlinearities.sigmoid import Sigmoid
from pajamo.measurements.scalar.nonlinearities.spline import Spline
from pajamo.measurements.scalar.nonlinearities.tanh import SumOfTanh


@torch.no_grad()
def mirror(measurement: Measurement) -> None:
    """Change a measurement in place so that it says of minus an activity what it said of the activity.

    Raises
    ------
    ModelError: what is recorded can only rise with the activity.
    """
    if isinstance(measurement, FreeBins):
        measurement.span = -measurement.span.flip(0)
        measurement.curves.copy_(measurement.curves.flip(1))
        return
    if not isinstance(measurement, ContinuousReading) or measurement.nonlinearity.monotone:
        raise ModelError(
            "this measurement cannot be turned over", why="its readings only rise with the activity"
        )
    curve: Any = measurement.nonlinearity
    curve.centre = -curve.centre
    _MIRRORS[type(curve)](curve)


def _line(curve: Any) -> None:
    curve.steepness.neg_()


def _sigmoid(curve: Any) -> None:
    curve.floor += curve.height
    curve.height.neg_()
    curve.middle.neg_()


def _tanh(curve: Any) -> None:
    # Terms change places too, as the prior of each lies about its own middle.
    curve.heights.copy_(-curve.heights.flip(0))
    curve.middles.copy_(-curve.middles.flip(0))
    curve.log_steepness.copy_(curve.log_steepness.flip(0))


def _spline(curve: Any) -> None:
    curve.offset.copy_(curve.coefficients()[-1])
    curve.steps.copy_(-curve.steps.flip(0))


_MIRRORS: dict[type, Callable[[Any], None]] = {
    Line: _line,
    Sigmoid: _sigmoid,
    SumOfTanh: _tanh,
    Spline: _spline,
}
