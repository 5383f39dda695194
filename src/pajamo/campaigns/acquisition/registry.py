"""Acquisitions by the name that a study gives."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.errors import StudyError, nearest, shorten

MODULES = {
    "random": "random",
    "least-confidence": "least_confidence",
    "margin": "margin",
    "ratio": "ratio",
    "entropy": "entropy",
    "bald": "bald",
    "batch-bald": "batch_bald",
    "power-bald": "power_bald",
    "variance": "variance",
    "expected-improvement": "expected_improvement",
    "upper-confidence-bound": "upper_confidence_bound",
    "thompson": "thompson",
    "probability-of-hit": "probability_of_hit",
    "knowledge-gradient": "knowledge_gradient",
    "expected-information": "information",
    "model-discrimination": "discrimination",
    "max-determinant": "max_det",
    "integrated-variance": "integrated_variance",
    "k-means": "k_means",
    "core-set": "core_set",
    "typiclust": "typiclust",
    "badge": "badge",
    "lcmd": "lcmd",
    "relative-distance": "relative_distance",
    "graph-coverage": "graph_coverage",
    "inference-set": "inference_set",
    "diverse-margin": "diverse_margin",
    "default": "default",
}
"""Module of each acquisition; it is imported when it is asked for."""


@dataclass(frozen=True)
class Card:
    """What there is to know about an acquisition before it is chosen.

    Attributes
    ----------
    name, source, unit: as in `Acquisition`.
    about: the first sentence of its description.
    settings: names of its settings and their defaults.
    """

    name: str
    source: str
    unit: str
    about: str
    settings: dict[str, Any]


def names() -> tuple[str, ...]:
    """Names of all acquisitions."""
    return tuple(MODULES)


def find(name: str) -> type[Acquisition]:
    """The class of an acquisition.

    Raises
    ------
    StudyError: there is none of this name; the nearest is named.
    """
    if name not in MODULES:
        raise StudyError(
            f"there is no acquisition {name!r}",
            where="acquisition",
            fix=f"{nearest(name, MODULES)}choose one of {shorten(MODULES, most=len(MODULES))}",
        )
    module = import_module(f"pajamo.campaigns.acquisition.{MODULES[name]}")
    kinds = [
        kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Acquisition)
    ]
    return next(kind for kind in kinds if getattr(kind, "name", None) == name)


def acquisition(name: str, **settings: Any) -> Acquisition:
    """An acquisition by name, with its settings as keyword arguments.

    Raises
    ------
    StudyError: an unknown name or setting, or one that is missing.
    """
    kind = find(name)
    known = inspect.signature(kind).parameters
    for setting in settings:
        if setting not in known:
            listed = f"its settings are {', '.join(known)}" if known else "it has no settings"
            raise StudyError(
                f"{name} has no setting {setting!r}",
                where=f"acquisition {name}",
                fix=f"{nearest(setting, known)}{listed}",
            )
    missing = [key for key, value in known.items() if value.default is value.empty and key not in settings]
    if missing:
        raise StudyError(f"{name} needs {', '.join(missing)}", where=f"acquisition {name}", fix="give them")
    return kind(**settings)


def by_goal(goal: str, **settings: Any) -> Acquisition:
    """The default policy for a goal: "model", "hits" or "optimum".

    Raises
    ------
    StudyError: an unknown goal or setting.
    """
    return acquisition("default", goal=goal, **settings)


def card(name: str) -> Card:
    """What there is to know about an acquisition.

    Raises
    ------
    StudyError: there is none of this name.
    """
    kind = find(name)
    about = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ").split(". ")[0].rstrip(".") + "."
    settings = {key: value.default for key, value in inspect.signature(kind).parameters.items()}
    return Card(name, kind.source, kind.unit, about, settings)
