"""Every command, in the order in which the help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from pajamo._version import __version__
from pajamo.cli import (
    assays,
    campaigns,
    datasets,
    designing,
    explaining,
    fitting,
    pairs,
    proteins,
    protocols,
    running,
    screens,
    stores,
)
from pajamo.cli.printing import out

app = typer.Typer(
    name="pajamo",
    help="From perturbation experiments to mechanisms, with every baseline that a mechanism must beat.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="--debug anywhere on the line shows the traceback of an error.",
)


def _version(show: bool) -> None:
    if show:
        out.print(f"pajamo {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    del version


for _command in (
    screens.check,
    designing.design,
    running.run,
    running.search,
    running.transfer,
    fitting.fit,
    fitting.predict,
    pairs.score,
    fitting.evaluate,
    explaining.explain,
    assays.sequences,
    assays.library,
    pairs.targets,
    assays.simulate,
    campaigns.propose,
    proteins.train,
    proteins.plan,
    proteins.embed,
    proteins.score_variants,
    proteins.fine_tune,
    proteins.predict_property,
    running.report,
    running.verify,
    fitting.models,
    running.demo,
):
    app.command()(_command)

app.add_typer(campaigns.app, name="campaign")
app.add_typer(protocols.app, name="protocol")
app.add_typer(datasets.app, name="data")
app.add_typer(stores.app, name="store")
