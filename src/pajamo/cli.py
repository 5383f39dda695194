"""The command line: a thin face over the Python API. Each command calls the function of its name."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer
from rich.console import Console
from rich.table import Table

from pajamo import api
from pajamo._version import __version__
from pajamo.errors import PajamoError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect."""

if TYPE_CHECKING:
    from pajamo.pipeline.judging import Evaluation
    from pajamo.pipeline.run_record import Run

app = typer.Typer(
    name="pajamo",
    help="From perturbation experiments to mechanisms, with every baseline that a mechanism must beat.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="--debug anywhere on the line shows the traceback of an error.",
)
data_app = typer.Typer(help="Public data sets: list them, fetch them.", no_args_is_help=True)
app.add_typer(data_app, name="data")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Screen = Annotated[Path, typer.Argument(help="An h5ad file: cells by genes.")]
StudyFile = Annotated[Path, typer.Argument(help="A study file (TOML).")]
Runs = Annotated[Path, typer.Option(help="Folder in which runs are kept.")]
Perturbation = Annotated[str, typer.Option(help="Column of obs that says what was done; combinations A+B.")]
Control = Annotated[str, typer.Option(help="Its value for unperturbed cells.")]
Column = typer.Option


def _version(show: bool) -> None:
    if show:
        out.print(f"pajamo {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    del version


@app.command()
def check(
    screen: Screen,
    perturbation: Perturbation = "perturbation",
    control: Control = "control",
    layer: Annotated[str | None, Column(help="Layer with the counts; X if not given.")] = None,
    scale: Annotated[str, Column(help="counts, or log1p if values are ln(1 + CP10K) already.")] = "counts",
    library_size: Annotated[
        str | None, Column(help="Column with the molecules of the whole library.")
    ] = None,
    batch: Annotated[str | None, Column(help="Column with the batch.")] = None,
    context: Annotated[str | None, Column(help="Column with the cell line, donor or medium.")] = None,
    time: Annotated[str | None, Column(help="Column with the time of measurement.")] = None,
    fix: Annotated[
        list[str] | None, Column(help="A named choice; writes a new file. 'list' names them.")
    ] = None,
    output: Annotated[Path | None, Column("--output", "-o", help="The new file of --fix.")] = None,
    as_json: Annotated[bool, Column("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Is this screen what a perturbation model needs? Every rule explained, offending rows shown."""
    columns = {
        "perturbation": perturbation, "control": control, "layer": layer, "scale": scale,
        "library_size": library_size, "batch": batch, "context": context, "time": time,
    }  # fmt: skip
    if fix:
        if fix == ["list"]:
            _print_choices()
            return
        out.print(f"wrote {api.fix(screen, fix, output=output, perturbation=perturbation, control=control)}")
        return
    report = api.check(screen, **columns)
    out.print(report.to_json() if as_json else report.to_text(), markup=False, soft_wrap=True)
    if not report.passed:
        raise typer.Exit(2)


def _print_choices() -> None:
    table = Table("choice", "what it does", title="pajamo check --fix")
    for name, description in api.fix_choices().items():
        table.add_row(name, description)
    out.print(table)


@app.command()
def run(
    study: StudyFile,
    runs: Runs = Path("runs"),
) -> None:
    """Do everything: read, check, split, fit the ladder of models, evaluate, report.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    _print_verdict(api.run(study, runs=runs, progress=_progress))


def _progress(text: str) -> None:
    err.print(f"[dim]{text}[/dim]" if err.is_terminal else text, markup=err.is_terminal)


def _print_verdict(done: Run) -> None:
    out.print(f"\n{done.verdict['sentence']}\n", markup=False, soft_wrap=True)
    out.print(f"report: {done.path / 'report.html'}", markup=False, soft_wrap=True)


@app.command()
def fit(
    study: StudyFile,
    model: Annotated[str, Column(help="Name of the model; `pajamo models` lists them.")] = "salt-ls",
    output: Annotated[Path, Column("--output", "-o", help="Where to write the fitted model.")] = Path(
        "model.safetensors"
    ),
    fold: Annotated[int | None, Column(help="Fit only on this fold's training conditions.")] = None,
    split: Annotated[Path | None, Column(help="A saved split.json instead of the study's own split.")] = None,
) -> None:
    """Fit one model to a study's data and write it to a file."""
    fitted = api.fit(study, model=model, fold=fold, split=split, output=output)
    out.print(f"wrote {output} ({fitted.card.title})", markup=False)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A fitted model.")],
    perturbations: Annotated[list[str], typer.Argument(help="What would be done, as A or A+B.")],
    output: Annotated[Path, Column("--output", "-o", help="Where to write the prediction.")] = Path(
        "prediction.h5ad"
    ),
    context: Annotated[str, Column(help="Cell line, donor or medium.")] = "",
    time: Annotated[float, Column(help="Time of measurement.")] = 0.0,
) -> None:
    """Predict the response to perturbations; writes an AnnData with levels, changes and uncertainty."""
    adata = api.predict(model, perturbations, context=context, time=time, output=output)
    out.print(f"wrote {output} ({adata.n_obs} conditions x {adata.n_vars} genes)", markup=False)


@app.command()
def evaluate(
    target: Annotated[Path, typer.Argument(help="A fitted model, or an h5ad of predictions from any tool.")],
    study: StudyFile,
    fold: Annotated[
        int | None, Column(help="For predictions: the fold whose held-out conditions they are.")
    ] = None,
    split: Annotated[Path | None, Column(help="A saved split.json instead of the study's own split.")] = None,
    output: Annotated[Path | None, Column("--output", "-o", help="Write the table as CSV.")] = None,
) -> None:
    """Score a model or predictions on conditions that it never saw, beside every baseline."""
    result = api.evaluate(target, study, fold=fold, split=split, output=output)
    _print_summary(result)


def _print_summary(result: Evaluation) -> None:
    table = Table("model", *result.metrics, title=result.title)
    for name, *cells in result.rows():
        table.add_row(name, *cells)
    out.print(table)
    out.print(f"\n{result.sentence}", markup=False, soft_wrap=True)


@app.command()
def report(run_folder: Annotated[Path, typer.Argument(help="A complete run.")]) -> None:
    """Render the report of a run again from its tables."""
    out.print(f"wrote {api.report(run_folder)}", markup=False, soft_wrap=True)


@app.command()
def verify(run_folder: Annotated[Path, typer.Argument(help="A complete run.")]) -> None:
    """Check that every file of a run is exactly as it was written."""
    out.print(f"{api.verify(run_folder)} files are as they were written", markup=False)


@app.command()
def models() -> None:
    """List the models: what each needs and where it must not be trusted."""
    table = Table("model", "what it is", "needs", "limits", title="baselines are marked *", show_lines=True)
    for card in api.models():
        table.add_row(f"{card.name}{' *' if card.baseline else ''}", card.title, card.needs, card.limits)
    out.print(table)


@app.command()
def demo(runs: Runs = Path("runs")) -> None:
    """The main job on a real screen that ships with pajamo: an unseen time point and unseen knockouts."""
    for done in api.demo(runs=runs, progress=_progress):
        _print_verdict(done)


@data_app.command("list")
def data_list() -> None:
    """List the public data sets that pajamo knows."""
    table = Table("name", "what", "cells", "licence", "here")
    for entry in api.list_datasets():
        table.add_row(entry.name, entry.title, f"{entry.cells:,}", entry.licence, "yes" if entry.here else "")
    out.print(table)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    source: Annotated[Path | None, Column("--from", help="A file that was fetched by hand.")] = None,
) -> None:
    """Fetch a public data set, verify it, and keep it in the cache."""
    out.print(f"{api.get_dataset(name, source=source, progress=_progress)}", markup=False, soft_wrap=True)


def main() -> None:
    """Run the command line; user errors leave with code 2 and no traceback unless --debug is given."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) != len(sys.argv) - 1
    try:
        sys.exit(app(arguments, standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except PajamoError as error:
        if debug:
            traceback.print_exc()
        err.print(f"[bold red]error[/bold red]: {_escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        err.print("interrupted; the same command goes on where it stopped")
        sys.exit(INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        err.print(f"internal error: {type(error).__name__}: {error}", markup=False, soft_wrap=True)
        err.print(
            "this is a defect of pajamo; run again with --debug and report what it prints", markup=False
        )
        sys.exit(1)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
