"""The audit of a finished design in `pajamo check`: planted faults are found, named and explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import pajamo
from pajamo.config import DataSettings
from pajamo.data.checks import CheckReport, RuleResult
from pajamo.data.reading.screens import read_screen
from pajamo.protocols.errors import Variances, variance_of_difference
from pajamo.protocols.planning.present import PresentDesign, present_of_screen

Table = dict[str, list[int]]
GOOD: Table = {
    "control": [20, 20, 20],
    "A": [10, 10, 10],
    "B": [10, 10, 10],
    "C": [10, 10, 10],
    "D": [10, 10, 10],
}


def screen_of(table: Table, *, batch_sd: float = 0.3, seed: int = 0) -> anndata.AnnData:
    """Counts of 60 genes, with so many cells of each label in each batch."""
    random = np.random.default_rng(seed)
    labels = [label for label, cells in table.items() for _ in range(sum(cells))]
    batch = [f"lane {b + 1}" for cells in table.values() for b, n in enumerate(cells) for _ in range(n)]
    shift = np.exp(random.normal(0, batch_sd, (3, 60)))
    of_cell = np.array([int(name[-1]) - 1 for name in batch])
    counts = random.poisson(5.0 * shift[of_cell])
    obs = pd.DataFrame({"perturbation": labels, "lane": batch}, index=[f"c{k}" for k in range(len(labels))])
    genes = [*(name for name in table if name != "control"), *(f"g{k}" for k in range(60 - len(table) + 1))]
    return anndata.AnnData(sp.csr_matrix(counts.astype(np.float32)), obs=obs, var=pd.DataFrame(index=genes))


def checked(table: Table, **columns: Any) -> CheckReport:
    return pajamo.check(screen_of(table), **{"batch": "lane", **columns})


def found(report: CheckReport, name: str) -> RuleResult:
    return next(rule for rule in report.design if rule.id == f"design-{name}")


def test_a_good_design_passes_every_question() -> None:
    report = checked(GOOD)
    assert report.passed
    assert not [rule for rule in report.design if rule.status in ("warning", "error")]
    assert found(report, "controls").status == "ok"
    assert "square-root rule asks for 60" in found(report, "controls").message
    assert "1.00 times" in found(report, "cost").message
    assert "correlate by 0.33" in found(report, "sharing").message


def test_the_audit_follows_the_rules_in_every_face() -> None:
    report = checked(GOOD)
    text = report.to_text(explain=True)
    assert text.index("design of the experiment") > text.index(report.rules[-1].title)
    assert "sqrt(K) times as many controls" in text
    value = json.loads(report.to_json())
    assert [rule["id"] for rule in value["design"]] == [rule.id for rule in report.design]
    assert len(report.to_frame()) == len(report.rules) + len(report.design)


def test_without_a_batch_column_there_is_no_audit() -> None:
    assert pajamo.check(screen_of(GOOD)).design == ()


def test_a_perturbation_alone_in_a_batch_without_control_fails_the_check_and_is_named() -> None:
    report = checked({**GOOD, "control": [30, 30, 0], "D": [0, 0, 30]})
    assert not report.passed
    alone = found(report, "alone")
    assert alone.status == "error"
    assert "without their control: D;" in alone.message
    assert alone.rows is not None
    assert alone.rows.to_dict("records") == [
        {"perturbation": "D", "batch": "lane 3", "control cells there": 0}
    ]


def test_a_perturbation_alone_with_controls_is_a_warning_that_names_the_batch() -> None:
    report = checked({**GOOD, "D": [0, 0, 30]})
    assert report.passed
    alone = found(report, "alone")
    assert alone.status == "warning"
    assert "lane 3" in alone.message


def test_a_perturbation_in_several_batches_without_control_fails_too() -> None:
    report = checked({**GOOD, "control": [60, 0, 0], "D": [0, 15, 15]})
    assert "D" in found(report, "alone").message
    assert found(report, "alone").status == "error"


def test_too_few_controls_in_a_batch_are_a_warning_with_the_number_that_would_do() -> None:
    report = checked({**GOOD, "control": [50, 8, 2]})
    controls = found(report, "controls")
    assert controls.status == "warning"
    assert controls.rows is not None
    table = controls.rows.set_index("batch")
    assert table.index.tolist() == ["lane 3"]  # 2 of 14; lane 1 has 50 of 30, lane 2 has 8 of 16
    assert table.loc["lane 3", "square-root rule"] == round((2 + 40) / 3)


def test_batch_share_is_estimated_and_tested() -> None:
    components = found(checked(GOOD), "components")
    assert components.status == "note"
    assert components.rows is not None
    share = components.rows.set_index("between").loc["batch", "share of variance"]
    assert f"{share:.2%}"[:-2] in components.message
    quiet = pajamo.check(screen_of(GOOD, batch_sd=0.0), batch="lane")
    assert found(quiet, "components").status == "ok"


def test_inflation_over_proportional_batches_names_the_worst() -> None:
    report = checked({**GOOD, "A": [30, 0, 0], "control": [4, 28, 28]})
    proportional = found(report, "proportional")
    assert proportional.status == "warning"
    assert "A)" in proportional.message
    assert proportional.rows is not None
    assert proportional.rows["perturbation"].iloc[0] == "A"


def test_a_design_that_cannot_tell_batches_says_so() -> None:
    alone = {"control": [20, 0, 0], "A": [20, 0, 0], "B": [0, 20, 0], "C": [0, 0, 20]}
    report = checked(alone)
    assert "does not tell" in found(report, "components").message
    single = checked({"control": [20, 0, 0], "A": [20, 0, 0], "B": [20, 0, 0]})
    assert "one batch" in found(single, "alone").message
    assert single.passed


def test_a_broken_screen_is_left_to_the_rules() -> None:
    report = checked(GOOD, control="nobody")
    assert not report.passed
    assert report.design == ()


def test_controls_are_those_of_the_same_context() -> None:
    adata = screen_of(GOOD)
    adata.obs["donor"] = np.where(adata.obs["lane"] == "lane 3", "y", "x")
    report = pajamo.check(adata, batch="lane", context="donor")
    assert report.passed
    assert found(report, "alone").status == "warning"
    proportional = found(report, "proportional")
    assert "1.00 times" in proportional.message


def test_present_design_counts_each_control_once_and_its_best_layout_keeps_the_cells(tmp_path: Path) -> None:
    screen_of(GOOD).write_h5ad(tmp_path / "screen.h5ad")
    present = present_of_screen(read_screen(DataSettings(path=tmp_path / "screen.h5ad", batch="lane")))
    assert isinstance(present, PresentDesign)
    assert present.cells == 180
    best, control = present.best()
    assert best.sum() + control[0].sum() == pytest.approx(180)
    variances = Variances(1.0, batch=0.1)
    np.testing.assert_allclose(variance_of_difference(best, control, variances).batch, 0, atol=1e-15)
    np.testing.assert_allclose(best.sum(axis=1), 30)


def test_the_command_prints_the_audit(command: Callable[..., Any], tmp_path: Path) -> None:
    screen_of({**GOOD, "control": [30, 30, 0], "D": [0, 0, 30]}).write_h5ad(tmp_path / "screen.h5ad")
    outcome = command("check", "screen.h5ad", "--batch", "lane")
    assert outcome.code == 2
    assert "design of the experiment" in outcome.out
    assert "ERROR   perturbations alone in a batch" in outcome.out
