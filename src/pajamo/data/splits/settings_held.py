"""Splits that hold out a context (cell line, donor, medium) or a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pajamo.config import SplitSettings
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Pseudobulk
from pajamo.data.splits.design import Design, require
from pajamo.data.splits.split import Fold
from pajamo.errors import SplitError, nearest, shorten

Value = str | float


def context(settings: SplitSettings, design: Design, bulk: Pseudobulk, seed: int) -> tuple[Fold, ...]:
    """Hold out all perturbations in one context, each in turn or those named in `held`."""
    del bulk, seed
    return _in_turn("context", settings, design, lambda condition: condition.context, str)


def time(settings: SplitSettings, design: Design, bulk: Pseudobulk, seed: int) -> tuple[Fold, ...]:
    """Hold out all perturbations at one time, each in turn or those named in `held`."""
    del bulk, seed
    return _in_turn("time", settings, design, lambda condition: condition.time, _as_time)


def _in_turn(
    kind: str,
    settings: SplitSettings,
    design: Design,
    value_of: Callable[[Condition], Value],
    read: Callable[[Value], Value],
) -> tuple[Fold, ...]:
    known: Sequence[Value] = sorted(
        {value_of(c) for c in design.conditions}, key=lambda value: (str(type(value)), value)
    )
    fix = f"name the {kind} column under [data], or use another kind of split"
    require(known, 2, f"{kind}s with perturbations", kind, fix)
    held = [_known(read(value), known, kind) for value in settings.held] or known
    folds = []
    for value in held:
        test = tuple(c for c in design.conditions if value_of(c) == value)
        label = f"{value:g}" if isinstance(value, float) else value
        folds.append(Fold(f"{kind}={label}", design.without(test), test))
    return tuple(folds)


def _as_time(value: Value) -> Value:
    try:
        return float(value)
    except ValueError:
        raise SplitError(
            f"{value!r} is not a time",
            where="[split] held",
            why="times are numbers",
            fix="for example held = [5]",
        ) from None


def _known(value: Value, known: Sequence[Value], kind: str) -> Value:
    if value in known:
        return value
    raise SplitError(
        f"no perturbation was measured in {kind} {value!r}",
        where="[split] held",
        fix=f"{nearest(str(value), map(str, known))}known: {shorten(known)}",
    )
