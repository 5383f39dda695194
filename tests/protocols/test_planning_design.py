"""`pajamo design`: budgets, guides, what can be seen, a screen to learn from, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.data.simulate import simulate_combinations
from pajamo.errors import DataError, StorageError, StudyError
from pajamo.protocols.errors import power
from pajamo.protocols.planning.face import sentences, to_json, to_text, write_plan

STATED: dict[str, Any] = {
    "mean": [0.002, 0.2, 0.5, 1.0, 3.0, 10.0],
    "dispersion": 0.2,
    "batch": 0.02,
    "batch_by_perturbation": 0.001,
    "guide": 0.01,
}
ASKED: dict[str, Any] = {
    "perturbations": 25,
    "batches": 4,
    "budget": {"cells": 6000},
    "stated": STATED,
}


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated screen whose dispersion (0.1), batch effects (0.2) and libraries are known."""
    path = tmp_path_factory.mktemp("like") / "like.h5ad"
    simulate_combinations(
        seed=3, genes=150, singles=8, doubles=4, triples=0, cells=80, control_cells=150, batches=6,
        batch_effect=0.2, dispersion=0.1, library_spread=0.4, affected=0.02,
    ).write_h5ad(path)  # fmt: skip
    return path


def test_cells_are_laid_out_by_the_square_root_rule() -> None:
    plan = pajamo.design(ASKED)
    assert plan.cells == 6000
    assert plan.controls == 1000
    assert plan.cells_each == 200
    assert plan.error_correlation == pytest.approx(1 / 6)
    assert plan.allocation.table()["control"].tolist() == [250] * 4
    assert plan.layouts["times_best"].iloc[0] == 1.0


def test_power_of_each_gene_is_that_of_the_allocation() -> None:
    plan = pajamo.design(ASKED, effect=-0.4, testing={"correction": "none"})
    assert plan.seen.level == 0.05
    genes = plan.seen.genes
    between = 0.01 / plan.guides + 0.001 * (1 / 4 + 1 / 4)
    expected, delta = power(genes["mean"], 0.2, -0.4, 200, 1000, between=between)
    np.testing.assert_allclose(genes["power"], expected, rtol=1e-6)
    assert genes["method"].tolist() == np.where(delta, "delta method", "exact test").tolist()
    assert genes["method"].tolist()[0] == "exact test"
    assert genes["power"].is_monotonic_increasing
    assert genes["cells_needed"].is_monotonic_decreasing


def test_correction_for_many_genes_makes_each_test_stricter() -> None:
    levels = [
        pajamo.design(ASKED, testing={"correction": name, "genes": 5000}).seen.level
        for name in ("none", "bh", "bonferroni")
    ]
    assert levels[0] > levels[1] > levels[2]
    assert levels[2] == pytest.approx(1e-5)
    assert pajamo.design(ASKED, testing={"correction": "bonferroni"}).seen.level == pytest.approx(0.05 / 6)


def test_without_a_budget_half_of_the_expressed_genes_reach_the_power_wanted() -> None:
    plan = pajamo.design({**ASKED, "budget": {}}, effect=-0.5, guides=3)
    expressed = plan.seen.genes.query("mean >= 0.1")
    reached = (expressed["power"] >= 0.8).mean()
    assert reached >= 0.5
    fewer = pajamo.design(ASKED, budget={"cells": int(plan.cells * 0.9)}, effect=-0.5, guides=3)
    assert (fewer.seen.genes.query("mean >= 0.1")["power"] >= 0.8).mean() < 0.5
    less = pajamo.design({**ASKED, "budget": {}}, effect=-0.5, guides=3, testing={"power": 0.5})
    assert less.cells < plan.cells


def test_money_is_spent_on_the_guides_that_lower_the_variance_most() -> None:
    cost = {"cell": 0.5, "guide": 20.0, "batch": 100.0}
    plan = pajamo.design({**ASKED, "budget": {"money": 6000.0}}, cost=cost)
    assert plan.money is not None
    assert 5999 < plan.money <= 6000
    assert plan.cells == int((6000 - 400 - 20 * 25 * plan.guides) / 0.5)
    variance = {}
    for guides in range(2, 7):
        one = pajamo.design({**ASKED, "budget": {"money": 6000.0}}, cost=cost, guides=guides)
        variance[guides] = float(one.layouts["from_cells"].iloc[0] + one.layouts["from_guides"].iloc[0])
    assert variance[plan.guides] <= 1.02 * min(variance.values())
    cheap = pajamo.design({**ASKED, "budget": {"money": 6000.0}}, cost={**cost, "guide": 0.0})
    assert cheap.guides > plan.guides


