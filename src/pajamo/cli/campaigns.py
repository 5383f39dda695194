"""The commands about what to measure next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

import typer
from rich.table import Column, Table
from typer import Option

from pajamo import api
from pajamo.cli.options import AsJson
from pajamo.cli.printing import escape, out, progress, say, say_json
from pajamo.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

    from pajamo.campaigns.proposal import Proposal

SHOWN, TOLD = 12, 3
"""Rows of a batch that are printed, and reasons that are; the file has all of them."""

app = typer.Typer(
    help="Rounds of measurements on record: propose, record, replay, report.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="The campaign's file.")]
Output = Annotated[Path | None, Option("--output", "-o", help="Where to write the batch (CSV).")]


def propose(
    source: Annotated[Path, typer.Argument(help="A screen (h5ad), or a campaign's study file (TOML).")],
    goal: Annotated[str | None, Option(help="model, hits, optimum or mechanism; model if not given.")] = None,
    budget: Annotated[float | None, Option(help="Money for all rounds.")] = None,
    rounds: Annotated[int | None, Option(help="Rounds that the budget is for.")] = None,
    size: Annotated[int | None, Option(help="Instead of a budget: candidates in the batch.")] = None,
    candidates: Annotated[
        str | None, Option(help="Of a screen: pairs, again, 'pairs and again', or a table of candidates.")
    ] = None,
    readout: Annotated[str | None, Option(help="Of a screen: profile, or the name of a gene.")] = None,
    against: Annotated[
        str | None, Option(help="Of a screen: effects against control, or beyond additive.")
    ] = None,
    perturbation: Annotated[str | None, Option(help="Column that says what was done.")] = None,
    control: Annotated[str | None, Option(help="The value there for unperturbed cells.")] = None,
    layer: Annotated[str | None, Option(help="Layer with the counts.")] = None,
    scale: Annotated[str | None, Option(help="counts or log1p.")] = None,
    batch: Annotated[str | None, Option(help="Column with the batch.")] = None,
    library_size: Annotated[str | None, Option(help="Column with the molecules of the library.")] = None,
    seed: Annotated[int | None, Option(help="Of everything random.")] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Propose the next batch: what to measure, how, for how much, what it is expected to give, and why."""
    columns: dict[str, Any] = {
        "candidates": candidates, "readout": readout, "against": against, "perturbation": perturbation,
        "control": control, "layer": layer, "scale": scale, "batch": batch, "library_size": library_size,
    }  # fmt: skip
    made = api.propose(
        source, goal=goal, budget=budget, rounds=rounds, size=size, seed=seed, progress=progress,
        **{key: value for key, value in columns.items() if value is not None},
    )  # fmt: skip
    _show(made, output, as_json)


@app.command("new")
def new(
    study: Annotated[Path, typer.Argument(help="The campaign's study file (TOML).")],
    campaign: Annotated[Path, typer.Argument(help="The campaign's new file.")],
) -> None:
    """Begin a campaign: one file that holds its study, rounds, proposals, results and costs."""
    made = api.new_campaign(study, campaign)
    say(f"wrote {campaign} ({len(made.candidates()):,} candidates, {len(made.events()):,} results)")


@app.command("propose")
def propose_round(campaign: File, output: Output = None, as_json: AsJson = False) -> None:
    """Choose the next batch and put it on record."""
    made = api.propose_round(campaign, progress=progress)
    if not as_json:
        say(f"round {made.number}")
    _show(made.proposal, output, as_json, made.number)


@app.command("record")
def record(
    campaign: File,
    results: Annotated[
        Path, typer.Argument(help="A table of results, or the h5ad file of a further screen.")
    ],
) -> None:
    """Put results on record as they arrive: partly, out of order, failed ones too."""
    told = api.record_results(campaign, results)
    say(
        f"recorded {told.measured:,} measured, {told.failed:,} failed, {told.withdrawn:,} withdrawn; "
        f"{told.repeated:,} rows were on record already"
    )
    if told.unexpected:
        say(f"note: {told.unexpected:,} of them had not been asked for")


