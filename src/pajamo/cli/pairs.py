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
    if "guide_fitted" in made and not made["guide_fitted"].all():
        new = int((~made["guide_fitted"]).sum())
        say(
            f"{new:,} of them are of guides unlike those fitted: their intervals are wider by what refits missed on "
            "pairs that they were not shown (new_guides.csv and the report of the run say by how much)"
        )


def targets(
    guides: Annotated[Path, typer.Argument(help="A file with a guide a line, 5' to 3' with its PAM.")],
    output: Annotated[Path, Option("--output", "-o", help="Where to write the pairs.")] = Path("targets.csv"),
    enzyme: Annotated[str, Option(help="Which nuclease cuts.")] = "Cas9",
    mismatches: Annotated[bool, Option(help="Every single mismatch.")] = True,
    pam: Annotated[bool, Option(help="Every other base in the PAM.")] = False,
    deletions: Annotated[bool, Option(help="Every single base missing.")] = True,
    insertions: Annotated[bool, Option(help="Every single base inserted.")] = True,
    doubles: Annotated[int, Option(help="Double mismatches of each guide, drawn at random.")] = 0,
    seed: Annotated[int, Option(help="The same seed draws the same doubles.")] = 0,
) -> None:
    """List targets to order for guides: single mismatches, bulges and double mismatches, each pair once."""
    made = api.design_targets(
        guides,
        enzyme=enzyme,
        mismatches=mismatches,
        pam=pam,
        deletions=deletions,
        insertions=insertions,
        doubles=doubles,
        seed=seed,
        output=output,
    )
    kinds = made["kind"].value_counts(sort=False)
    say(f"wrote {output} ({len(made):,} pairs: {', '.join(f'{n:,} {kind}' for kind, n in kinds.items())})")
