"""Strict, frozen settings: the one place that turns what a user wrote into typed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from pajamo.errors import StudyError, nearest


class Config(BaseModel):
    """Base of all settings: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Settings = TypeVar("Settings", bound=Config)
Location = tuple[int | str, ...]
DISCRIMINATORS = ("do", "kind")
"""Keys that say which of several kinds a table is."""


def parse(kind: type[Settings], raw: Mapping[str, Any], where: str) -> Settings:
    """Check settings of any kind, turning each complaint into one that a user can act on."""
    try:
        return kind.model_validate(dict(raw))
    except ValidationError as error:
        raise _explained(kind, error, where) from None


def _explained(kind: type[Config], error: ValidationError, where: str) -> StudyError:
    # A misspelt table is reported as missing too; the misspelling is what the user can see.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    place = _Place(kind, first["loc"])
    where += place.step
    others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        valid = sorted(place.table.model_fields)
        hint = nearest(str(first["loc"][-1]), valid)
        return StudyError(
            f"unknown key {place.key!r}{others}", where=where, fix=f"{hint}valid here: {', '.join(valid)}"
        )
    if first["type"] == "missing":
        means = place.field.description if place.field else None
        return StudyError(
            f"key {place.key!r} is missing{others}", where=where, why=means or "", fix=f"add it to {where}"
        )
    if first["type"].startswith("union_tag"):
        return _untagged(place, first["ctx"], first["input"], where)
    message = first["msg"].removeprefix("Value error, ")
    given = "" if isinstance(first["input"], Mapping | BaseModel) else f", got {first['input']!r}"
    means = place.field.description if place.field else None
    return StudyError(f"{place.key or 'study'}: {message}{given}{others}", where=where, why=means or "")


def _untagged(place: _Place, context: Mapping[str, Any], given: Any, where: str) -> StudyError:
    """A table of which one key says the kind, and that key is missing or names no kind."""
    key = str(context["discriminator"]).strip("'")
    valid = [option.model_fields[key].default for option in place.options if key in option.model_fields]
    named = given.get(key) if isinstance(given, Mapping) else None
    hint = nearest(str(named), valid) if named is not None else ""
    what = (
        f"{place.key}: key {key!r} is missing" if named is None else f"{place.key}.{key}: unknown {named!r}"
    )
    return StudyError(what, where=where, fix=f"{hint}{key} is one of: {', '.join(valid)}")


class _Place:
    """Where in the settings a complaint belongs.

    Behind a position in a list, pydantic's location also holds the tag that told the kinds of table apart, which
    is not a key; in a table whose keys the user chooses, a key is no field.

    Attributes
    ----------
    key: as a user would write it: protocol.steps[1].onset.
    step: the last position in a list in words: ", step 2 (perturb)".
    table: the kind of table in which the key stands.
    field: the key's own field, None for one that there is not.
    options: kinds of table that could stand here.
    """

    def __init__(self, kind: type[Config], location: Location) -> None:
        self.key, self.step = "", ""
        self.table: type[Config] = kind
        self.field: FieldInfo | None = None
        self.options: tuple[type[Config], ...] = (kind,)
        self._before: int | str = ""
        self._mapping = ""
        for part in location:
            self._enter(part)
            self._before = part

    def _enter(self, part: int | str) -> None:
        if isinstance(part, int):
            self.key += f"[{part}]"
            self.step = f", step {part + 1}" if "do" in self._discriminators() else ""
        elif self._is_tag(part):
            self.table = _tags(self.options)[part]
            self.options = (self.table,)
            self.step += f" ({part})" if self.step else ""
        else:
            self.key += f".{part}" if self.key else part
            if not self._chosen_key():
                self._enter_field(part)

    def _discriminators(self) -> set[str]:
        return {key for key in DISCRIMINATORS for option in self.options if key in option.model_fields}

    def _is_tag(self, part: str) -> bool:
        """Whether the part is no key, but the tag that told several kinds of table apart."""
        told_apart = len(self.options) > 1 or isinstance(self._before, int)
        return told_apart and not self._chosen_key() and part in _tags(self.options)

    def _chosen_key(self) -> bool:
        """Whether the user chose the key: it follows a field whose value is a table of any keys."""
        return self._before == self._mapping != ""

    def _enter_field(self, name: str) -> None:
        if len(self.options) == 1:
            self.table = self.options[0]
        self.field = self.table.model_fields.get(name) if self.options else None
        self._mapping = name if self.field and get_origin(self.field.annotation) is dict else ""
        self.options = tuple(_tables(self.field.annotation)) if self.field else ()


def _tags(options: tuple[type[Config], ...]) -> dict[str, type[Config]]:
    """Kinds of table by the tag that tells them apart."""
    return {
        str(option.model_fields[key].default): option
        for option in options
        for key in DISCRIMINATORS
        if key in option.model_fields
    }


def _tables(annotation: Any) -> Iterator[type[Config]]:
    """Every kind of table inside an annotation, in its order: X | None, tuple[A | B, ...], dict[str, X]."""
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables(inner)
