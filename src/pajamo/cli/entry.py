"""The entry point: exit codes, errors as a user reads them, Ctrl-C."""

from __future__ import annotations

import sys
import traceback
import warnings
from typing import Any, TextIO

import typer

from pajamo.cli.commands import app
from pajamo.cli.printing import err, escape
from pajamo.errors import PajamoError, PajamoWarning

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect."""
# Typer carries its own copy of click in newer versions; this is the same class in all of them.
UsageError: Any = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command line; user errors leave with code 2 and no traceback unless --debug is given."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    with warnings.catch_warnings():
        warnings.simplefilter("always", PajamoWarning)
        warnings.showwarning = _show_warning
        sys.exit(_exit_code(arguments, debug=len(arguments) < len(sys.argv) - 1))


def _exit_code(arguments: list[str], *, debug: bool) -> int:
    try:
        code = int(app(arguments, standalone_mode=False) or 0)
    except UsageError as error:
        error.show()
        return int(error.exit_code)
    except PajamoError as error:
        if debug:
            traceback.print_exc()
        err.print(f"[bold red]error[/bold red]: {escape(str(error))}", soft_wrap=True)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        if debug:
            raise
        err.print(f"internal error: {type(error).__name__}: {error}", markup=False, soft_wrap=True)
        err.print("this is a defect of pajamo: run again with --debug and report what it prints")
        return 1
    if code == INTERRUPTED:  # newer versions of typer leave with this code instead of raising
        err.print("interrupted; the same command goes on where it stopped")
    return code


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print pajamo's own warnings as a line; those of libraries mean nothing to who typed a command."""
    del filename, lineno, file, line
    if issubclass(category, PajamoWarning):
        err.print(f"note: {message}", markup=False, soft_wrap=True)
