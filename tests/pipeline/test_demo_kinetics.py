"""The demonstration of kinetics: its studies name data that ship, can be fitted, and say what each verb needs."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

import pytest

from pajamo.api import DEMOS
from pajamo.config.assays import parse_assay_study
from pajamo.data.assays.reading import read_assay
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.checking import check_assay_study
from pajamo.search.declaring import space_of


def study_of(name: str) -> dict[str, Any]:
    text = resources.files("pajamo.pipeline").joinpath("demo", name).read_text(encoding="utf-8")
    return tomllib.loads(text)


@pytest.mark.parametrize("name", DEMOS["kinetics"])
def test_each_study_reads_data_that_ship_and_its_mechanism_is_built(name: str) -> None:
    study = parse_assay_study(study_of(name))
    assay = read_assay(study)
    assert {int(place) for experiment in assay.experiments for place in experiment.set_of} >= {0, 2}
    assert all(experiment.dataset for experiment in study.experiments.values())
    model = AssayModel("r-loop", study.mechanisms["r-loop"], study.experiments)
    assert len(model.build(assay).blueprint.states) == 23


def test_one_study_is_searched_and_the_other_carried_over() -> None:
    rates, cells = (parse_assay_study(study_of(name)) for name in DEMOS["kinetics"])
    assert rates.search is not None
    assert space_of(rates, rates.search, 23).names == ("cycle-4", "cycle-5")
    assert cells.transfer is not None
    assert set(cells.transfer.mechanisms) <= set(cells.mechanisms)


def test_its_data_are_checked_without_a_complaint() -> None:
    report = check_assay_study(parse_assay_study(study_of(DEMOS["kinetics"][0])), "demo")
    found = {rule.id: rule.status for rule in report.rules}
    assert "error" not in found.values()
    assert any(name.startswith("model-r-loop") for name in found)
