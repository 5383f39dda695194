"""The verb that asks which mechanism: a search over kinetic schemes and windows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pajamo.api.studies import Progress, any_study, silent
from pajamo.config.assays import AssayStudy
from pajamo.errors import StudyError

if TYPE_CHECKING:
    from pajamo.pipeline.search.search_record import SearchRun


def search_mechanisms(
    study: str | Path | dict[str, Any] | AssayStudy,
    *,
    runs: str | Path = "runs",
    progress: Progress | None = None,
) -> SearchRun:
    """Search over kinetic schemes, and over which part of the guide-target pair sets which rate.

    Hypotheses are trained on the training set alone; the best are fitted, averaged, and judged on the test set beside
    an additive map. An interrupted search goes on where it stopped when called again.

    Parameters
    ----------
    study: a study file, or the same as a dictionary, of rates or cuts of guide-target pairs, with a table [search].
    runs: folder in which runs are kept.
    progress: called with a line of text now and then.

    Raises
    ------
    StudyError: the study is of a screen, says nothing of a search, or what cannot be searched.
    MissingExtraError: a Ray cluster is asked for and Ray is not installed.
    UserError: whatever is wrong with the tables or the split.
    """
    from pajamo.pipeline.search.run import search_study
    from pajamo.pipeline.search.search_record import SearchRun

    asked = any_study(study)
    if not isinstance(asked, AssayStudy):
        raise StudyError(
            "a search takes the study of an assay, not of a screen",
            where=asked.name,
            fix="give [experiments.NAME] and [search]; `pajamo run` compares models of a screen",
        )
    return SearchRun(search_study(asked, Path(runs), progress or silent))