@app.command("status")
def status(campaign: File, as_json: AsJson = False) -> None:
    """Rounds, what is awaited, failed and spent, and how good predictions turned out to be."""
    found = api.campaign_status(campaign)
    if as_json:
        say_json(found)
        return
    say(
        f"{found['name']}: goal {found['goal']}, {found['candidates']:,} candidates, {found['measured']:,} measured"
    )
    money = f"spent {found['spent']:,.2f}"
    if found["spent_on_failed"]:
        money += f" ({found['spent_on_failed']:,.2f} on measurements that failed)"
    say(money if found["budget"] is None else f"{money} of {found['budget']:,.2f}")
    for name in ("pending", "failed", "withdrawn"):
        if found[name]:
            more = "" if len(found[name]) <= SHOWN else f" and {len(found[name]) - SHOWN} more"
            say(f"{name}: {', '.join(found[name][:SHOWN])}{more}")
    if found["stop"]:
        say(
            ("predictions may stand for the rest: " if found["stop"]["stop"] else "not yet: ")
            + found["stop"]["why"]
        )
    if found["rounds"]:
        columns = ("round", "proposed", "measured", "failed", "cost", "expected", "at_random", "covered")
        unit = found["rounds"][-1]["unit"]
        _print(
            f"rounds{f' (gains in {unit})' if unit else ''}",
            [{name: one[name] for name in columns} for one in found["rounds"]],
        )


@app.command("report")
def report(
    campaign: File,
    output: Annotated[
        Path | None, Option("--output", "-o", help="Where to write it; beside the file.")
    ] = None,
) -> None:
    """Write one self-contained page about a campaign."""
    say(f"report: {api.report_campaign(campaign, output)}")


@app.command("replay")
def replay(
    campaign: File,
    number: Annotated[int | None, Option("--round", help="Which round; all of them if not given.")] = None,
) -> None:
    """Choose the batch of a round again from what was known then, and compare it to the last bit."""
    from pajamo.campaigns.records import Campaign

    rounds = [number] if number is not None else [one.number for one in Campaign.open(campaign).rounds()]
    differing = 0
    for one in rounds:
        found = api.replay_round(campaign, one)
        differing += bool(found)
        say(f"round {one}: " + ("the same to the last bit" if not found else "; ".join(found[:5])))
    if differing:
        raise StudyError(
            f"{differing} of {len(rounds)} rounds came out differently",
            where=str(campaign),
            why="candidates, settings or versions of libraries are not what they were then",
            fix="`pajamo campaign status --json` names the versions and hashes on record",
        )


@app.command("simulate")
def simulate(
    tasks: Annotated[list[str], typer.Argument(help="Tasks by name: digits, concrete, horlbeck-pairs, ...")],
    strategy: Annotated[
        list[str],
        Option(help="An acquisition, with settings as in upper-confidence-bound:kappa=1; repeat it."),
    ] = ["random", "default"],  # noqa: B006 (typer reads it once)
    seeds: Annotated[int, Option(help="How many, from 0 on.")] = 10,
    out_folder: Annotated[Path, Option("--out", help="Folder of the records.")] = Path("campaigns"),
    data: Annotated[Path | None, Option(help="Folder with tables that no package ships.")] = None,
    workers: Annotated[int, Option(help="Processes.")] = 1,
    where: Annotated[str | None, Option(help="here, processes or ray.")] = None,
) -> None:
    """Run strategies on tasks whose answers are known: learning curves (curves.csv), areas, differences to random.

    An interrupted simulation goes on where it stopped when the same command is given again.
    """
    from pajamo.campaigns.benchmark.curves import long_table
    from pajamo.campaigns.benchmark.summary import ceiling_of, summaries
    from pajamo.campaigns.benchmark.tasks.registry import task

    found = api.simulate_campaigns(
        tasks, strategy, seeds, out_folder, data=data, workers=workers, where=_place(where), progress=progress
    )
    for name, records in found.items():
        _write(long_table(records), out_folder / name / "curves.csv")
        one = task(name, data)
        say(f"\n{one.name}: {one.title}; {one.source}; {one.licence}")
        if said := ceiling_of(one):
            say(said)
        for metric, table in summaries(one, records):
            _print(f"{one.name}, {metric}", _records(table.iloc[:, :5]))


