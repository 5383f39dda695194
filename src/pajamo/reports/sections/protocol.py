"""What was done to the cells."""

from __future__ import annotations

from markupsafe import Markup

from pajamo.reports.blocks import Figure, Section
from pajamo.reports.content import ReportContent


def timeline(content: ReportContent) -> Section | None:
    """The timeline of the protocol, where the study or the screen's file says what it was."""
    if not content.timeline:
        return None
    figure = Figure(
        Markup(content.timeline),  # written by pajamo, which escapes the names in it
        "Timeline of the protocol: media, perturbations and harvests of each arm",
        "Triangles mark when edits were delivered, bars in which share of the cells that carry them they act, "
        "diamonds when cells were taken.",
    )
    return Section(
        "protocol",
        "What was done to the cells",
        "As the study or the file of the screen says; `pajamo protocol check` tests what models assume of it.",
        (figure,),
    )
