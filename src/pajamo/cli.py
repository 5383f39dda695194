"""The command line: a thin face over the Python API. Each command calls the function of its name."""

from __future__ import annotations

import sys
import textwrap
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Column as TableColumn
from rich.table import Table

from pajamo import api
from pajamo._version import __version__
from pajamo.errors import PajamoError, PajamoWarning

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect."""
# Typer carries its own copy of click in newer versions; this is the same class in all of them.
UsageError: Any = typer.BadParameter.__mro__[1]

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
    explain: Annotated[bool, Column("--explain", help="Say of every rule why it matters.")] = False,
    as_json: Annotated[bool, Column("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Is this screen what a perturbation model needs? Every rule explained, offending rows shown."""
    given = {
        "perturbation": perturbation, "control": control, "layer": layer, "scale": scale,
        "library_size": library_size, "batch": batch, "context": context, "time": time,
    }  # fmt: skip
    columns = {key: value for key, value in given.items() if value is not None}
    if fix:
        if fix == ["list"]:
            _print_choices()
            return
        _say(f"wrote {api.fix(screen, fix, output=output, **columns)}")
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
    err.print(text, style="dim", markup=False, soft_wrap=True)


def _say(text: str) -> None:
    """Print a line as it is: paths and names may hold brackets, and are not broken."""
    out.print(text, markup=False, soft_wrap=True)


def _print_verdict(done: Run) -> None:
    _say(f"\n{done.verdict['sentence']}\n")
    _say(f"report: {done.path / 'report.html'}")


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
    _say(f"wrote {output} ({fitted.card.title})")


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
    conditions = f"{adata.n_obs} condition{'' if adata.n_obs == 1 else 's'}"
    _say(f"wrote {output} ({conditions} x {adata.n_vars} genes)")


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
    _print_summary(result, output)


def _print_summary(result: Evaluation, output: Path | None) -> None:
    table = Table(
        TableColumn("model", no_wrap=True),
        result.judged.title,
        "better than the best baseline by",
        "",
        title=result.title,
    )
    for row in result.rows():
        table.add_row(*map(_escape, row))
    out.print(table)
    _say(f"\n{result.sentence}")
    others = len(result.metrics) - 1
    if output is None:
        _say(f"{others} more metrics were computed: --output FILE.csv writes them all")
    else:
        _say(f"wrote {output}")


@app.command()
def report(run_folder: Annotated[Path, typer.Argument(help="A complete run.")]) -> None:
    """Render the report of a run again from its tables."""
    _say(f"wrote {api.report(run_folder)}")


@app.command()
def verify(run_folder: Annotated[Path, typer.Argument(help="A complete run.")]) -> None:
    """Check that every file of a run is exactly as it was written."""
    _say(f"{api.verify(run_folder)} files are as they were written")


@app.command()
def models() -> None:
    """List the models: what each needs and where it must not be trusted."""
    for card in api.models():
        out.print(f"[bold]{card.name}[/bold]{' (baseline)' if card.baseline else ''}: {_escape(card.title)}")
        _indented("needs", card.needs)
        if card.assumed:
            _indented("assumes", card.assumed)
        _indented("limits", card.limits)


def _indented(name: str, text: str) -> None:
    lines = textwrap.wrap(f"{name}: {text}", out.width, initial_indent="  ", subsequent_indent="    ")
    _say("\n".join(lines))


@app.command()
def demo(runs: Runs = Path("runs")) -> None:
    """The main job on a real screen that ships with pajamo: an unseen time point and unseen knockouts."""
    for done in api.demo(runs=runs, progress=_progress):
        _print_verdict(done)


@data_app.command("list")
def data_list() -> None:
    """List the public data sets that pajamo knows."""
    from pajamo.data.public.datasets import list_datasets

    table = Table(TableColumn("name", no_wrap=True), "what", "cells", "licence", "here")
    for entry in list_datasets():
        cells = f"{entry.cells:,}" if entry.cells else ""
        table.add_row(entry.name, entry.title, cells, entry.licence, "yes" if entry.here else "")
    out.print(table)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    source: Annotated[Path | None, Column("--from", help="A file that was fetched by hand.")] = None,
) -> None:
    """Fetch a public data set, verify it, and keep it in the cache."""
    from pajamo.data.public.datasets import get

    _say(f"{get(name, source=source, progress=_progress)}")


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
        err.print(f"[bold red]error[/bold red]: {_escape(str(error))}", soft_wrap=True)
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


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
