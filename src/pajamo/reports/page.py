"""One self-contained HTML page a run: no network, no script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pajamo.reports.blocks import Section
from pajamo.reports.content import ReportContent
from pajamo.reports.lead import Lead, lead
from pajamo.reports.sections import embeddings, field, models, protocol, record, responses, results
from pajamo.reports.wording import printable

SECTIONS: Final[tuple[Callable[[ReportContent], Section | None], ...]] = (
    results.difference,
    results.every_metric,
    results.ladder_of_models,
    results.calibrated_scale,
    embeddings.compared,
    field.six,
    results.categories,
    field.strata,
    responses.example_responses,
    responses.heat_map,
    responses.interactions,
    responses.times,
    results.calibration,
    models.weights,
    protocol.timeline,
    record.data,
    record.split,
    models.cards,
    models.refused,
    record.provenance,
    record.notes,
)
"""In the order of the page."""


def render_report(content: ReportContent) -> str:
    """Render a run as one HTML page.

    Equal content gives equal bytes. Names from the data are escaped; tables behind figures are linked as CSV
    within the page, or by the name of the run's file where they are large.

    Returns
    -------
    The page, below 2 MB for any content.
    """
    made = [build(content) for build in SECTIONS]
    sections = [section for section in made if section is not None]
    return render_page(content.title, lead(content), sections, simulated=content.data.simulated)


def render_page(title: str, opening: Lead, sections: Sequence[Section], *, simulated: bool = False) -> str:
    """Put an opening and sections into one HTML page."""
    template = _environment().get_template("report.html.j2")
    return template.render(
        title=printable(title), simulated=simulated, lead=opening, sections=sections, style=_style()
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pajamo.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> Markup:
    text = resources.files("pajamo.reports").joinpath("style.css").read_text(encoding="utf-8")
    return Markup(text)
