"""Commands about fitted mechanisms of assays: sequences to order, libraries to make, tables to expect."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from typer import Option

from pajamo import api
from pajamo.cli.printing import say

Target = Annotated[Path, typer.Argument(help="A fitted mechanism, or the folder of a run on an assay.")]
ModelName = Annotated[
    str | None, Option(help="Of a run: which of its models; the leading mechanism if not given.")
]
Inputs = Annotated[list[str] | None, Option("--input", help="A concentration, as crp=1; may be repeated.")]
Seed = Annotated[int, Option(help="The same seed gives the same result.")]
Csv = Annotated[Path | None, Option("--output", "-o", help="Write the table as CSV.")]


def sequences(
    target: Target,
    want: Annotated[str, Option(help="max, min, or the value to come near.")],
    of: Annotated[
        str, Option(help="activity (of the mechanism), or expected (what the experiment reads).")
    ] = "activity",
    start: Annotated[
        str | None, Option(help="The sequence that is edited; the wild type if not given.")
    ] = None,
    gc: Annotated[tuple[float, float], Option(help="Least and largest share of G and C.")] = (0.0, 1.0),
    forbid: Annotated[
        list[str] | None, Option(help="A site that must not occur, as GGTCTC; may be repeated.")
    ] = None,
    edits: Annotated[int | None, Option(help="Most positions that differ from the start.")] = None,
    fixed: Annotated[
        list[str] | None,
        Option(
            help="Positions that stay, as 10 or 10-20, both ends included, counted from 0; may be repeated."
        ),
    ] = None,
    n: Annotated[int, Option("--n", min=1, help="How many sequences.")] = 10,
    experiment: Annotated[str | None, Option(help="Which of the model's experiments is meant.")] = None,
    inputs: Inputs = None,
    model: ModelName = None,
    seed: Seed = 0,
    output: Csv = None,
) -> None:
    """Sequences that reach a wanted expression under a fitted mechanism."""
    made = api.design_sequences(
        target, _wanted(want), name=model, start=start, of=_reading(of), experiment=experiment,
        inputs=_numbers(inputs, "--input"), n=n, seed=seed,
        gc=gc, forbidden=tuple(forbid or ()), most_edits=edits, fixed=_positions(fixed or []),
    )  # fmt: skip
    say(made.table.to_string(index=False, float_format="%.4g"))
    say(f"\nfound by {made.method}; {'nothing' if made.exact else 'it is not proven that nothing'} is better")
    _write(made.table, output)


def library(
    target: Target,
    wanted: Annotated[
        list[str] | None,
        Option(help="Half-width of an interval in kcal/mol, as CRP+RNAP=0.2; may be repeated."),
    ] = None,
    rate: Annotated[
        list[float] | None, Option(help="A mutation rate; may be repeated; 0.05, 0.1 and 0.2 if not given.")
    ] = None,
    variants: Annotated[list[int] | None, Option(help="A number of variants; may be repeated.")] = None,
    reads: Annotated[list[float] | None, Option(help="Mean reads of a variant; may be repeated.")] = None,
    error: Annotated[float | None, Option(help="Standard error of a reading, where one is recorded.")] = None,
    level: Annotated[float, Option(help="Coverage of the intervals.")] = 0.9,
    inputs: Inputs = None,
    model: ModelName = None,
    seed: Seed = 0,
    output: Csv = None,
) -> None:
    """How many variants and reads measure binding energies as finely as wanted."""
    asked: dict[str, Any] = {"rates": rate, "variants": variants, "reads": reads}
    given = {key: value for key, value in asked.items() if value}
    plan = api.plan_library(
        target, _numbers(wanted, "--wanted"), name=model, error=error, level=level,
        inputs=_numbers(inputs, "--input"), seed=seed, **given,
    )  # fmt: skip
    say(f"half-width of {plan.level:.0%} intervals, kcal/mol (ln, for rates)")
    say(plan.table.to_string(index=False, float_format="%.3g"))
    if wanted:
        say("\nfewest variants that reach what is wanted")
        say(plan.needed.to_string(index=False, float_format="%.6g", na_rep="not reached"))
    _write(plan.table, output)


def simulate(
    target: Target,
    output: Annotated[
        Path, Option("--output", "-o", help="CSV; of several experiments each gets its name added.")
    ] = Path("table.csv"),
    rate: Annotated[float, Option(help="Probability that a position is mutated.")] = 0.1,
    variants: Annotated[int, Option(help="Number of variants.")] = 3000,
    reads: Annotated[float, Option(help="Mean reads of a variant.")] = 100.0,
    error: Annotated[float | None, Option(help="Standard error of a reading, where one is recorded.")] = None,
    inputs: Inputs = None,
    model: ModelName = None,
    seed: Seed = 0,
) -> None:
    """The table that an assay would record of a random library, which a study can read in the real one's place."""
    tables = api.simulate_assay(
        target, name=model, variants=variants, rate=rate, reads=reads, error=error,
        inputs=_numbers(inputs, "--input"), seed=seed,
    )  # fmt: skip
    for experiment, table in tables.items():
        path = output if len(tables) == 1 else output.with_stem(f"{output.stem}-{experiment}")
        _write(table, path)


def _wanted(text: str) -> float | Literal["max", "min"]:
    if text in ("max", "min"):
        return cast(Literal["max", "min"], text)
    return _number(text, "--want", "give max, min or a number")


def _reading(text: str) -> Literal["activity", "expected"]:
    if text not in ("activity", "expected"):
        raise typer.BadParameter(f"--of {text}: give activity or expected")
    return cast(Literal["activity", "expected"], text)


def _numbers(pairs: Sequence[str] | None, option: str) -> dict[str, float]:
    """What NAME=VALUE says, by name."""
    found = {}
    for pair in pairs or ():
        name, _, value = pair.rpartition("=")
        if not name:
            raise typer.BadParameter(f"{option} {pair}: give NAME=VALUE")
        found[name] = _number(value, f"{option} {name}", "give NAME=VALUE, the value a number")
    return found


def _number(text: str, option: str, fix: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{option} {text}: {fix}") from None


def _positions(ranges: Sequence[str]) -> tuple[int, ...]:
    found: set[int] = set()
    for text in ranges:
        first, _, last = text.partition("-")
        if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
            raise typer.BadParameter(f"--fixed {text}: give a position, or FIRST-LAST")
        found |= set(range(int(first), int(last or first) + 1))
    return tuple(sorted(found))


def _write(table: Any, path: Path | None) -> None:
    from pajamo.pipeline.record import write_table

    if path is not None:
        write_table(path, table)
        say(f"wrote {path} ({len(table):,} row{'' if len(table) == 1 else 's'})")
