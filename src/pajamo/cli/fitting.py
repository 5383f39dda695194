"""Commands about single models: fit, predict, evaluate, list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table
from typer import Option

from pajamo import api
from pajamo.cli.options import Split, StudyFile
from pajamo.cli.printing import escape, indented, out, progress, say

if TYPE_CHECKING:
    from pajamo.pipeline.judging import Evaluation


def fit(
    study: StudyFile,
    model: Annotated[
        str | None,
        Option(
            help="Name of the model; if not given, salt-ls for a screen, the first mechanism for an assay."
        ),
    ] = None,
    output: Annotated[Path, Option("--output", "-o", help="Where to write the fitted model.")] = Path(
        "model.safetensors"
    ),
    fold: Annotated[int | None, Option(help="Fit only on this fold's training conditions.")] = None,
    split: Split = None,
) -> None:
    """Fit one model to a study's data and write it to a file."""
    from pajamo.models.base import Model

    fitted = api.fit(study, model=model, fold=fold, split=split, output=output, progress=progress)
    title = fitted.card.title if isinstance(fitted, Model) else fitted.name
    say(f"wrote {output} ({title})")


def predict(
    model: Annotated[Path, typer.Argument(help="A fitted model.")],
    what: Annotated[
        list[str] | None,
        typer.Argument(help="What would be done, as A or A+B; for an assay a table, or sequences."),
    ] = None,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="Where to write it; prediction.h5ad, or prediction.csv for an assay."),
    ] = None,
    context: Annotated[str, Option(help="Cell line, donor or medium.")] = "",
    time: Annotated[float, Option(help="Time of measurement.")] = 0.0,
    experiment: Annotated[
        str | None, Option(help="Of an assay: which of its experiments is imitated.")
    ] = None,
    sequence: Annotated[str, Option(help="Of an assay: the table's column with the sequences.")] = "x",
    pairs: Annotated[
        Path | None, Option(help="Of guide-target pairs: a table with the columns guide and target.")
    ] = None,
) -> None:
    """Predict the response to perturbations, or what an assay would record of sequences.

    Writes an AnnData with levels, changes and uncertainty; for an assay a CSV with activity, what the
    instrument takes of it (coordinate), and expected reading.
    """
    from pajamo.pipeline.assays.kinds import is_assay_model

    if (pairs is None) == (not what):
        missing = "Missing argument 'WHAT'" if pairs is None else "Both WHAT and --pairs are given"
        raise typer.BadParameter(
            f"{missing}: give perturbations, sequences, or --pairs with a table of guides and targets."
        )
    if pairs is not None:
        target = output or Path("prediction.csv")
        made = api.predict_pairs(model, pairs, experiment=experiment, output=target)
        say(f"wrote {target} ({len(made):,} pair{'' if len(made) == 1 else 's'})")
        return
    assert what is not None
    if is_assay_model(model):
        target = output or Path("prediction.csv")
        given = Path(what[0]) if len(what) == 1 and Path(what[0]).suffix else what
        made = api.predict_sequences(model, given, experiment=experiment, sequence=sequence, output=target)
        say(f"wrote {target} ({len(made):,} sequence{'' if len(made) == 1 else 's'})")
        return
    target = output or Path("prediction.h5ad")
    adata = api.predict(model, what, context=context, time=time, output=target)
    conditions = f"{adata.n_obs} condition{'' if adata.n_obs == 1 else 's'}"
    say(f"wrote {target} ({conditions} x {adata.n_vars} genes)")


def evaluate(
    target: Annotated[Path, typer.Argument(help="A fitted model, or an h5ad of predictions from any tool.")],
    study: StudyFile,
    fold: Annotated[
        int | None, Option(help="For predictions: the fold whose held-out conditions they are.")
    ] = None,
    split: Split = None,
    output: Annotated[Path | None, Option("--output", "-o", help="Write the table as CSV.")] = None,
) -> None:
    """Score a model or predictions on conditions that it never saw, beside every baseline."""
    result = api.evaluate(target, study, fold=fold, split=split, output=output)
    _print_summary(result, output)


def _print_summary(result: Evaluation, output: Path | None) -> None:
    table = Table(
        Column("model", no_wrap=True),
        result.judged.title,
        "better than the best baseline by",
        "",
        title=result.title,
    )
    for row in result.rows():
        table.add_row(*map(escape, row))
    out.print(table)
    say(f"\n{result.sentence}")
    others = len(result.metrics) - 1
    if output is None:
        say(f"{others} more metrics were computed: --output FILE.csv writes them all")
    else:
        say(f"wrote {output}")


def models() -> None:
    """List the models: what each needs and where it must not be trusted."""
    for card in api.models():
        out.print(f"[bold]{card.name}[/bold]{' (baseline)' if card.baseline else ''}: {escape(card.title)}")
        indented("needs", card.needs)
        indented("limits", card.limits)
