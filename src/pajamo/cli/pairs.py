"""The command that scores guide-target pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from pajamo import api
from pajamo.cli.printing import say


def score(
    target: Annotated[
        Path, typer.Argument(help="The folder of a run or transfer on pairs, or a fitted model.")
    ],
    pairs: Annotated[
        Path | None, typer.Argument(help="A table with guides and targets, each with its PAM.")
    ] = None,
    output: Annotated[Path, Option("--output", "-o", help="Where to write the scores.")] = Path("scores.csv"),
    model: Annotated[
        str | None, Option(help="Of a run: which of its models; that of the verdict if not given.")
    ] = None,
    experiment: Annotated[str | None, Option(help="Which of the experiments is imitated.")] = None,
    guides: Annotated[
        Path | None, Option(help="Instead of PAIRS: a file with a guide a line, scored against all sites.")
    ] = None,
    sites: Annotated[Path | None, Option(help="A file with a candidate site a line, with its PAM.")] = None,
    guide: Annotated[str, Option(help="The table's column with the guides.")] = "guide",
    targets: Annotated[str, Option("--target", help="The table's column with the targets.")] = "target",
    steps: Annotated[
        bool | None,
        Option("--steps/--no-steps", help="Tell the step that is hit; by default for up to 50,000 pairs."),
    ] = None,
) -> None:
    """Score guide-target pairs: what is expected, how sure that is, and which kinetic step is hit.

    Intervals need the data that a model was fitted to: give the folder of a run. A transfer has its own, and gives
    the probability that a site is found cut in cells.
    """
    made = api.score(
        target,
        pairs,
        guides=guides,
        sites=sites,
        model=model,
        experiment=experiment,
        guide=guide,
        targets=targets,
        steps=steps,
        output=output,
    )
    say(f"wrote {output} ({len(made):,} pair{'' if len(made) == 1 else 's'})")
