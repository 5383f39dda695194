"""What is added to intervals for guides that no fit saw, and where the number comes from."""

from __future__ import annotations

from pajamo.explanations.pairs.unseen import NEW_GUIDES
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Section, Table
from pajamo.reports.downloads import csv_link
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import printable


def new_guides(run: AssayRun) -> Section | None:
    """One row a model and experiment."""
    table = run.table(NEW_GUIDES)
    if table is None:
        return None
    own = table[table["model"] == run.leading]
    made = plain_table(table.drop(columns="words"))
    shown = Table(
        made.columns,
        made.rows,
        "Standard deviation that a new guide adds",
        made.note,
        downloads=csv_link(table, NEW_GUIDES, run.file(NEW_GUIDES)),
    )
    return Section(
        "new-guides",
        "How sure predictions of new guides are",
        "A guide that was not fitted has energies of its own, of which the curvature of the fit knows nothing: the "
        "intervals of its scores are wider by what fits to a part of the training pairs missed on the rest. "
        + " ".join(printable(words) for words in dict.fromkeys(own["words"])),
        (shown,),
    )
