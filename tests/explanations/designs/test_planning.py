"""Plans of libraries: expected half-widths are those that refits of simulated assays scatter by."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from tests.explanations.designs.planted_promoters import SORTER, one_site

from pajamo.config.assays import BarcodeSettings
from pajamo.errors import ModelError
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.designs.planning import plan_library
from pajamo.explanations.designs.simulation import simulate
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem


def test_refits_scatter_as_planned() -> None:
    model, variants = one_site(), 300
    plan = plan_library(model, rates=(0.4,), variants=(variants,), reads=(1.0,), sample=300, level=0.9)
    planned = plan.table.iloc[0]
    found = []
    for seed in range(30):
        assay = simulate(model, Mutagenesis(variants=variants, rate=0.4), seed=100 + seed)
        fitted = copy.deepcopy(model.assembly)
        problem = Problem(fitted, rows_of(assay))
        newton(problem, limit=30)
        wild_type = torch.as_tensor(model.frame.padded(["ACGTA", "CCGTA", "AGGTA", "ACTTA"]))
        found.append(fitted.terms(wild_type, "plate")[:, 0].detach().numpy() * fitted.blueprint.kT)
    energies = np.array(found)
    assert energies[:, 0].std() * 1.645 == pytest.approx(planned["R"], rel=0.4)
    change = energies[:, 1:] - energies[:, :1]
    assert np.sqrt((change.var(axis=0)).mean()) * 1.645 == pytest.approx(planned["R matrix"], rel=0.4)


def test_information_adds_up_over_variants() -> None:
    plan = plan_library(one_site(), rates=(0.3,), variants=(4000, 16_000), reads=(1.0,), sample=400)
    assert plan.table["R"][1] == pytest.approx(plan.table["R"][0] / 2, rel=0.02)
    assert plan.smallest is None


def test_more_reads_help_until_barcodes_differ_by_themselves() -> None:
    model = one_site(BarcodeSettings(rna="r", dna="d"))
    plan = plan_library(model, rates=(0.3,), variants=(4000,), reads=(5.0, 20.0, 2000.0), sample=500)
    few, more, many = plan.table["R matrix"]
    assert many < more < few
    assert many > more / 4


def test_a_sorter_of_any_shape_does_not_measure_the_scale_of_one_site() -> None:
    plan = plan_library(one_site(SORTER), rates=(0.3,), variants=(1000, 4000), reads=(10.0,), sample=400)
    assert plan.table["R matrix"].min() > 1.0


def test_the_smallest_library_reaches_the_width_and_no_smaller_one_does() -> None:
    wanted = {"R matrix": 0.05}
    plan = plan_library(one_site(), wanted, rates=(0.1, 0.4), variants=(100,), reads=(1.0,), sample=300)
    assert plan.smallest is not None
    assert plan.smallest["total_reads"] == plan.needed["total_reads"].min()
    fewest = int(plan.smallest["variants"])
    around = plan_library(
        one_site(),
        rates=(plan.smallest["rate"],),
        variants=(fewest, int(0.98 * fewest)),
        reads=(1.0,),
        sample=300,
    )
    assert around.table["R matrix"][0] <= 0.05 < around.table["R matrix"][1]


def test_what_cannot_be_planned_is_refused() -> None:
    with pytest.raises(ModelError, match="no quantity 'S'"):
        plan_library(one_site(), {"S": 0.1}, rates=(0.4,), reads=(1.0,), sample=200)
    with pytest.raises(ModelError, match="half-width of 0"):
        plan_library(one_site(), {"R": 0.0}, rates=(0.4,), reads=(1.0,), sample=200)
    plan = plan_library(one_site(), {"R": 1e-9}, rates=(0.4,), reads=(1.0,), sample=200)
    assert plan.smallest is None
    assert plan.needed["variants"].isna().all()
