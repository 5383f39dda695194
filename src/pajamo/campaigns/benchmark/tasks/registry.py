"""Tasks by the name that a command takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pajamo.campaigns.benchmark.task import Task
from pajamo.campaigns.benchmark.tasks.building import Start, begun
from pajamo.errors import DataError, nearest, shorten

BUILDERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "digits": ("shipped", "digits", {}),
    "breast-cancer": ("shipped", "breast_cancer", {}),
    "wine": ("shipped", "wine", {}),
    "iris": ("shipped", "iris", {}),
    "diabetes": ("shipped", "diabetes", {}),
    "concrete": ("tables", "concrete", {}),
    "concrete-in-days": ("tables", "concrete", {"log_age": False}),
    "mnist-5k": ("tables", "mnist_5k", {}),
    "synth-class-1": ("synthetic", "synth_class_1", {}),
    "synth-class-2": ("synthetic", "synth_class_2", {}),
    "synth-class-3": ("synthetic", "synth_class_3", {}),
    "synth-reg-1": ("synthetic", "synth_reg_1", {}),
    "synth-reg-2": ("synthetic", "synth_reg_2", {}),
    "gaussian-clouds": ("synthetic", "gaussian_clouds", {}),
    "checkerboard-2x2": ("synthetic", "checkerboard", {"fields": 2}),
    "checkerboard-4x4": ("synthetic", "checkerboard", {"fields": 4}),
    "schmidt-ifng": ("screens", "schmidt_ifng", {}),
    "schmidt-ifng-without-il2": ("screens", "schmidt_ifng", {"prior": False}),
    "sanchez-2021": ("screens", "sanchez_2021", {}),
    "horlbeck-pairs": ("pairs", "horlbeck_pairs", {}),
    "horlbeck-pairs-interaction": ("pairs", "horlbeck_pairs", {"recorded": "interaction"}),
    "norman-pairs": ("pairs", "norman_pairs", {}),
    "norman-profiles": ("profiles", "norman_profiles", {}),
    "norman-pairs-interaction": ("pairs", "norman_pairs", {"recorded": "interaction"}),
}
BUILDERS |= {
    name: ("uci", "uci", {"name": name})
    for name in (
        "energy",
        "energy-cooling",
        "power",
        "red-wine",
        "yacht",
        "airfoil",
        "glass",
        "seeds",
        "parkinsons",
    )
}
"""Module, function and settings of each task; nothing is imported or read before the task is asked for."""


def names() -> tuple[str, ...]:
    """Names of all tasks."""
    return tuple(BUILDERS)


def task(name: str, data: Path | str | None = None, *, start: Start = "usual", **settings: Any) -> Task:
    """A task by name.

    Parameters
    ----------
    data: folder of the user's files, for tasks that are read from some.
    start: "usual", "warm" (a tenth of the candidates) or "cold" (one of each class; the two most distant).
    settings: of the task, such as `learn="both"` of schmidt-ifng.

    Raises
    ------
    DataError: an unknown name or setting, or a file that is not there.
    MissingExtraError: the package that ships the set is not installed.
    """
    if name not in BUILDERS:
        raise DataError(
            f"there is no task {name!r}",
            where="tasks",
            fix=f"{nearest(name, BUILDERS)}choose one of {shorten(BUILDERS, most=len(BUILDERS))}",
        )
    module, function, fixed = BUILDERS[name]
    build: Callable[..., Task] = getattr(
        import_module(f"pajamo.campaigns.benchmark.tasks.{module}"), function
    )
    known = inspect.signature(build).parameters
    given = fixed | settings | ({"data": data} if "data" in known else {})
    for setting in given:
        if setting not in known:
            raise DataError(
                f"task {name} has no setting {setting!r}",
                where="tasks",
                fix=f"its settings are {', '.join(known)}" if known else "it has no settings",
            )
    return begun(build(**given), start)
