"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Screen = Annotated[
    Path, typer.Argument(help="An h5ad file or a store, cells by genes; or a study file (TOML).")
]
StudyFile = Annotated[Path, typer.Argument(help="A study file (TOML).")]
Runs = Annotated[Path, typer.Option(help="Folder in which runs are kept.")]
Perturbation = Annotated[str, typer.Option(help="Column of obs that says what was done; combinations A+B.")]
Control = Annotated[str, typer.Option(help="Its value for unperturbed cells.")]
Split = Annotated[Path | None, typer.Option(help="A saved split.json instead of the study's own split.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
