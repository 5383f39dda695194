"""The responses themselves: examples, heat map, interactions, time courses."""

from __future__ import annotations

import pandas as pd

from pajamo.reports.blocks import Figure, Section
from pajamo.reports.content import ReportContent
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.examples import chosen_conditions, compared_models, examples
from pajamo.reports.figures.heat import heat, heat_tables
from pajamo.reports.figures.interactions import (
    interaction_classes,
    interaction_map,
    interaction_matrix,
    usable,
)
from pajamo.reports.figures.theme import svg
from pajamo.reports.figures.time_course import panels, time_course
from pajamo.reports.wording import printable

FEWEST_CONDITIONS = 3
"""A heat map of fewer rows shows nothing that the scatters do not."""
FEWEST_PAIRS = 3


def example_responses(content: ReportContent) -> Section | None:
    """Predicted against measured for a good, a middling and a poor prediction."""
    table = content.table("examples")
    if table is None or not compared_models(content):
        return None
    chosen = chosen_conditions(content)
    shown = table[table["condition"].isin(chosen) & table["model"].isin(compared_models(content))]
    return Section(
        "examples",
        "Predicted against measured",
        "One dot a gene. The conditions are not picked by eye: on "
        f"{content.named(content.metric).lower()} they are the best, the middle and the worst predicted "
        "by the model of the verdict. The 20 clearest measured changes carry their standard errors, the "
        "strongest are named. On the line, prediction equals measurement.",
        (
            Figure(
                svg("examples", lambda: examples(content)),
                f"Predicted against measured change of each gene for {', '.join(map(printable, chosen))}",
                downloads=csv_link(shown, "examples", content.files.get("examples", "")),
            ),
        ),
    )


def heat_map(content: ReportContent) -> Section | None:
    """Measured, predicted and what is left, for many conditions at once."""
    table = content.table("examples")
    if table is None or not compared_models(content) or table["condition"].nunique() < FEWEST_CONDITIONS:
        return None
    measured, predicted = heat_tables(content)
    listed = pd.DataFrame({"measured": measured.stack(), "predicted": predicted.stack()}).reset_index()
    return Section(
        "heat",
        "Held-out responses at a glance",
        f"{len(measured)} held-out conditions by {measured.shape[1]} genes, the strongest and most "
        "variable, clustered by the measured response. A good model leaves the third panel pale; a "
        "pattern in it is what the model misses.",
        (
            Figure(
                svg("heat", lambda: heat(content)),
                "Heat maps of measured changes, predicted changes and their difference",
                downloads=csv_link(listed, "heat", content.files.get("examples", "")),
            ),
        ),
    )


def interactions(content: ReportContent) -> Section | None:
    """How doubles relate to their singles, and who interacts with whom."""
    table = content.table("interactions")
    if table is None or len(usable(content)) < FEWEST_PAIRS:
        return None
    blocks = [
        Figure(
            svg("interactions", lambda: interaction_classes(content)),
            f"Strength of {len(usable(content))} doubles against the sum of their singles, by class",
            downloads=csv_link(table, "interactions", content.files.get("interactions", "")),
        )
    ]
    if len(interaction_matrix(content)) >= FEWEST_PAIRS:
        blocks.append(
            Figure(
                svg("interaction-map", lambda: interaction_map(content)),
                "Map of genetic interactions, gene by gene",
                "Red: stronger together than the sum of the two. Blue: weaker. Grey: the pair was not "
                "measured.",
            )
        )
    return Section(
        "interactions",
        "Genetic interactions",
        "On the horizontal line a double is as strong as the sum of its singles. Above it lies synergy, "
        "below it redundancy and suppression; towards the left the double does something that neither "
        "single does.",
        tuple(blocks),
    )


def times(content: ReportContent) -> Section | None:
    """Responses over time."""
    table = content.table("time_course")
    if table is None:
        return None
    shown = pd.concat(
        table[(table["perturbation"] == name) & table["gene"].isin(genes)] for name, genes in panels(content)
    )
    return Section(
        "time",
        "Responses over time",
        "Line: measured change with its standard error. Open markers: predicted for times that the model "
        "did not see. The strongest perturbations and their most changed genes are shown.",
        (
            Figure(
                svg("time", lambda: time_course(content)),
                "Measured and predicted change over time of the most changed genes",
                downloads=csv_link(shown, "time_course", content.files.get("time_course", "")),
            ),
        ),
    )
