"""Whether a list of steps can have happened: checked before any data are read."""

from __future__ import annotations

from collections.abc import Sequence

from pajamo.config.protocol import MeasureStep, ProtocolSettings
from pajamo.errors import StudyError, nearest
from pajamo.protocols.assumptions import ASSUMPTIONS
from pajamo.protocols.steps import Dose, Stay, Step


def require_possible(settings: ProtocolSettings, *, timed: bool) -> None:
    """Refuse a protocol that contradicts itself.

    Arguments
    ---------
    timed: whether the screen says when cells were measured.

    Raises
    ------
    StudyError: no steps; a step after the measurement; a measurement before any perturbation in a protocol
        that perturbs; two open-ended steps, or one that is not the last; nothing after the last perturbation;
        times without a unit; several columns of batches; an assumption that there is not.
    """
    lists = _lists(settings)
    if not lists:
        raise StudyError(
            "the protocol has no steps", where="[protocol]", fix="add [[protocol.steps]], one table a step"
        )
    for name, steps in lists.items():
        _require_order(steps, name)
    _require_unit(settings, lists, timed)
    _require_one_batch(lists)
    _require_assumptions(settings)


def batch_column(settings: ProtocolSettings) -> str | None:
    """The column of batches that the measurements name."""
    steps = [step for steps in _lists(settings).values() for step in steps]
    named = [step.batch for step in steps if isinstance(step, MeasureStep) and step.batch]
    return named[0] if named else None


def place(name: str, number: int, step: Step) -> str:
    """Where a step stands, as errors name it: "protocol.steps, step 2 (perturb)"."""
    return f"{name}, step {number + 1} ({step.do})"


def _lists(settings: ProtocolSettings) -> dict[str, tuple[Step, ...]]:
    named = {"protocol.steps": settings.steps, "protocol.controls": settings.controls}
    arms = {f"protocol.arms.{arm}": steps for arm, steps in settings.arms.items()}
    return {name: steps for name, steps in named.items() if steps} | arms


def _require_order(steps: Sequence[Step], name: str) -> None:
    if not steps:
        raise StudyError(f"{name} has no steps", where=name, fix="add a step, or leave the arm out")
    _require_measured_last(steps, name)
    stays = [i for i, step in enumerate(steps) if isinstance(step, Stay)]
    doses = [i for i, step in enumerate(steps) if isinstance(step, Dose)]
    _require_one_open(steps, stays, name)
    if not stays or (doses and doses[-1] > stays[-1]):
        after = place(name, doses[-1], steps[doses[-1]]) if doses else name
        raise StudyError(
            "nothing says where cells are kept after this" if doses else "no step says where cells are kept",
            where=after,
            why="an edit changes nothing in no time",
            fix='add a step { do = "culture", medium = "..." } before the measurement; it needs no duration',
        )


def _require_measured_last(steps: Sequence[Step], name: str) -> None:
    measured = [i for i, step in enumerate(steps) if isinstance(step, MeasureStep)]
    if not measured or measured[0] == len(steps) - 1:
        return
    late = measured[0] + 1
    perturbs = any(isinstance(step, Dose) for step in steps[late:])
    before = any(isinstance(step, Dose) for step in steps[:late])
    raise StudyError(
        "cells are measured before they are perturbed" if perturbs and not before else
        f"a step follows the measurement: {steps[late].do}",
        where=place(name, late, steps[late]),
        why="measuring takes cells apart; nothing can be done to them afterwards",
        fix="move `measure` to the end; cells measured earlier on the way are told apart by the time column",
    )  # fmt: skip


def _require_one_open(steps: Sequence[Step], stays: Sequence[int], name: str) -> None:
    lasting = [i for i in stays if getattr(steps[i], "duration", None) is None]
    if len(lasting) > 1:
        raise StudyError(
            f"{len(lasting)} steps last until the measurement: "
            + " and ".join(f"step {i + 1} ({steps[i].do})" for i in lasting),
            where=place(name, lasting[0], steps[lasting[0]]),
            why="a step without a duration lasts until cells were measured, and only the last one can",
            fix="give every step but the last a `duration`",
        )
    if lasting and lasting[0] != stays[-1]:
        raise StudyError(
            "a step without a duration is followed by others",
            where=place(name, lasting[0], steps[lasting[0]]),
            why="without a duration it lasts until cells were measured",
            fix="give it a `duration`",
        )


def _require_unit(settings: ProtocolSettings, lists: dict[str, tuple[Step, ...]], timed: bool) -> None:
    if settings.time_unit is not None:
        return
    given = [
        f"{place(name, i, step)}: {key} = {value:g}"
        for name, steps in lists.items()
        for i, step in enumerate(steps)
        for key, value in _times(step).items()
    ]
    if given or timed:
        raise StudyError(
            "the unit of times is missing",
            where=given[0] if given else "[protocol], for the screen's time column",
            why="rates are per unit of time: without it no number of a model can be read",
            fix='set time_unit = "day" (or second, minute, hour, week) under [protocol]',
        )


def _times(step: Step) -> dict[str, float]:
    """Times that a step gives; 0 is 0 in any unit."""
    found = {key: getattr(step, key, None) for key in ("duration", "onset", "onset_mean", "persistence")}
    return {key: value for key, value in found.items() if isinstance(value, float) and value > 0}


def _require_one_batch(lists: dict[str, tuple[Step, ...]]) -> None:
    named = {
        s.batch: name
        for name, steps in lists.items()
        for s in steps
        if isinstance(s, MeasureStep) and s.batch
    }
    if len(named) > 1:
        raise StudyError(
            f"arms name different columns of batches: {', '.join(map(repr, named))}",
            where=" and ".join(named.values()),
            why="cells of different arms are compared, so their batches must be told in one column",
            fix="bring them into one column of obs, and name it as `batch` under [data]",
        )


def _require_assumptions(settings: ProtocolSettings) -> None:
    for name in settings.accept:
        if name not in ASSUMPTIONS:
            raise StudyError(
                f"there is no assumption called {name!r}",
                where="protocol.accept",
                fix=f"{nearest(name, ASSUMPTIONS)}they are: {', '.join(ASSUMPTIONS)}",
            )
