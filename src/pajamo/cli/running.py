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
    """Do everything: read, check, split, fit the ladder of models, evaluate, explain, report.

    A study with [data] is about a screen of perturbed cells, one with [experiments.NAME] about an assay on sequences.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    verdict(api.run(study, runs=runs, progress=progress))


def search(study: StudyFile, runs: Runs = Path("runs")) -> None:
    """Search over kinetic schemes and over which part of a guide-target pair sets which rate.

    The study has a table [search].

    An interrupted search goes on where it stopped when the same command is given again.
    """
    verdict(api.search_mechanisms(study, runs=runs, progress=progress))


def transfer(study: StudyFile, runs: Runs = Path("runs")) -> None:
    """Carry kinetic mechanisms over to cells: train on off-target tables, judge on guides that no network saw.

    The study has a table [transfer].

    An interrupted transfer goes on where it stopped when the same command is given again.
    """
    verdict(api.transfer(study, runs=runs, progress=progress))


def report(run_folder: RunFolder) -> None:
    """Render the report of a run again from its tables."""
    say(f"wrote {api.report(run_folder)}")


def verify(run_folder: RunFolder) -> None:
    """Check that every file of a run is exactly as it was written."""
    say(f"{api.verify(run_folder)} files are as they were written")


def demo(
    which: Annotated[str, typer.Argument(help="perturbation, cisreg, or kinetics.")] = "perturbation",
    runs: Runs = Path("runs"),
) -> None:
    """The main job on data that ships with pajamo.

    perturbation: knockouts in human iPSC, an unseen time point and unseen genes. cisreg: binding energies of the lac
    promoter and their interaction, from 50,518 variants sorted by fluorescence. kinetics, on SIMULATED data: an
    R-loop from cleavage rates, a search over schemes, the transfer to off-target sites in cells, and their scores.
    """
    for done in api.demo(which, runs=runs, progress=progress):
        verdict(done)
