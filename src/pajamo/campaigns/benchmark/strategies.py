"""Strategies as they are written on a command line."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.acquisition.registry import acquisition
from pajamo.campaigns.benchmark.task import Task


def strategy(text: str, task: Task) -> Acquisition:
    """An acquisition from name:setting=value,...; the default policy follows the task's goal.

    Raises
    ------
    StudyError: an unknown acquisition or setting.
    """
    name, _, rest = text.partition(":")
    settings = {
        key: _value(found) for key, _, found in (part.partition("=") for part in rest.split(",") if part)
    }
    if name == "default":
        settings = {"goal": task.goal} | settings
    return acquisition(name, **settings)


def strategies(texts: Sequence[str], task: Task) -> dict[str, Acquisition]:
    """Several by the text that they are written as."""
    return {text: strategy(text, task) for text in texts}


def _value(text: str) -> object:
    """A number or a truth value where it is one, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
