"""Where and how the command line prints: results to standard output, the rest to standard error."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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


def say_json(value: Any) -> None:
    """Print as JSON; what is not a number stands as null."""
    say(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def escape(text: str) -> str:
    """Let brackets stand for themselves."""
    return text.replace("[", r"\[")
