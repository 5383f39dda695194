"""The lead figure alone, as a picture for a README or a slide."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from pajamo.reports.content import ReportContent
from pajamo.reports.figures.differences import difference_rows, differences
from pajamo.reports.figures.theme import WIDTH, colour, png
from pajamo.reports.wording import printable


def summary_figure(content: ReportContent) -> bytes:
    """The verdict's sentence above the difference of every model to the best baseline, as PNG on white."""
    return png(lambda: _picture(content))


def _picture(content: ReportContent) -> Figure:
    figure = Figure(figsize=(WIDTH, 1.0)) if difference_rows(content).empty else differences(content)
    width, height = figure.get_size_inches()
    title = "\n".join(textwrap.wrap(printable(content.verdict.sentence), 108))
    if content.data.simulated:
        title = "SIMULATED DATA\n" + title
    figure.set_size_inches(width, height + 0.25 * (title.count("\n") + 1))
    figure.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold", color=colour("ink"))
    return figure
