"""The command that explains a fitted model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from pajamo import api
from pajamo.cli.printing import say


def explain(
    target: Annotated[Path, typer.Argument(help="A fitted model, or the folder of a run.")],
    model: Annotated[
        str | None, Option(help="Of a run: which of its models; the best one if not given.")
    ] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", help="A folder: every table as CSV, and the text.")
    ] = None,
) -> None:
    """What a model is, what it assumes, and what it found, with intervals.

    Of dynamics: regulators, network, rest points and their stability, attractors, and where the order of operations
    matters.
    """
    made = api.explain(target, model=model, output=output)
    say(made.to_text())
    if output is not None:
        say(f"\nwrote {len(made.tables)} tables to {output}")
