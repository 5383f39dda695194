"""What came out: differences, every metric, the calibrated scale, classes, reliability."""

from __future__ import annotations

from pajamo.reports.blocks import Figure, Section
from pajamo.reports.content import ReportContent
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.categories import by_category, category_models, category_table
from pajamo.reports.figures.differences import difference_rows, differences
from pajamo.reports.figures.ladder import calibrated, calibrated_metrics, ladder
from pajamo.reports.figures.reliability import reliability
from pajamo.reports.figures.theme import svg
from pajamo.reports.rows import records
from pajamo.reports.sections.summary import metric_table, summary_table
from pajamo.reports.wording import NOTHING, printable, signed


def difference(content: ReportContent) -> Section | None:
    """Each model against the best baseline on the metric of the verdict."""
    rows = difference_rows(content)
    if rows.empty:
        return None
    base = printable(rows["best_baseline"].iloc[0])
    told = ", ".join(
        f"{printable(row['model'])} {signed(row['value'])} ({row['outcome']})"
        for row in records(rows.reset_index())
    )
    columns = ["best_baseline", "improvement", "improvement_low", "improvement_high", "outcome"]
    return Section(
        "difference",
        "Difference to the best baseline",
        "Each dot is a model's mean difference to the best baseline over the same held-out "
        f"perturbations; the line is its {content.level:.0%} interval. An interval that stays right of "
        "zero is a win; a hollow dot is undecided. Baselines are grey, the best one is the diamond. An "
        "arrow at the edge carries the value of a model that lies beyond the axis.",
        (
            Figure(
                svg("differences", lambda: differences(content)),
                f"{content.named(content.metric)}, difference to {base}: {told}",
                downloads=csv_link(
                    rows.reset_index()[["model", *columns]], "differences", content.files.get("summary", "")
                ),
            ),
        ),
    )


def every_metric(content: ReportContent) -> Section:
    """The table of all models and all metrics."""
    return Section(
        "table",
        "Every model, every metric",
        "Mean over held-out perturbations; the small number is the calibrated score, 0 for the mean "
        "baseline and 1 for a technical duplicate. ◆ best baseline of the metric, ▲ beats it, ▽ loses to "
        "it, no sign: undecided; ↑ higher is better, ↓ lower is. Intervals are in the tooltips and the figure "
        "below.",
        (summary_table(content), metric_table(content)),
    )


def ladder_of_models(content: ReportContent) -> Section:
    """Mean and interval of each model on each metric."""
    return Section(
        "ladder",
        "The ladder of models",
        "One panel a metric, models ordered by the metric of the verdict. Blue: models; hollow where "
        "undecided, vermilion where worse than the best baseline. Grey: baselines, the best one a "
        "diamond. The dashed line is the technical duplicate: how well one half of the cells predicts "
        "the other.",
        (
            Figure(
                svg("ladder", lambda: ladder(content)),
                f"Means with intervals of {content.summary['model'].nunique()} models on "
                f"{len(content.metric_names)} metrics; the table above holds the values",
                downloads=csv_link(content.summary, "summary", content.files.get("summary", "")),
            ),
        ),
    )


def calibrated_scale(content: ReportContent) -> Section | None:
    """The same between the mean baseline and the technical duplicate."""
    if not calibrated_metrics(content):
        return None
    return Section(
        "calibrated",
        "Between nothing learned and as good as a repeat",
        "0 is the mean of the training perturbations, 1 a technical duplicate of the experiment. Below 0 "
        "a model is worse than knowing nothing of the perturbation; above 1 it has less noise than one "
        "half of the cells.",
        (
            Figure(
                svg("calibrated", lambda: calibrated(content)),
                "Calibrated scores of each model, a panel a metric; the table above holds the values",
            ),
        ),
    )


def categories(content: ReportContent) -> Section | None:
    """Results by class of genetic interaction."""
    table = category_table(content)
    if table.empty or not category_models(content):
        return None
    shown = table[table["model"].isin(category_models(content))]
    return Section(
        "categories",
        "By class of genetic interaction",
        "Where does a model earn its mean? One row a class, with the number of held-out pairs; classes "
        "of a few pairs say little.",
        (
            Figure(
                svg("categories", lambda: by_category(content)),
                f"{content.named(content.metric)} of {len(category_models(content))} models in "
                f"{shown['category'].nunique()} classes",
                downloads=csv_link(shown, "categories", content.files.get("categories", "")),
            ),
        ),
    )


def calibration(content: ReportContent) -> Section | None:
    """Coverage of the predicted intervals."""
    table = content.table("calibration")
    if table is None:
        return None
    told = "; ".join(
        f"{printable(row['model'])} {row['coverage']:.0%} of {row['level']:.0%}" for row in records(table)
    )
    return Section(
        "reliability",
        "Do the models know how wrong they are?",
        "A prediction that promises 90 % should hold 90 % of the measured changes. On the line: honest. "
        "Below: overconfident. Above: intervals wider than they need be. The truth's own noise is "
        "allowed for.",
        (
            Figure(
                svg("reliability", lambda: reliability(content)),
                f"Measured against promised coverage: {told or NOTHING}",
                downloads=csv_link(table, "calibration", content.files.get("calibration", "")),
            ),
        ),
    )
