"""Commands about how a screen was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from pajamo import api
from pajamo.cli.options import AsJson, StudyFile
from pajamo.cli.printing import say

app = typer.Typer(help="What was done to the cells, step by step: check, draw, store.", no_args_is_help=True)


@app.command("check")
def protocol_check(
    target: Annotated[
        Path, typer.Argument(help="A study file (TOML), or an h5ad file that holds a protocol.")
    ],
    perturbation: Annotated[str | None, Option(help="For an h5ad: column that says what was done.")] = None,
    control: Annotated[str | None, Option(help="For an h5ad: its value for unperturbed cells.")] = None,
    scale: Annotated[str | None, Option(help="For an h5ad: counts or log1p.")] = None,
    layer: Annotated[str | None, Option(help="For an h5ad: layer with the counts.")] = None,
    library_size: Annotated[
        str | None, Option(help="For an h5ad: column with the library's molecules.")
    ] = None,
    batch: Annotated[str | None, Option(help="For an h5ad: column with the batch.")] = None,
    context: Annotated[
        str | None, Option(help="For an h5ad: column with the cell line, donor or medium.")
    ] = None,
    time: Annotated[str | None, Option(help="For an h5ad: column with the time of measurement.")] = None,
    output: Annotated[Path | None, Option("--output", "-o", help="Draw the timeline there, as SVG.")] = None,
    test: Annotated[bool, Option(help="Test on the cells what they can tell.")] = True,
    as_json: AsJson = False,
) -> None:
    """What was done to each group of cells, which control matches it, what models assume, what the data say."""
    columns: dict[str, Any] = {
        "perturbation": perturbation, "control": control, "scale": scale, "batch": batch, "context": context,
        "time": time, "layer": layer, "library_size": library_size,
    }  # fmt: skip
    report = api.protocol_check(target, test=test, output=output, **columns)
    say(report.to_json() if as_json else report.to_text())
    if output is not None and not as_json:
        say(f"wrote {output}")
    if not report.passed:
        raise typer.Exit(2)


@app.command("write")
def protocol_write(
    study: StudyFile,
    output: Annotated[Path, Option("--output", "-o", help="The new h5ad file.")],
) -> None:
    """Write a copy of a study's screen that also says what was done to its cells."""
    say(f"wrote {api.protocol_write(study, output)}")
