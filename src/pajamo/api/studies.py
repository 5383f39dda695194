"""Studies as users give them: a file, a dictionary, or settings that are checked already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from pajamo.config import Study, parse_any_study, read_study
from pajamo.config.assays import AssayStudy
from pajamo.errors import StudyError

Progress = Callable[[str], None]
AnyStudy: TypeAlias = str | Path | dict[str, Any] | Study


def any_study(study: AnyStudy | AssayStudy) -> Study | AssayStudy:
    """A study of either kind.

    Raises
    ------
    StudyError: the file is missing, or what it says is no study.
    """
    if isinstance(study, Study | AssayStudy):
        return study
    return parse_any_study(study) if isinstance(study, dict) else read_study(study)


def screen_study(study: AnyStudy) -> Study:
    """A study of a screen, for verbs that know no other.

    Raises
    ------
    StudyError: as `any_study`; or it is the study of an assay.
    """
    asked = any_study(study)
    if isinstance(asked, AssayStudy):
        raise StudyError(
            "this takes the study of a screen, not of an assay",
            where=asked.name,
            fix="`pajamo run`, `check`, `fit` and `explain` take both",
        )
    return asked


def path_or_none(path: str | Path | None) -> Path | None:
    """A path, if one is given."""
    return None if path is None else Path(path)


def silent(_: str) -> None:
    """Progress that nobody wants to see."""
