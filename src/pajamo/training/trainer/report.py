"""What is told of a step, and of a whole training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

Ended = Literal["finished", "time", "signal"]

STOPPED_EXIT_CODE: Final = 75
"""Of a command whose training stopped before its end and may be gone on with (EX_TEMPFAIL of sysexits.h)."""


@dataclass(frozen=True)
class StepReport:
    """A step, over all processes.

    Attributes
    ----------
    step: its number, from 1.
    loss: mean over the weight of the step (nats a prediction, for a language model).
    weight: what the sum of losses was divided by.
    learning_rate: of AdamW.
    gradient_norm: before clipping.
    applied: whether the weights changed; not if the step went wrong.
    seconds: since the step before ended.
    tokens_per_second: real ones, without padding; None if the task does not count them, as the next two.
    packed: real tokens as a share of places that were worked through.
    utilisation: operations that the model needs, as a share of what the processors could do in that time.
    order: hash of all data up to this step, in their order.
    """

    step: int
    loss: float
    weight: float
    learning_rate: float
    gradient_norm: float
    applied: bool
    seconds: float
    tokens_per_second: float | None
    packed: float | None
    utilisation: float | None
    order: str

    def facts(self) -> dict[str, Any]:
        """As JSON values; numbers that are not finite become texts."""
        return {name: _written(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended.

    Attributes
    ----------
    steps: that were done, over all starts of the run.
    updates: of the weights; fewer than steps where some went wrong.
    stopped: finished, or stopped by the time limit or by a signal, to be gone on with.
    loss: of the last good step; None if there was none.
    returns: times that training went back to a checkpoint.
    order: hash of all data in their order.
    checkpoint: the folder of the last checkpoint.
    validation: what `validate` said last.
    """

    steps: int
    updates: int
    stopped: Ended
    loss: float | None
    returns: int
    order: str
    checkpoint: Path
    validation: dict[str, float]

    @property
    def exit_code(self) -> int:
        """For the command line."""
        return 0 if self.stopped == "finished" else STOPPED_EXIT_CODE


def _written(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not abs(value) < float("inf") else value
