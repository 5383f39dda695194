"""Reading the files that users write."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pajamo.errors import StudyError


def read_toml(path: Path, what: str = "study file") -> dict[str, Any]:
    """The tables of a TOML file.

    Parameters
    ----------
    path: of the file.
    what: it is, as complaints name it.

    Raises
    ------
    StudyError: the file is missing, cannot be read, or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StudyError(f"there is no such {what}", where=str(path), fix="check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"the {what} cannot be read", where=str(path), why=str(error)) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(
            f"the {what} is not valid TOML", where=str(path), why=str(error), fix="mend that line"
        ) from error
