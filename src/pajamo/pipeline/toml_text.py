"""Settings as TOML text, so that a run holds its study as it was resolved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_toml(table: Mapping[str, Any], name: str = "") -> str:
    """Write nested tables as TOML; keys without a value are left out."""
    values = {
        key: value for key, value in table.items() if value is not None and not isinstance(value, Mapping)
    }
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping) and value}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    head = [f"[{name}]"] if name and lines else []
    text = "\n".join([*head, *lines])
    inner = [to_toml(value, f"{name}.{_key(key)}" if name else _key(key)) for key, value in tables.items()]
    return "\n\n".join(part for part in [text, *inner] if part)


def _key(key: str) -> str:
    plain = key.replace("-", "").replace("_", "").isalnum() and key.isascii()
    return key if plain else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inner = [f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None]
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """A quoted text; TOML allows what JSON does, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