def test_batches_of_their_own_size_hold_no_more_than_they_can() -> None:
    plan = pajamo.design(ASKED, batches=[3000, 2000, 1000])
    assert plan.allocation.table()["cells"].tolist() == pytest.approx([3000, 2000, 1000], abs=3)
    with pytest.raises(StudyError, match="do not fit into batches that hold 5,999"):
        pajamo.design(ASKED, batches=[3000, 2999])
    rich = pajamo.design({**ASKED, "budget": {"money": 1e6}}, batches=[3000, 3000], cost={"cell": 1.0})
    assert rich.cells == 6000
    assert any("hold no more cells; 994,000 would be left" in line for line in sentences(rich))


def test_present_design_is_compared_with_its_own_cells_laid_out_best() -> None:
    present = {"control": [1000, 0, 0, 0], "perturbed": [1250, 1250, 1250, 1250]}
    plan = pajamo.design(ASKED, present=present)
    rows = plan.layouts.set_index("layout")
    now, best = rows.loc["as it stands"], rows.loc["as it stands, laid out best"]
    assert now["from_batches"] == pytest.approx(0.02 * 0.75)
    assert best["from_batches"] == pytest.approx(0.0)
    assert now["times_best"] == pytest.approx(now["variance"] / best["variance"])
    assert now["times_best"] > 1.5
    assert any("times the variance of its best layout" in line for line in sentences(plan))


def test_a_screen_gives_expression_dispersion_and_batches(screen: Path) -> None:
    like = {"path": screen, "batch": "batch"}
    plan = pajamo.design(perturbations=50, batches=6, budget={"cells": 10_000}, like=like)
    reference = plan.reference
    adata = anndata.read_h5ad(screen)
    counts = pd.Series(np.asarray(adata.X.mean(axis=0)).ravel(), index=adata.var_names)
    ratio = reference.mean / counts[reference.genes].to_numpy()
    assert np.median(ratio) == pytest.approx(np.exp(-0.16), rel=0.1)  # harmonic against arithmetic libraries
    expressed = reference.mean > 1
    assert np.median(reference.dispersion[expressed]) == pytest.approx(0.1, rel=0.3)
    assert reference.batch == pytest.approx(0.04, rel=0.5)
    assert reference.batch_by_perturbation < 0.01
    assert "SIMULATED" in reference.source
    assert plan.layouts["layout"].tolist()[-2:] == ["like", "like, laid out best"]


def test_a_screen_without_batches_says_what_is_not_known(screen: Path) -> None:
    plan = pajamo.design(perturbations=50, batches=2, budget={"cells": 10_000}, like=str(screen))
    assert plan.reference.unknown[0] == "batch"
    assert any("layouts that differ in it look alike" in line for line in sentences(plan))
    one = pajamo.design(ASKED, batches=1)
    assert any("another batch may differ" in line for line in sentences(one))


def test_many_batches_for_few_cells_are_advised_against() -> None:
    stated = {"mean": [1.0], "batch": 3.0}
    plan = pajamo.design(perturbations=5, batches=30, budget={"cells": 20}, stated=stated, guides=2)
    best = plan.layouts.set_index("layout")["variance"].idxmin()
    assert best.startswith("crossed, ")
    number = int(best.split()[1])
    assert 1 <= number < 10
    assert any(f"few cells for so many batches: the layout '{best}'" in line for line in sentences(plan))
    again = pajamo.design(perturbations=5, batches=number, budget={"cells": 20}, stated=stated, guides=2)
    assert again.layouts["variance"].iloc[0] == pytest.approx(plan.layouts["variance"].min())


