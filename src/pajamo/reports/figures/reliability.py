"""Do the predicted intervals hold what they promise?"""

from __future__ import annotations

from matplotlib.figure import Figure

from pajamo.reports.content import ReportContent
from pajamo.reports.figures.dots import ladder_order
from pajamo.reports.figures.theme import SERIES, colour
from pajamo.reports.wording import short

MOST_MODELS = len(SERIES)


def reliability(content: ReportContent) -> Figure:
    """Share of measured changes within the predicted interval, against the share promised."""
    table = content.calibration
    assert table is not None
    known = set(table["model"])
    models = [name for name in dict.fromkeys([*ladder_order(content), *table["model"]]) if name in known]
    figure = Figure(figsize=(6.6, 3.9))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=colour("grey"), linewidth=0.9)
    for (shade, marker), model in zip(SERIES, models, strict=False):
        rows = table[table["model"] == model].sort_values("level")
        axes.plot(
            rows["level"], rows["coverage"], marker=marker, color=colour(shade), markersize=4.8,
            linewidth=1.1, label=short(model),
        )  # fmt: skip
    low = min(float(table["level"].min()), float(table["coverage"].min()))
    axes.set_xlim(max(0.0, low - 0.05), 1.0)
    axes.set_ylim(max(0.0, low - 0.05), 1.0)
    axes.set_aspect("equal")
    axes.set_anchor("W")
    axes.grid()
    axes.set_xlabel("promised coverage")
    axes.set_ylabel("measured coverage")
    axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1.0), borderaxespad=0)
    return figure
