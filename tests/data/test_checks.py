"""The check names every problem of a file, and agrees with what can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from pajamo.config import DataSettings
from pajamo.data.checks import CheckReport, RuleResult, check_screen
from pajamo.data.checks.design import cramers_v
from pajamo.data.checks.genes import by_chance
from pajamo.data.checks.runner import in_order
from pajamo.data.reading.naming import other_separators, split_combination, without_guide
from pajamo.data.reading.screens import read_screen
from pajamo.errors import PajamoError

Write = Callable[..., Path]


def rule(report: CheckReport, name: str) -> RuleResult:
    return next(rule for rule in report.rules if rule.id == name)


def relabel(**new: str) -> Callable[[anndata.AnnData], None]:
    names = {"double": "A+B", **{key: key for key in ("A", "B", "C", "control")}}

    def change(adata: anndata.AnnData) -> None:
        column = adata.obs["perturbation"].astype(str)
        adata.obs["perturbation"] = column.replace({names[old]: label for old, label in new.items()})

    return change


def test_good_screen_passes_every_rule(screen_file: Write) -> None:
    report = check_screen(DataSettings(path=screen_file(), batch="batch"))
    assert report.passed
    assert not report.of("error")
    assert rule(report, "counts").status == "ok"
    assert rule(report, "singles").message == "all singles of all 1 combinations were measured"
    assert rule(report, "perturbation").message == "4 perturbations: 3 of 1 gene, 1 of 2 genes"
    assert rule(report, "controls-in-batches").message == "every batch has control cells, at least 2"


def test_every_rule_is_explained_and_listed_once() -> None:
    rules = in_order()
    assert len({rule.id for rule in rules}) == len(rules) == 17
    assert all(len(rule.why) > 20 and rule.title for rule in rules)


def test_few_cells_are_listed(screen_file: Write) -> None:
    found = rule(check_screen(DataSettings(path=screen_file())), "cells-per-perturbation")
    assert found.status == "warning"
    assert "4 have under 30 cells, 4 under 10" in found.message
    assert sorted(found.rows["perturbation"]) == ["A", "A+B", "B", "C"]
    assert set(found.rows["cells"]) == {4}


@pytest.mark.parametrize("separator", ["_", "-", ";", "|"])
def test_other_separators_are_found(screen_file: Write, separator: str) -> None:
    path = screen_file(relabel(double=f"A{separator}B"))
    found = rule(check_screen(DataSettings(path=path)), "combinations")
    assert found.status == "error"
    assert found.rows.to_dict("records") == [
        {"label": f"A{separator}B", "should be": "A+B", "fix": f"rename-separator={separator}"}
    ]


def test_control_tokens_in_combinations_are_noted(screen_file: Write) -> None:
    found = rule(check_screen(DataSettings(path=screen_file(relabel(C="C+ctrl")))), "combinations")
    assert (found.status, list(found.rows["label"])) == ("note", ["C+ctrl"])


def test_guides_are_recognised(screen_file: Write) -> None:
    found = rule(check_screen(DataSettings(path=screen_file(relabel(C="C_sg2", A="A-1")))), "guides")
    assert found.status == "warning"
    assert dict(zip(found.rows["label"], found.rows["gene"], strict=True)) == {"A-1": "A", "C_sg2": "C"}


def test_missing_singles_are_listed(screen_file: Write) -> None:
    found = rule(check_screen(DataSettings(path=screen_file(relabel(double="A+D/é")))), "singles")
    assert found.status == "warning"
    assert found.rows.to_dict("records") == [{"combination": "A+D/é", "single not measured": "D/é"}]


def test_perturbation_columns_are_suggested(screen_file: Write) -> None:
    report = check_screen(DataSettings(path=screen_file(), perturbation="condition"))
    found = rule(report, "perturbation")
    assert found.status == "error"
    assert list(found.rows["column"]) == ["perturbation"]
    assert "needs the perturbation column" in rule(report, "singles").message


def test_second_control_label_is_warned_of(screen_file: Write) -> None:
    found = rule(check_screen(DataSettings(path=screen_file(relabel(C="safe-targeting")))), "control")
    assert (found.status, list(found.rows["label"])) == ("warning", ["safe-targeting"])


def test_layer_with_the_counts_is_found(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        adata.raw = adata.copy()
        adata.layers["umi"] = adata.X.copy()
        adata.X = adata.X.log1p()

    found = rule(check_screen(DataSettings(path=screen_file(change))), "counts")
    assert found.status == "error"
    assert 'set `layer = "umi"` or `pajamo check --fix use-raw`' in found.message


def test_batches_without_controls_and_confounding(screen_file: Write) -> None:
    def one_batch_each(adata: anndata.AnnData) -> None:
        adata.obs["batch"] = adata.obs["perturbation"].astype(str).map(lambda name: f"lane of {name}")

    report = check_screen(DataSettings(path=screen_file(one_batch_each), batch="batch"))
    assert len(rule(report, "controls-in-batches").rows) == 4
    confounded = rule(report, "confounding")
    assert confounded.status == "warning"
    assert len(confounded.rows) == 4


def test_perturbed_genes_by_another_identifier(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        adata.var["symbol"] = list(adata.var_names)
        adata.var_names = [f"{name}.3" for name in adata.var["ensembl"]]

    report = check_screen(DataSettings(path=screen_file(change)))
    assert "6 with a version" in rule(report, "gene-names").message
    found = rule(report, "perturbed-measured")
    assert found.status == "warning"
    assert "column 'symbol' of var has them" in found.message


def test_spreadsheet_dates_are_recognised(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        adata.var_names = [*list("ABC"), "1-Mar", "2-Sep", "F"]

    found = rule(check_screen(DataSettings(path=screen_file(change))), "gene-names")
    assert list(found.rows["gene"]) == ["1-Mar", "2-Sep"]


@pytest.mark.parametrize(("factor", "way"), [(4.0, "up"), (0.25, "down")])
def test_own_targets_go_the_planted_way(tmp_path: Path, factor: float, way: str) -> None:
    random = np.random.default_rng(1)
    genes = [f"G{i}" for i in range(40)]
    labels = np.repeat(["control", *genes], 20)
    rate = np.full((len(labels), 40), 20.0)
    for column, gene in enumerate(genes):
        rate[labels == gene, column] *= factor
    adata = anndata.AnnData(
        sp.csr_matrix(random.poisson(rate).astype(np.float32)),
        obs=pd.DataFrame({"perturbation": labels}, index=[f"c{i}" for i in range(len(labels))]),
        var=pd.DataFrame(index=genes),
    )
    path = tmp_path / "planted.h5ad"
    adata.write_h5ad(path)
    found = rule(check_screen(DataSettings(path=path)), "own-target")
    assert found.status == "ok"
    assert f"100% of 40 single targets go {way}" in found.message

    adata.obs["perturbation"] = random.permutation(labels)
    adata.write_h5ad(path)
    shuffled = rule(check_screen(DataSettings(path=path)), "own-target")
    assert shuffled.status in ("warning", "note")


def test_extreme_library_is_listed(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        dense = adata.X.toarray()
        dense[7] *= 1000
        adata.X = sp.csr_matrix(dense)

    found = rule(check_screen(DataSettings(path=screen_file(change))), "library-size")
    assert (found.status, list(found.rows["cell"])) == ("note", ["cell7"])


def test_stated_library_smaller_than_the_counts(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        adata.obs.iloc[2, adata.obs.columns.get_loc("molecules")] = 1.0

    found = rule(
        check_screen(DataSettings(path=screen_file(change), library_size="molecules")), "library-size"
    )
    assert (found.status, list(found.rows["cell"])) == ("warning", ["cell2"])


def test_unreadable_file_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.h5ad"
    path.write_text("no")
    report = check_screen(DataSettings(path=path))
    assert not report.passed
    assert [(found.id, found.status) for found in report.rules] == [("file", "error")]


def spoiled(cell: int, value: float) -> Callable[[anndata.AnnData], None]:
    def change(adata: anndata.AnnData) -> None:
        dense = adata.X.toarray()
        dense[cell] = value
        adata.X = sp.csr_matrix(dense)

    return change


def repeat_names(adata: anndata.AnnData) -> None:
    adata.obs_names = ["same"] * 2 + list(adata.obs_names[2:])


def no_control_on_day_three(adata: anndata.AnnData) -> anndata.AnnData:
    return adata[(adata.obs["perturbation"] != "control") | (adata.obs["day"] == 2)].copy()


@pytest.mark.parametrize(
    ("change", "settings", "name"),
    [
        (spoiled(3, 0.0), {}, "empty-cells"),
        (spoiled(3, np.nan), {}, "counts"),
        (spoiled(3, -1.0), {}, "counts"),
        (spoiled(3, 0.5), {}, "counts"),
        (repeat_names, {}, "unique-names"),
        (no_control_on_day_three, {"time": "day"}, "controls-in-settings"),
        (relabel(double="A+"), {}, "perturbation"),
        (relabel(double="A", B="A", C="A"), {}, "perturbation"),
        (relabel(control="DMSO"), {}, "control"),
        (relabel(), {"batch": "lane"}, "batches"),
        (relabel(), {"context": "lane"}, "controls-in-settings"),
        (relabel(), {"time": "donor"}, "controls-in-settings"),
        (relabel(), {"layer": "umi"}, "counts"),
        (relabel(), {"library_size": "donor"}, "library-size"),
        (spoiled(3, 50.0), {"scale": "log1p"}, "counts"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_the_rule_in_charge(
    screen_file: Write, change: Callable[..., None], settings: dict[str, str], name: str
) -> None:
    asked = DataSettings(path=screen_file(change), **settings)
    with pytest.raises(PajamoError):
        read_screen(asked)
    assert name in {found.id for found in check_screen(asked).of("error")}


def test_text_json_and_table_say_the_same(screen_file: Write) -> None:
    report = check_screen(DataSettings(path=screen_file(repeat_names)))
    text, record, table = report.to_text(), json.loads(report.to_json()), report.to_frame()
    assert text.splitlines()[-1].startswith("not ready: 1 error, ")
    explained = " ".join(report.to_text(explain=True).split())
    assert all(found.why in explained for found in report.rules)
    assert not all(found.why in text for found in report.rules)
    assert record["passed"] is False
    assert [entry["status"] for entry in record["rules"]] == list(table["status"])
    assert {"of": "cell", "name": "same", "times": 2} in next(
        entry["rows"] for entry in record["rules"] if entry["id"] == "unique-names"
    )


def test_real_screen_is_ready(dev_data: Path) -> None:
    report = check_screen(DataSettings(path=dev_data / "perturbation" / "norman2019_k562_crispra.h5ad"))
    assert report.passed
    assert "97% of 101 single targets go up" in rule(report, "own-target").message


def test_coins_by_chance() -> None:
    assert by_chance(3, 3) == pytest.approx(2 / 8)
    assert by_chance(9, 10) == pytest.approx(2 * 11 / 1024)
    assert by_chance(5, 10) == 1.0


def test_cramers_v_at_its_limits() -> None:
    assert cramers_v(np.diag([50, 50, 50])) == pytest.approx(1.0)
    assert cramers_v(np.full((3, 4), 25)) == 0.0
    assert cramers_v(np.array([[10, 20]])) == 0.0


@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=5))
def test_cramers_v_is_a_share_and_symmetric(rows: list[list[int]]) -> None:
    table = np.array(rows)
    if table.sum() < 2:
        return
    value = cramers_v(table)
    assert 0 <= value <= 1 + 1e-9
    assert cramers_v(table.T) == pytest.approx(value)


def test_names_known_as_a_whole_are_not_split() -> None:
    known = {"HLA", "A", "HLA-A", "KLF1"}
    assert split_combination("HLA-A", "-", known) is None
    assert split_combination("KLF1-A", "-", known) == ("KLF1", "A")
    assert split_combination("KLF1-ctrl", "-", known) == ("KLF1", "ctrl")
    assert split_combination("KLF1-X", "-", known) is None
    assert other_separators(["KLF1", "KLF1_2", "NKX2-1", "control"], {"KLF1", "NKX2-1"}) == {}


@pytest.mark.parametrize("guide", ["KLF1_2", "KLF1-sg1", "KLF1_P1P2", "KLF1.g3", "KLF1_ACGTACGTACGTACGTACGT"])
def test_guides_belong_to_genes(guide: str) -> None:
    assert without_guide(guide, {"KLF1", "KLF12"}) == "KLF1"
    assert without_guide("KLF12", {"KLF1", "KLF12"}) is None
    assert without_guide("NKX2-1", {"NKX2-1", "NKX2"}) is None
