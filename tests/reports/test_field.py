"""The six metrics on counts and the strata are tables that say what is missing and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.evaluation.panel.scale import MEAN_OF_SIX
from pajamo.reports.page import render_report
from pajamo.reports.sections.field import MOST_MODELS, six, strata
from pajamo.reports.wording import number


def six_table(without: str = "") -> pd.DataFrame:
    rows = []
    for model, value in (("mean-perturbation", 0.0), ("peper", 0.9), ("salt", 0.4)):
        for metric in ("counts_error", "fold_error", MEAN_OF_SIX):
            lost = bool(without) and metric in (without, MEAN_OF_SIX)
            scaled = np.nan if lost else value
            rows.append(
                (
                    model,
                    metric,
                    0.3,
                    1.0,
                    0.1,
                    scaled,
                    scaled - 0.1,
                    scaled + 0.1,
                    "no <scale>" if lost else "",
                )
            )
    columns = ["model", "metric", "mean", "zero", "one", "scaled", "low", "high", "note"]
    return pd.DataFrame(rows, columns=columns)


def test_models_stand_by_their_mean_of_six(make) -> None:
    table = six(make(six=six_table())).blocks[0]
    assert [row[0].text for row in table.rows] == ["peper", "salt", "mean-perturbation"]
    assert [cell.text for cell in table.rows[0][1:]] == ["0.90", "0.90", "0.90"]
    assert table.rows[0][2].small == "0.300"
    assert table.note == ""


def test_a_metric_without_scale_says_why_and_models_keep_an_order(make) -> None:
    content = make(six=six_table(without="fold_error"))
    table = six(content).blocks[0]
    assert [row[0].text for row in table.rows] == ["peper", "salt", "mean-perturbation"]
    assert table.rows[0][1].text == "–"
    assert table.note == "Error of log fold changes: no <scale>"
    assert "no &lt;scale&gt;" in render_report(content)


def test_strata_show_the_verdicts_metric_for_a_few_models(make) -> None:
    content = make()
    models = list(content.summary["model"].unique())
    rows = [
        (division, stratum, model, metric, float(i), 4)
        for division, strata_of in (("size", ("weak", "strong")), ("parts", ("1 of 2",)))
        for stratum in strata_of
        for i, model in enumerate(models)
        for metric in (content.metric, "other")
    ]
    columns = ["strata", "stratum", "model", "metric", "mean", "n_conditions"]
    shown = strata(make(strata=pd.DataFrame(rows, columns=columns)))
    assert [table.columns[0].title for table in shown.blocks] == ["size", "parts"]
    assert [row[0].text for row in shown.blocks[0].rows] == ["weak", "strong"]
    assert len(shown.blocks[0].columns) == 2 + MOST_MODELS
    assert shown.blocks[0].columns[2].title == content.verdict.model
    assert shown.blocks[0].rows[0][2].text == number(float(models.index(content.verdict.model)))


def test_without_tables_there_are_no_sections(make) -> None:
    content = make(six=None, strata=None)
    assert six(content) is None
    assert strata(content) is None


def test_metrics_on_counts_have_no_place_among_the_others(make) -> None:
    content = make()
    more = content.summary[content.summary["metric"] == content.metric].assign(metric="fold_error")
    both = pd.concat([content.summary, more], ignore_index=True)
    assert "fold_error" not in make(summary=both).metric_names
    assert "fold_error" in make(summary=both, metric="fold_error").metric_names
