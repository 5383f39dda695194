"""The pool of a study, whatever its candidates are."""

from __future__ import annotations

from pajamo.campaigns.learners.blockwise import one_thread
from pajamo.campaigns.proposing.graphs import with_graph
from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.proposing.screens import problem_of_screen
from pajamo.campaigns.proposing.tables import problem_of_table
from pajamo.config.campaigns.study import AssaySource, CampaignStudy, ScreenSource


def problem_of(study: CampaignStudy) -> Problem:
    """Read the candidates that a study names.

    Raises
    ------
    DataError: tables, screens or graphs that cannot be used.
    """
    with one_thread():  # as in a round, so that the same files give the same bits
        return with_graph(_problem_of(study), study.acquisition.graph)


def _problem_of(study: CampaignStudy) -> Problem:
    source = study.candidates
    if isinstance(source, ScreenSource):
        return problem_of_screen(source, study.model)
    if isinstance(source, AssaySource):
        from pajamo.campaigns.proposing.assays import problem_of_assay

        return problem_of_assay(study, source)
    return problem_of_table(study, source)
