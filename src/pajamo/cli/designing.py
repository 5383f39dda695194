"""The command that designs a screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table
from typer import Option

from pajamo import api
from pajamo.cli.options import AsJson
from pajamo.cli.printing import escape, out, say

if TYPE_CHECKING:
    import pandas as pd

    from pajamo.protocols.planning.plan import Plan


def design(
    asked: Annotated[Path | None, typer.Argument(help="A design file (TOML); options override it.")] = None,
    perturbations: Annotated[int | None, Option(help="Number of perturbations.")] = None,
    effect: Annotated[
        float | None, Option(help="Natural log fold change to be seen; -0.7 is about half.")
    ] = None,
    batches: Annotated[int | None, Option(help="Number of batches (lanes, plates).")] = None,
    guides: Annotated[int | None, Option(help="Guides of each perturbation; chosen if not given.")] = None,
    cells: Annotated[int | None, Option(help="Budget in cells.")] = None,
    money: Annotated[float | None, Option(help="Budget in money; needs --cell-cost.")] = None,
    cell_cost: Annotated[float | None, Option(help="Cost of a cell.")] = None,
    guide_cost: Annotated[float | None, Option(help="Cost of a guide.")] = None,
    batch_cost: Annotated[float | None, Option(help="Cost of a batch.")] = None,
    like: Annotated[Path | None, Option(help="A screen (h5ad) of such cells.")] = None,
    perturbation: Annotated[str | None, Option(help="Its column that says what was done.")] = None,
    control: Annotated[str | None, Option(help="The value there for unperturbed cells.")] = None,
    layer: Annotated[str | None, Option(help="Its layer with the counts.")] = None,
    batch: Annotated[str | None, Option(help="Its column with the batch.")] = None,
    library_size: Annotated[str | None, Option(help="Its column with the molecules of the library.")] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", help="Write .csv (tables) or .json (everything).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How many cells, guides and controls, in which batches, to see this effect; and what it would show."""
    from pajamo.protocols.planning.face import require_kind, to_json, write_plan

    if output is not None:
        require_kind(output)
    screen = {
        "path": like, "perturbation": perturbation, "control": control, "layer": layer, "batch": batch,
        "library_size": library_size,
    }  # fmt: skip
    given = {
        "perturbations": perturbations, "effect": effect, "batches": batches, "guides": guides,
        "budget": _given({"cells": cells, "money": money}), "like": _given(screen),
        "cost": _given({"cell": cell_cost, "guide": guide_cost, "batch": batch_cost}),
    }  # fmt: skip
    plan = api.design(asked, **_given(given))
    if as_json:
        say(to_json(plan))
    else:
        _print(plan)
    if output is not None:
        written = write_plan(plan, output)
        if not as_json:
            say(f"wrote {', '.join(map(str, written))}")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != {}}


def _print(plan: Plan) -> None:
    from pajamo.protocols.planning.face import layouts_summary, sentences

    for line in sentences(plan):
        say(f"- {line}")
    _table("cells by batch", plan.allocation.summary())
    _table("difference of logarithms, median expressed gene", layouts_summary(plan))
    _table("genes by expression", plan.seen.by_expression(plan.settings.testing.power))


def _table(title: str, table: pd.DataFrame) -> None:
    first, *others = map(escape, map(str, table.columns))
    shown = Table(Column(first, no_wrap=True), *others, title=title, title_justify="left")
    for row in table.itertuples(index=False):
        shown.add_row(*map(_cell, row))
    out.print(shown)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return escape(value)
    if value != value:
        return "too rare"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3g}"
