"""Strict, frozen settings: the one place that turns what a user wrote into typed values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pajamo.errors import StudyError, nearest


class Config(BaseModel):
    """Base of all settings: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Settings = TypeVar("Settings", bound=Config)


def parse(kind: type[Settings], raw: Mapping[str, Any], where: str) -> Settings:
    """Check settings of any kind, turning each complaint into one that a user can act on."""
    try:
        return kind.model_validate(dict(raw))
    except ValidationError as error:
        raise _explained(kind, error, where) from None


def _explained(kind: type[Config], error: ValidationError, where: str) -> StudyError:
    # A misspelt table is reported as missing too; the misspelling is what the user can see.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        valid = _keys_beside(kind, first["loc"])
        hint = nearest(str(first["loc"][-1]), valid)
        return StudyError(
            f"unknown key {key!r}{others}", where=where, fix=f"{hint}valid here: {', '.join(valid)}"
        )
    if first["type"] == "missing":
        return StudyError(f"key {key!r} is missing{others}", where=where, fix=f"add it to {where}")
    given = "" if isinstance(first["input"], Mapping) else f", got {first['input']!r}"
    return StudyError(f"{key or 'study'}: {first['msg']}{given}{others}", where=where)


def _keys_beside(kind: type[Config], location: tuple[int | str, ...]) -> list[str]:
    """The valid keys of the table in which the given key stands."""
    for part in location[:-1]:
        field = kind.model_fields.get(str(part))
        options = [] if field is None else [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = [option for option in options if isinstance(option, type) and issubclass(option, Config)]
        if not inner:
            return []
        kind = inner[0]
    return sorted(kind.model_fields)
