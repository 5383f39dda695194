"""The commands about protein sequences."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Column, Table
from typer import Argument, Option

from pajamo import api
from pajamo.cli.options import AsJson, Runs, StudyFile
from pajamo.cli.printing import indented, out, progress, say, say_json, verdict

if TYPE_CHECKING:
    from pajamo.pipeline.proteins.fine_tuning.record import FineTunedRun
    from pajamo.pipeline.proteins.run_record import ProteinRun
    from pajamo.training.planning.plan import Plan
    from pajamo.training.trainer.report import TrainingResult

GIB = 2**30
Model = Annotated[
    Path, Option("--model", "-m", help="Folder of a run of `train`, or of a Hugging Face ESM-2.")
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"], Option(help="Where to compute; auto: a GPU if there is one.")
]


def train(study: StudyFile, runs: Runs = Path("runs")) -> None:
    """Train a protein language model, and judge it on families that it never saw.

    On one processor; or, with `torchrun --nproc-per-node 8 -m pajamo train study.toml`, on many: the same batches in
    the same order. An interrupted training goes on from its last checkpoint when the same command is given again, on
    whatever processors. Exit code 75: stopped before its end, by a signal or by the time limit.
    """
    first = os.environ.get("RANK", "0") == "0"
    _ended(api.train(study, runs=runs, progress=progress if first else None), first)


def fine_tune(study: StudyFile, runs: Runs = Path("runs")) -> None:
    """Teach a trained model a property of proteins, or of each residue, and judge it on proteins it never saw.

    Starts, stops and goes on as `train` does; stands beside a linear map on the model's embeddings as they were.
    """
    first = os.environ.get("RANK", "0") == "0"
    _ended(api.fine_tune(study, runs=runs, progress=progress if first else None), first)


def _ended(done: ProteinRun | FineTunedRun | TrainingResult, first: bool) -> None:
    """Say what a training came to, in its first process; leave with code 75 where it stopped before its end."""
    from pajamo.training.trainer.report import TrainingResult

    if not isinstance(done, TrainingResult):
        if first:
            verdict(done)
        return
    if first:
        say(f"stopped ({done.stopped}) after {done.steps:,} steps; the same command goes on")
    raise typer.Exit(done.exit_code)


def plan(
    study: StudyFile,
    gpus: Annotated[str | None, Option(help='As "64xH100"; without it this machine, measured.')] = None,
    price: Annotated[float | None, Option(help="Dollars for an hour of one GPU.")] = None,
    runs: Runs = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Tell memory, seconds a step, days and cost of a training before it starts, and what is short."""
    made = api.plan_training(study, gpus=gpus, price=price, runs=runs)
    if as_json:
        say_json(made.facts())
    else:
        _print(made)
    raise typer.Exit(0 if made.fits else 1)


def _print(made: Plan) -> None:
    say(f"{made.number} x {made.processor}: a model of {made.size.weights / 1e6:,.1f} million weights")
    table = Table(Column("memory of one processor"), Column("GiB", justify="right"), box=None)
    for name, held in made.memory.items():
        table.add_row(name, f"{held / GIB:,.2f}")
    table.add_row(f"together, of {made.capacity / GIB:,.0f}", f"{made.held / GIB:,.2f}", style="bold")
    out.print(table)
    table = Table(Column("a step"), Column("", justify="right"), box=None)
    for name, seconds in (
        ("computing", made.time.compute),
        ("waiting for exchange", made.time.communication),
        ("updating weights", made.time.optimiser),
        ("all", made.time.seconds),
    ):
        table.add_row(name, f"{seconds:,.4g} s")
    table.add_row("tokens a second", f"{made.tokens_per_second:,.0f}")
    table.add_row("of the peak", f"{made.utilisation:.0%}")
    out.print(table)
    cost = "" if made.cost is None else f", ${made.cost:,.0f}"
    say(
        f"{made.settings.steps:,} steps: {made.days:,.2f} days, {made.processor_hours:,.0f} processor hours{cost}"
    )
    indented("limit", made.limit)
    for note in made.notes:
        indented("assumed", note)
    for advice in made.advice:
        indented("better", advice)


def embed(
    proteins: Annotated[Path, Argument(help="FASTA (may be compressed with gzip).")],
    model: Model,
    output: Annotated[
        Path, Option("--output", "-o", help="A table (.csv, .parquet), or a folder of arrays.")
    ],
    per: Annotated[
        Literal["protein", "residue", "gene"],
        Option(help="What a row is; genes are read from GN= in headers."),
    ] = "protein",
    layer: Annotated[
        int | None, Option(help="Blocks after which descriptions are taken; all if not given.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Describe each protein by the numbers that a language model makes of it.

    An interrupted call goes on where it stopped when the same command is given again. With `--per gene` the table is
    what [priors] embedding of a screen's study takes.
    """
    made = api.embed_proteins(
        proteins, model, output, per=per, layers=layer, device=device, progress=progress
    )
    say(f"wrote {made}")


def score_variants(
    variants: Annotated[Path, Argument(help="A table with one row a variant.")],
    model: Model,
    output: Annotated[Path, Option("--output", "-o", help="The table with a column log_odds (CSV).")],
    wild_type: Annotated[Path | None, Option(help="FASTA with the wild type.")] = None,
    sequence: Annotated[str | None, Option(help="Or its residues.")] = None,
    mutations: Annotated[
        str, Option(help="Column with substitutions as M182T, joined by colons.")
    ] = "mutant",
    offset: Annotated[int, Option(help="Number of the wild type's first residue, less one.")] = 0,
    how: Annotated[
        Literal["masked", "wild-type"], Option(help="Hide each place in turn, or read all in one pass.")
    ] = "masked",
    device: Device = "auto",
) -> None:
    """Predict what substitutions do to a protein, without any measurement."""
    from pajamo.pipeline.record import write_table

    made = api.score_variants(
        variants, model, wild_type=wild_type, sequence=sequence, mutations=mutations, offset=offset, how=how,
        device=device,
    )  # fmt: skip
    write_table(output, made)
    say(f"wrote {len(made):,} variants to {output}")


def predict_property(
    proteins: Annotated[Path, Argument(help="FASTA (may be compressed with gzip).")],
    model: Annotated[Path, Option("--model", "-m", help="Folder of a run of `fine-tune`.")],
    output: Annotated[Path, Option("--output", "-o", help="A row a protein, or a row a residue (CSV).")],
    device: Device = "auto",
) -> None:
    """Predict the property that a model was fine-tuned for."""
    from pajamo.pipeline.record import write_table

    made = api.predict_property(proteins, model, device=device)
    write_table(output, made)
    say(f"wrote {made['protein'].nunique():,} proteins to {output}")
