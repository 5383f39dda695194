"""What is said when an integration cannot go on, and the last state that was still finite."""

from __future__ import annotations

import torch

from pajamo.errors import ModelError, shorten


class IntegrationError(ModelError):
    """An integration stopped before its end.

    Attributes
    ----------
    state: last finite state of every row, shape (rows, components); None where nothing was integrated.
    time: the time that each row had reached, in the unit of the drift, shape (rows,).
    rows: positions of the rows that could not go on.
    """

    state: torch.Tensor | None = None
    time: torch.Tensor | None = None
    rows: tuple[int, ...] = ()


def no_progress(state: torch.Tensor, time: torch.Tensor, stuck: torch.Tensor) -> IntegrationError:
    """The step became too small to move the clock: the state diverges, or the drift is not finite."""
    return _failure(
        "the state diverges: no step is small enough to stay finite and within the tolerance",
        "the drift grows without bound, or is not a number there",
        "keep the drift bounded (positive decay, saturating production), shorten the duration, or lower the "
        "learning rate: earlier weights are still in the last checkpoint",
        (state, time, stuck),
    )


def too_many_steps(
    state: torch.Tensor, time: torch.Tensor, unfinished: torch.Tensor, most: int
) -> IntegrationError:
    """The number of steps that was allowed is used up."""
    return _failure(
        f"the integration is not at its end after {most} steps",
        "rates that differ by orders of magnitude (a stiff system) hold an explicit method to tiny steps",
        'take method="implicit", loosen rtol, or allow more with max_steps',
        (state, time, unfinished),
    )


def refuse_second_derivatives() -> None:
    """Stop a backward pass that is itself to be differentiated; torch would leave terms out and say nothing."""
    if torch.is_grad_enabled():
        raise ModelError(
            "this integration can be differentiated once, not twice",
            why="what its backward pass recomputes is not recorded",
            fix='take method="explicit" with gradient="direct" where second derivatives are needed',
        )


def _failure(
    what: str, why: str, fix: str, at: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> IntegrationError:
    state, time, stopped = (part.detach().clone() for part in at)
    rows = tuple(int(row) for row in stopped.nonzero()[:, 0])
    reached = shorten([f"row {row} at time {time[row].item():.6g}" for row in rows], most=4)
    error = IntegrationError(what, where=f"{reached} (last finite state attached)", why=why, fix=fix)
    error.state, error.time, error.rows = state, time, rows
    return error