def _place(where: str | None) -> Literal["here", "processes", "ray"] | None:
    for known in get_args(Literal["here", "processes", "ray"]):
        if where == known:
            return cast(Literal["here", "processes", "ray"], known)
    if where is None:
        return None
    raise StudyError(f"runs cannot be done {where!r}", where="--where", fix="give here, processes or ray")


def _show(made: Proposal, output: Path | None, as_json: bool, number: int | None = None) -> None:
    table = made.table()
    if number is not None:
        table.insert(0, "round", number)
    if output is not None:
        _write(table, output)
        if made.layout:
            _write(made.lanes(), _beside(output))
    if as_json:
        say_json(_facts(made))
        return
    _print(f"batch{f' (gain in {made.unit})' if made.unit else ''}", _records(_short(table)))
    if len(table) > SHOWN:
        say(f"... and {len(table) - SHOWN:,} more" + ("" if output else "; --output writes all of them"))
    for one in made.choices[:TOLD]:
        say(f"- {one.candidate}: {one.why}")
    for line in sentences(made):
        say(f"- {line}")
    if made.runners_up:
        say("- next would come: " + ", ".join(one.candidate for one in made.runners_up))
    if output is not None:
        say(
            f"wrote {output}" + (f" and {_beside(output)} (what goes into which lane)" if made.layout else "")
        )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """The first rows without what the file tells better: predictions and reasons."""
    hidden = [
        name
        for name in table.columns
        if name.startswith(("expected ", "sd ")) or name in ("why", "round", "place")
    ]
    shown = table.drop(columns=hidden).head(SHOWN)
    if not shown["cost"].any():
        shown = shown.drop(columns="cost")
    return shown.rename(columns={name: "gain" for name in shown.columns if name.startswith("gain")})


def sentences(made: Proposal) -> list[str]:
    """What a proposal says besides its table."""
    found = []
    if made.expected == made.expected:
        line = f"expected of the batch: {made.expected:.4g} {made.unit}"
        if made.at_random is not None:
            line += f"; a random batch for the same money: {made.at_random:.4g} +- {made.random_deviation or 0:.2g}"
        found.append(line)
    if made.total_cost:
        items = ", ".join(f"{name} {money:,.0f}" for name, money in made.cost.items())
        found.append(f"cost {made.total_cost:,.2f}: {items}")
    found.append(f"chosen by {made.acquisition}; model: {made.model}")
    return [*found, *made.notes]


def _facts(made: Proposal) -> dict[str, Any]:
    return {
        "batch": made.table().to_dict("records"),
        "runners_up": made.table(runners_up=True).to_dict("records"),
        "expected": made.expected, "unit": made.unit, "at_random": made.at_random,
        "random_deviation": made.random_deviation, "cost": dict(made.cost), "acquisition": made.acquisition,
        "model": made.model, "fingerprint": made.fingerprint, "data": made.data, "notes": list(made.notes),
    }  # fmt: skip


def _beside(path: Path) -> Path:
    """Where the layout of lanes goes."""
    return path.with_name(f"{path.stem}-lanes{path.suffix}")


def _write(table: pd.DataFrame, path: Path) -> None:
    from pajamo.data.atomic import write_text

    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def _print(title: str, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0]) if rows else []
    first, *others = map(escape, names)
    shown = Table(Column(first, no_wrap=True), *others, title=title, title_justify="left")
    for row in rows:
        shown.add_row(*(_cell(row[name]) for name in names))
    out.print(shown)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}"
    return escape(str(value))
