"""From what is asked to a plan: reads the screen that the cells are like, and plans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pajamo.config import parse
from pajamo.data.public.datasets import resolve
from pajamo.data.reading.screens import read_screen
from pajamo.data.screen import Screen
from pajamo.protocols.planning.plan import Plan, plan_design
from pajamo.protocols.planning.present import PresentDesign, present_of_screen, stated_present
from pajamo.protocols.planning.reference import screen_reference, stated_reference
from pajamo.protocols.planning.settings import DesignSettings, read_design

EXCLUSIVE = (("like", "stated"), ("cells", "money"), ("path", "dataset"))
"""Keys of which only one can be given."""


def design(asked: str | Path | Mapping[str, Any] | DesignSettings | None = None, **changes: Any) -> Plan:
    """Plan a screen.

    Parameters
    ----------
    asked: a TOML file, or the same as nested tables.
    changes: keys of the file, which override it.

    Raises
    ------
    StudyError: unknown or impossible settings; a budget that does not carry its perturbations.
    DataError: the screen named in `like` cannot be used.
    """
    settings = _settings(asked, changes)
    screen = None if settings.like is None else _screen(settings)
    if screen is not None:
        reference = screen_reference(screen)
    else:
        assert settings.stated is not None
        reference = stated_reference(settings.stated)
    return plan_design(settings, reference, _present(settings, screen))


def _settings(
    asked: str | Path | Mapping[str, Any] | DesignSettings | None, changes: Mapping[str, Any]
) -> DesignSettings:
    if isinstance(asked, str | Path):
        asked = read_design(asked)
    if isinstance(asked, DesignSettings):
        if not changes:
            return asked
        asked = asked.model_dump(exclude_unset=True)
    return parse(DesignSettings, merged(asked or {}, changes), "what is asked")


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables with some keys replaced; of two keys that exclude each other the change wins."""
    excluded = {other for pair in EXCLUSIVE for other in pair if set(pair) & set(changes)}
    result = {key: value for key, value in base.items() if key not in excluded or key in changes}
    for key, value in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result


def _screen(settings: DesignSettings) -> Screen:
    assert settings.like is not None
    return read_screen(resolve(settings.like))


def _present(settings: DesignSettings, screen: Screen | None) -> PresentDesign | None:
    if settings.present is not None:
        return stated_present(settings.present, settings.perturbations, settings.guides or 1)
    if screen is not None and "batch" in screen.cells:
        return present_of_screen(screen)
    return None
