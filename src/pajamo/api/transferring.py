"""The verb that carries mechanisms over to cells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pajamo.api.studies import Progress, any_study, silent
from pajamo.config.assays import AssayStudy
from pajamo.errors import StudyError

if TYPE_CHECKING:
    from pajamo.pipeline.transfer.record import TransferRun


def transfer(
    study: str | Path | dict[str, Any] | AssayStudy,
    *,
    runs: str | Path = "runs",
    progress: Progress | None = None,
) -> TransferRun:
    """Make a kinetic mechanism a layer of a network, train it on sites that cells were cut at, and judge it.

    The mechanism starts from rates that were measured in vitro. Every guide is in one set: tables of weight 0 are
    test tables, and no row of their guides, in whatever table, is learned from. The ensemble is calibrated on guides
    kept aside and stands beside the mechanism as it was in vitro and models without kinetics. An interrupted run goes
    on where it stopped when called again.

    Parameters
    ----------
    study: a study file, or the same as a dictionary, of guide-target pairs with a table [transfer].
    runs: folder in which runs are kept.
    progress: called with a line of text now and then.

    Returns
    -------
    The run: `scores`, other tables by name, and `model()`, which `pajamo.score` takes as well.

    Raises
    ------
    StudyError: the study is of a screen, or says nothing of a transfer.
    SplitError: a guide would be in two sets, or none is left to learn from.
    UserError: whatever else is wrong with the tables or the study.
    """
    from pajamo.pipeline.transfer.record import TransferRun
    from pajamo.pipeline.transfer.run import transfer_study

    asked = any_study(study)
    if not isinstance(asked, AssayStudy):
        raise StudyError(
            "a transfer takes the study of an assay, not of a screen",
            where=asked.name,
            fix="give [experiments.NAME], [mechanisms.NAME] and [transfer]",
        )
    return TransferRun(transfer_study(asked, Path(runs), progress or silent))
