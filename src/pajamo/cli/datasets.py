"""Commands about public data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from pajamo.cli.printing import out, progress, say

app = typer.Typer(help="Public data sets: list them, fetch them.", no_args_is_help=True)


@app.command("list")
def data_list() -> None:
    """List the public data sets that pajamo knows."""
    from pajamo.data.public.datasets import list_datasets

    table = Table(Column("name", no_wrap=True), "what", "cells", "licence", "here")
    for entry in list_datasets():
        cells = f"{entry.cells:,}" if entry.cells else ""
        table.add_row(entry.name, entry.title, cells, entry.licence, "yes" if entry.here else "")
    out.print(table)


@app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    source: Annotated[Path | None, typer.Option("--from", help="A file that was fetched by hand.")] = None,
) -> None:
    """Fetch a public data set, verify it, and keep it in the cache."""
    from pajamo.data.public.datasets import get

    say(f"{get(name, source=source, progress=progress)}")
