"""Commands about whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pajamo import api
from pajamo.cli.options import Runs, StudyFile
from pajamo.cli.printing import progress, say, verdict

RunFolder = Annotated[Path, typer.Argument(help="A complete run.")]


def run(study: StudyFile, runs: Runs = Path("runs")) -> None:
    """Do everything: read, check, split, fit the ladder of models, evaluate, report.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    verdict(api.run(study, runs=runs, progress=progress))


def report(run_folder: RunFolder) -> None:
    """Render the report of a run again from its tables."""
    say(f"wrote {api.report(run_folder)}")


def verify(run_folder: RunFolder) -> None:
    """Check that every file of a run is exactly as it was written."""
    say(f"{api.verify(run_folder)} files are as they were written")


def demo(runs: Runs = Path("runs")) -> None:
    """The main job on a real screen that ships with pajamo: an unseen time point and unseen knockouts."""
    for done in api.demo(runs=runs, progress=progress):
        verdict(done)
