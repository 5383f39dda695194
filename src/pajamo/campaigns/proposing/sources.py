"""The pool of a study, whatever its candidates are."""

from __future__ import annotations

from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.proposing.screens import problem_of_screen
from pajamo.campaigns.proposing.tables import problem_of_table
from pajamo.config.campaigns.study import AssaySource, CampaignStudy, ScreenSource


def problem_of(study: CampaignStudy) -> Problem:
    """Read the candidates that a study names.

    Raises
    ------
    DataError: tables or screens that cannot be used.
    """
    source = study.candidates
    if isinstance(source, ScreenSource):
        return problem_of_screen(source, study.model)
    if isinstance(source, AssaySource):
        from pajamo.campaigns.proposing.assays import problem_of_assay

        return problem_of_assay(study, source)
    return problem_of_table(study, source)
