"""Where and how the command line prints: results to standard output, the rest to standard error."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from pajamo.pipeline.run_record import RunRecord

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a line as it is: paths and names may hold brackets, and are not broken."""
    out.print(text, markup=False, soft_wrap=True)


def progress(text: str) -> None:
    """Print a line about work that goes on."""
    err.print(text, style="dim", markup=False, soft_wrap=True)


def verdict(done: RunRecord) -> None:
    """Print what a run found and where its report is."""
    say(f"\n{done.verdict['sentence']}\n")
    say(f"report: {done.path / 'report.html'}")


def indented(name: str, text: str) -> None:
    """Print "name: text" as an indented paragraph."""
    lines = textwrap.wrap(f"{name}: {text}", out.width, initial_indent="  ", subsequent_indent="    ")
    say("\n".join(lines))


def escape(text: str) -> str:
    """Let brackets stand for themselves."""
    return text.replace("[", r"\[")
