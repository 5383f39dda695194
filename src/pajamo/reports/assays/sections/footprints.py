"""What the data say of each position, before any model."""

from __future__ import annotations

from functools import partial
from typing import Final

import pandas as pd

from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.readers import site_windows
from pajamo.reports.blocks import Figure, Section
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.assays.footprint import footprint
from pajamo.reports.figures.assays.shifts import shift_map
from pajamo.reports.figures.assays.sites import Window
from pajamo.reports.figures.theme import svg
from pajamo.reports.wording import printable

MUTATED: Final = "mutated"
MOST_EXPERIMENTS: Final = 6


def footprints(run: AssayRun) -> Section | None:
    """Information between a mutation at a position and what was recorded, an experiment a panel."""
    figures = [
        _footprint(run, experiment, own, place)
        for place, (experiment, own) in enumerate(_parts(run, "footprints"))
    ]
    if not figures:
        return None
    return Section(
        "footprints",
        "Information footprint",
        "Bits that a mutation at a position tells about what was recorded; the mean that chance gives is subtracted, "
        "lines are standard errors. Bars above the dashed line are more than chance reaches in 1 of 20 "
        "positions. Bars outside of the declared sites hint at a site that is not in the mechanism.",
        tuple(figures),
    )


def _parts(run: AssayRun, name: str) -> list[tuple[str, pd.DataFrame]]:
    table = run.table(name)
    if table is None:
        return []
    if "experiment" not in table:
        table = table.assign(experiment=run.experiments[0]["name"])
    return [(str(key), own) for key, own in table.groupby("experiment", sort=False)][:MOST_EXPERIMENTS]


def _sites(run: AssayRun) -> list[Window]:
    return site_windows(run.model) if run.model is not None and run.mechanisms else []


def _footprint(run: AssayRun, experiment: str, table: pd.DataFrame, place: int) -> Figure:
    own = table[table["comparison"] == MUTATED]
    named = ", ".join(printable(site.name) for site in _sites(run))
    return Figure(
        svg(f"footprint-{place}", partial(footprint, own, _sites(run))),
        f"Information footprint of {len(own)} positions" + (f" with sites {named}" if named else ""),
        printable(experiment),
        csv_link(table, f"footprint-{place}", run.file("footprints")),
    )


def shifts(run: AssayRun) -> Section | None:
    """Whether a letter raises or lowers what was recorded."""
    kinds = {str(e["name"]): str(e["measurement"]) for e in run.experiments}
    figures = []
    for place, (experiment, own) in enumerate(_parts(run, "shifts")):
        letters, what = own[own["comparison"] != MUTATED], WHAT.get(kinds.get(experiment, ""), "the reading")
        figures.append(
            Figure(
                svg(f"shifts-{place}", partial(shift_map, letters, what, _sites(run))),
                f"Shift of {what} by each letter at each position",
                printable(experiment),
                csv_link(own, f"shifts-{place}", run.file("shifts")),
            )
        )
    if not figures:
        return None
    return Section(
        "shifts",
        "Expression shift",
        "Mean reading of sequences with a letter minus that of sequences with the wild type's. Blue stretches are "
        "sites of what activates, red ones of what represses; grey letters never occur.",
        tuple(figures),
    )


WHAT: Final = {"bins": "the mean bin", "continuous": "the reading", "barcodes": "ln(RNA/DNA)"}
"""What is recorded, by kind of measurement."""
