"""What was recorded: reading, checking, splitting, integrity, shipped sets. Nothing here imports torch.

import pajamo

pajamo.data.list()          # every data set that pajamo knows
pajamo.data.get("renge")    # the path of one of them, fetched and verified
"""

from importlib import import_module
from typing import Any

_FUNCTIONS = {"get": "get", "list": "list_datasets"}


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return getattr(import_module("pajamo.data.public.datasets"), _FUNCTIONS[name])
    raise AttributeError(f"module 'pajamo.data' has no attribute {name!r}")
