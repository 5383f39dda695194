"""Commands about a screen itself: is it what it says, and how it should be designed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from typer import Option

from pajamo import api
from pajamo.cli.options import AsJson, Control, Perturbation, Screen
from pajamo.cli.printing import out, say


def check(
    screen: Screen,
    perturbation: Perturbation = "perturbation",
    control: Control = "control",
    layer: Annotated[str | None, Option(help="Layer with the counts; X if not given.")] = None,
    scale: Annotated[str, Option(help="counts, or log1p if values are ln(1 + CP10K) already.")] = "counts",
    library_size: Annotated[
        str | None, Option(help="Column with the molecules of the whole library.")
    ] = None,
    batch: Annotated[str | None, Option(help="Column with the batch.")] = None,
    context: Annotated[str | None, Option(help="Column with the cell line, donor or medium.")] = None,
    time: Annotated[str | None, Option(help="Column with the time of measurement.")] = None,
    fix: Annotated[
        list[str] | None, Option(help="A named choice; writes a new file. 'list' names them.")
    ] = None,
    output: Annotated[Path | None, Option("--output", "-o", help="The new file of --fix.")] = None,
    explain: Annotated[bool, Option("--explain", help="Say of every rule why it matters.")] = False,
    as_json: AsJson = False,
) -> None:
    """Is this screen what a perturbation model needs? Every rule explained, offending rows shown.

    Of a study of an assay: are the tables of sequences what they should be, and can its mechanisms be fitted to them?
    """
    given = {
        "perturbation": perturbation, "control": control, "layer": layer, "scale": scale,
        "library_size": library_size, "batch": batch, "context": context, "time": time,
    }  # fmt: skip
    columns = {key: value for key, value in given.items() if value is not None}
    if fix:
        if fix == ["list"]:
            _print_choices()
            return
        say(f"wrote {api.fix(screen, fix, output=output, **columns)}")
        return
    report = api.check(screen, **columns)
    out.print(report.to_json() if as_json else report.to_text(explain=explain), markup=False, soft_wrap=True)
    if not report.passed:
        raise typer.Exit(2)


def _print_choices() -> None:
    table = Table("choice", "what it does", title="pajamo check --fix")
    for name, description in api.fix_choices().items():
        table.add_row(name, description)
    out.print(table)