def test_faces_hold_the_plan(tmp_path: Path) -> None:
    plan = pajamo.design(ASKED)
    assert "6,000 cells: 25 perturbations of 200.0 cells each" in to_text(plan)
    value = json.loads(to_json(plan))
    assert value["asked"]["stated"]["dispersion"] == 0.2
    assert (value["cells"], value["controls"]) == (6000, 1000)
    assert value["genes"][0]["detectable_effect"] is None
    paths = write_plan(plan, tmp_path / "deep" / "plan.csv")
    assert [path.name for path in paths] == ["plan.csv", "plan.layouts.csv", "plan.genes.csv"]
    assert pd.read_csv(paths[0])["cells"].sum() == 6000
    assert len(pd.read_csv(paths[2])) == 6
    write_plan(plan, tmp_path / "plan.json")
    assert json.loads((tmp_path / "plan.json").read_text())["guides"] == plan.guides
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_plan(plan, tmp_path / "file" / "plan.json")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"perturbatons": 3}, "unknown key 'perturbatons'"),
    "no perturbations": ({"perturbations": 0}, "perturbations"),
    "negative budget": ({"budget": {"cells": -5}}, "budget.cells"),
    "negative cost": ({"cost": {"cell": -1.0}}, "cost.cell"),
    "no effect": ({"effect": 0.0}, "effect of zero"),
    "two budgets": ({"budget": {"cells": 5, "money": 5.0}}, "either `cells` or `money`"),
    "money without a price": ({"budget": {"money": 100.0}}, "cost of a cell"),
    "nothing known of cells": ({"stated": None}, "give either `like`"),
    "no batches": ({"batches": []}, "batches"),
    "no guides": ({"guides": 0}, "guides"),
    "a batch of nothing": ({"batches": [100, 0]}, "batches"),
    "no controls at present": ({"present": {"control": [0, 0], "perturbed": [5, 5]}}, "compares nothing"),
    "batches that do not fit": ({"present": {"control": [5], "perturbed": [5, 5]}}, "one number for each"),
    "no genes": ({"stated": {"mean": []}}, "stated.mean"),
    "too many perturbations": ({"perturbations": 5000}, "cannot carry 5,000 perturbations"),
    "fixed costs above the money": (
        {"budget": {"money": 100.0}, "cost": {"cell": 0.1, "guide": 10.0}},
        "nothing is left for cells",
    ),
    "money for too few cells": ({"budget": {"money": 4.0}, "cost": {"cell": 0.1}}, "cannot carry"),
    "an effect that batches hide": (
        {"budget": {}, "effect": 0.01, "guides": 2},
        "no number of cells shows",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_impossible_questions_are_refused(name: str) -> None:
    changes, words = BAD[name]
    with pytest.raises(StudyError, match=words):
        pajamo.design({**ASKED, **changes})


def test_screens_that_cannot_be_learnt_from_are_refused(screen: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'lane'"):
        pajamo.design(perturbations=5, like={"path": screen, "batch": "lane"})
    adata = anndata.read_h5ad(screen)
    counts = adata.X.toarray()
    adata.X = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True))
    adata.write_h5ad(tmp_path / "log.h5ad")
    with pytest.raises(DataError, match="logarithms, not counts"):
        pajamo.design(perturbations=5, like={"path": tmp_path / "log.h5ad", "scale": "log1p"})


TOML = """
perturbations = 25
batches = 4
[budget]
cells = 6000
[like]
path = "like.h5ad"
batch = "batch"
"""


def test_a_file_names_its_screen_beside_itself_and_options_override_it(
    screen: Path, command: Callable[..., Any], tmp_path: Path
) -> None:
    (screen.parent / "plan.toml").write_text(TOML, encoding="utf-8")
    outcome = command("design", screen.parent / "plan.toml", "--cells", 3000, "-o", "out.csv")
    assert outcome.code == 0, outcome
    assert "3,000 cells: 25 perturbations" in outcome.out
    assert "wrote out.csv, out.layouts.csv, out.genes.csv" in outcome.out
    assert (tmp_path / "out.genes.csv").is_file()
    printed = command("design", screen.parent / "plan.toml", "--json")
    assert json.loads(printed.out)["cells"] == 6000


def test_bad_files_and_options_are_user_errors(command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("perturbations = ", encoding="utf-8")
    for arguments, words in (
        (["nowhere.toml"], "no such design file"),
        (["broken.toml"], "is not valid TOML"),
        (["--perturbations", 5], "give either `like`"),
        (["--perturbations", 5, "-o", "plan.txt"], "cannot be written to 'plan.txt'"),
        (["--perturbations", 5, "--like", "nowhere.h5ad"], "nowhere.h5ad"),
    ):
        outcome = command("design", *arguments)
        assert outcome.code == 2, outcome
        assert words in outcome.err
        assert "Traceback" not in outcome.err
