"""What can go wrong, as one tree.

    PajamoError
    ├── UserError            the input can be mended by the user; exit code 2
    │   ├── DataError        what was recorded cannot be used as it is
    │   │   └── DoesNotFit       a count that a store's type would change (it carries a wider type)
    │   ├── StudyError       the study file does not say what it should
    │   ├── SplitError       the split asked for cannot be made, or leaks
    │   ├── ModelError       a model is asked for something it cannot do
    │   │   └── IntegrationError   a flow in time diverges (it carries the last finite state)
    │   ├── IntegrityError   a file is not what was written: truncated, altered, or hostile
    │   ├── DownloadError    a public data set did not arrive whole
    │   └── MissingExtraError an optional dependency is not installed
    ├── StorageError         the disk refused a write; nothing is half-written; exit code 3
    └── ProcessLost          another process of the same training has died or failed; this one stops
    PajamoWarning            something to know; never needed for a correct result

Each error says what is wrong, where (file, row, key), why it matters, and what to do next.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable


class PajamoError(Exception):
    """Base of every error that pajamo raises on purpose.

    Catch it to handle them all::

        try:
            run = pajamo.run("study.toml")
        except pajamo.PajamoError as error:
            print(error.what, error.fix)
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", fix: str = "") -> None:
        self.what, self.where, self.why, self.fix = what, where, why, fix
        super().__init__(what, where, why, fix)

    def __str__(self) -> str:
        lines = [self.what]
        for name, text in (("where", self.where), ("why", self.why), ("next", self.fix)):
            if text:
                lines.append(f"  {name}: {text}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.why, self.fix)


def _rebuild(kind: type[PajamoError], what: str, where: str, why: str, fix: str) -> PajamoError:
    return kind(what, where=where, why=why, fix=fix)


class UserError(PajamoError):
    """The input can be mended by the user."""

    exit_code = 2


class DataError(UserError):
    """What was recorded cannot be used as it is."""


class StudyError(UserError):
    """The study file does not say what it should."""


class SplitError(UserError):
    """The split that was asked for cannot be made, or it leaks."""


class ModelError(UserError):
    """A model is asked for something that it cannot do."""


class IntegrityError(UserError):
    """A file is not what was written: truncated, altered, or hostile."""


class DownloadError(UserError):
    """A public data set did not arrive whole."""


class MissingExtraError(UserError):
    """An optional dependency is not installed."""

    @classmethod
    def for_extra(cls, extra: str, purpose: str) -> MissingExtraError:
        """Name the extra whose installation makes `purpose` possible."""
        return cls(
            f"{purpose} needs an optional dependency that is not installed",
            fix=f"pip install 'pajamo[{extra}]'",
        )


class StorageError(PajamoError):
    """The disk refused a write. What stood there before still stands; nothing is half-written."""

    exit_code = 3


class ProcessLost(PajamoError):
    """Another process of the same training has died or failed; this one stops. The last checkpoint stays."""


class PajamoWarning(UserWarning):
    """Something to know that does not stop the work."""


def warn(message: str) -> None:
    """Warn in pajamo's own category, pointing at the caller of the public function."""
    warnings.warn(message, PajamoWarning, stacklevel=3)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'? " for the nearest known name, or an empty string."""
    matches = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"did you mean {matches[0]!r}? " if matches else ""


def shorten(names: Iterable[object], most: int = 8) -> str:
    """Join the first few names and say how many more there are."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
