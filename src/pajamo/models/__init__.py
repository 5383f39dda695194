"""Published systems and baselines, one file each, each with a card.

import pajamo

pajamo.models.list()        # the card of every model, baselines first
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name == "list":
        return import_module("pajamo.models.registry").cards
    raise AttributeError(f"module 'pajamo.models' has no attribute {name!r}")
