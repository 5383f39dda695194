"""How an error in the state, or in the law, travels through a flow and to its rest point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from pajamo.errors import DataError
from pajamo.protocols.errors.groups import Array

Jacobian = Array | Callable[[float], Array]
"""Derivative of the drift by the state, constant or as a function of time along the trajectory."""
SINGULAR = 1e12


@dataclass(frozen=True)
class RestPointError:
    """What errors of the drift do to a rest point.

    Attributes
    ----------
    covariance: of the rest point, J^-1 C J^-T; shape (states, states).
    amplification: largest factor by which a drift error of unit length moves it, the norm of J^-1.
    direction: the way in which it moves most, of unit length; shape (states,).
    slowest: largest real part among the eigenvalues of J; it vanishes at a critical point.
    """

    covariance: Array
    amplification: float
    direction: Array
    slowest: float


def fundamental_matrix(jacobian: Jacobian, duration: float, *, steps: int = 200) -> Array:
    """Phi(t), which carries a small deviation of the start to the end: dPhi/dt = J(t) Phi, Phi(0) = 1.

    A Jacobian that changes is taken constant over each step at the fourth-order Magnus average (Blanes et
    al. 2009, Phys. Rep. 470, 151).

    Raises
    ------
    DataError: a duration that is negative, or a Jacobian that is not square or not finite.
    """
    return _integrate(jacobian, None, duration, steps)[0]


def propagate(
    jacobian: Jacobian, start: Array, duration: float, *, process: Array | None = None, steps: int = 200
) -> Array:
    """Covariance at the end of a stretch of time: Phi Sigma_0 Phi^T, and what process noise adds.

    dSigma/dt = J Sigma + Sigma J^T + D. In a differentiating system Phi keeps the error of the start; at a
    stable rest point it forgets it.

    Parameters
    ----------
    jacobian: shape (states, states), or a function of time since the start.
    start: covariance of the start, e.g. cell variance over number of cells.
    duration: in the unit of time of the Jacobian.
    process: D, the covariance that random motion adds per unit of time.

    Raises
    ------
    DataError: as `fundamental_matrix`; a covariance of another shape.
    """
    flow, noise = _integrate(jacobian, process, duration, steps)
    return through(flow, start, process=noise)


def through(flow: Array, start: Array, *, process: Array | float = 0.0) -> Array:
    """Phi Sigma_0 Phi^T + process, for a fundamental matrix that is known.

    Raises
    ------
    DataError: shapes that do not fit.
    """
    flow, start = np.asarray(flow, dtype=float), np.asarray(start, dtype=float)
    if flow.ndim != 2 or start.shape != (flow.shape[1],) * 2:
        raise DataError(
            f"a covariance of shape {start.shape} does not fit a flow of shape {flow.shape}",
            where="error propagation",
            fix="give a covariance of states by states",
        )
    return np.asarray(flow @ start @ flow.T + process)


def rest_point_shift(jacobian: Array, drift_shift: Array) -> Array:
    """Where a rest point moves if the drift there changes by a little: -J^-1 (change of the drift).

    Raises
    ------
    DataError: a singular Jacobian, as at a bifurcation.
    """
    return np.asarray(-np.linalg.solve(_regular(jacobian), np.asarray(drift_shift, dtype=float)))


def rest_point_error(jacobian: Array, drift_covariance: Array) -> RestPointError:
    """Error of a rest point from that of the drift; the distance is at most amplification x drift error.

    Raises
    ------
    DataError: a singular Jacobian; a rest point that is not stable, so that no cell rests there.
    """
    matrix = _regular(jacobian)
    slowest = float(np.linalg.eigvals(matrix).real.max())
    if slowest >= 0:
        raise DataError(
            f"the rest point is not stable: its slowest mode grows at rate {slowest:.3g}",
            where="Jacobian",
            why="cells leave such a point, so no measurement at rest describes it",
            fix="start in the basin of the control and follow the flow to a stable point",
        )
    inverse: Array = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    left, values, _ = np.linalg.svd(inverse)
    return RestPointError(through(inverse, drift_covariance), float(values[0]), left[:, 0], slowest)


def _integrate(jacobian: Jacobian, process: Array | None, duration: float, steps: int) -> tuple[Array, Array]:
    """Fundamental matrix and accumulated process noise, step by step."""
    if not (duration >= 0 and np.isfinite(duration)):
        raise DataError(f"a duration of {duration:g} is not possible", where="error propagation")
    if callable(jacobian):
        at, constant = jacobian, _square(jacobian(0.0))
    else:
        at, constant = None, _square(jacobian)
    states = len(constant)
    noise_rate = np.zeros((states, states)) if process is None else np.asarray(process, dtype=float)
    flow, noise = np.eye(states), np.zeros((states, states))
    count = steps if at is not None else 1
    step = duration / count
    for k in range(count):
        generator = constant * step if at is None else _magnus(at, k * step, step)
        one, added = _one_step(generator, noise_rate * step)
        flow, noise = one @ flow, one @ noise @ one.T + added
    return flow, noise


def _magnus(at: Callable[[float], Array], start: float, step: float) -> Array:
    """Average generator of one step from two Gauss points."""
    offset = np.sqrt(3) / 6
    first, second = _square(at(start + (0.5 - offset) * step)), _square(at(start + (0.5 + offset) * step))
    bracket = second @ first - first @ second
    return np.asarray(step * (first + second) / 2 + np.sqrt(3) / 12 * step**2 * bracket)


def _one_step(generator: Array, noise: Array) -> tuple[Array, Array]:
    """Flow and noise of one step (Van Loan 1978), halved until it is short and then doubled.

    A long step of a stable system would overflow, because the block also holds the exponential of -J.
    """
    states = len(generator)
    doublings = max(0, int(np.ceil(np.log2(max(float(np.linalg.norm(generator, 1)), 1.0)))))
    short = generator / 2**doublings
    block = np.block([[-short, noise / 2**doublings], [np.zeros_like(short), short.T]])
    exponential = scipy.linalg.expm(block)
    flow = exponential[states:, states:].T
    added = flow @ exponential[:states, states:]
    for _ in range(doublings):
        flow, added = flow @ flow, flow @ added @ flow.T + added
    return flow, added


def _square(jacobian: Array) -> Array:
    matrix = np.asarray(jacobian, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise DataError(
            f"a Jacobian of shape {matrix.shape} is not square, or not finite",
            where="error propagation",
            fix="give the derivative of each state's drift by each state",
        )
    return matrix


def _regular(jacobian: Array) -> Array:
    matrix = _square(jacobian)
    if np.linalg.cond(matrix) > SINGULAR:
        raise DataError(
            "the Jacobian is singular: the rest point is at a bifurcation",
            where="error propagation",
            why="there the smallest error of the drift moves the rest point without bound",
            fix="take the point at another strength of the perturbation, or state a decay rate for every gene",
        )
    return matrix
