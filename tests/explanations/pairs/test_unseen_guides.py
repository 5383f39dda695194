"""How much wider intervals are for guides that no fit saw: planted deviations of guides, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explanations.pairs.networks import assay_of

from pajamo.config.assays import ExperimentSettings, RateSettings, declare
from pajamo.config.assays.study import PairSettings
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.explanations.assays.gauging import linear_readers
from pajamo.explanations.pairs.scoring import score_pairs
from pajamo.explanations.pairs.spread import information_of
from pajamo.explanations.pairs.structure import jacobian_of
from pajamo.explanations.pairs.unseen import unseen_guides
from pajamo.explanations.pairs.widening import Widening
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.gauge import design

BASES, NOISE, LIMIT = 6, 0.1, -5.0
COSTS = np.linspace(1.5, 0.4, BASES)
"""log10 units of a mismatch at each place, from the far end to the PAM."""


def drawn(guides: int, each: int, apart: float, seed: int):
    """Guides that are faster or slower as a whole, and to which mismatches cost more or less; log10 of rates."""
    rng = np.random.default_rng(seed)
    own, targets, truth = [], [], []
    for _ in range(guides):
        guide = "".join(rng.choice(list("ACGT"), BASES))
        level, costs = -1.0 + apart * rng.standard_normal(), COSTS + apart / 4 * rng.standard_normal(BASES)
        for row in range(each):
            letters, cost = list(guide), 0.0
            for place in rng.permutation(BASES)[: min(row, rng.integers(0, 4))]:
                letters[place] = str(rng.choice([base for base in "ACGT" if base != guide[place]]))
                cost += costs[place]
            own.append(guide + "NGG")
            targets.append("".join(letters) + "TGG")
            truth.append(level - cost)
    return own, targets, np.array(truth)


def fitted(own, targets, truth, seed=0):
    """Every pair but the tenth ones are fitted."""
    value = truth + NOISE * np.random.default_rng(seed).standard_normal(len(truth))
    bare = assay_of(own, targets, np.maximum(value, LIMIT))
    experiment = bare.experiments[0]
    recorded = dict(experiment.recorded) | {"censored": -(value <= LIMIT).astype(float)}
    assay = Assay(
        bare.alphabet,
        bare.wild_type,
        (Experiment("one", experiment.codes, recorded, experiment.set_of),),
    )
    settings = ExperimentSettings(
        path="table.csv", measurement=RateSettings(value="y", lower=LIMIT), pairs=PairSettings()
    )
    mechanism = declare("latent", reads={"encoder": "profile", "changes": "kind", "sd": 2.0})
    model = AssayModel("map", mechanism, {"one": settings})
    fit_assay(model, assay, starts=1)
    return model, assay


@pytest.fixture(scope="module")
def several():
    return fitted(*drawn(40, 10, 0.6, seed=1))


def test_the_spread_of_planted_guides_is_found(several):
    table = unseen_guides(*several)
    (row,) = table.to_dict("records")
    assert (row["experiment"], row["held_out"], row["folds"], row["unit"]) == ("one", "guides", 5, "ln")
    assert 0.45 < row["sd"] / np.log(10) < 0.8
    assert "For a guide unlike those fitted" in row["words"]
    assert "guides left out" in row["words"]


def test_intervals_of_guides_that_no_fit_saw_cover_them(several):
    model, assay = several
    widening, found = Widening.of(unseen_guides(model, assay), assay), information_of(model, assay)
    own, targets, truth = drawn(120, 6, 0.6, seed=2)
    before = score_pairs([model], own, targets, information=[found])
    after = score_pairs([model], own, targets, information=[found], widening=widening)
    assert "guide_fitted" not in before
    # Of so short guides one may be drawn twice.
    new = ~after["guide_fitted"]
    assert new.mean() > 0.97
    held = [((table["low"] <= truth) & (truth <= table["high"]))[new].mean() for table in (before, after)]
    assert held[0] < 0.6
    assert 0.8 < held[1] < 0.98
    np.testing.assert_array_equal(before["expected"], after["expected"])


def test_guides_that_were_fitted_keep_their_intervals(several):
    model, assay = several
    widening, found = Widening.of(unseen_guides(model, assay), assay), information_of(model, assay)
    own, targets, _ = drawn(40, 10, 0.6, seed=1)
    one = score_pairs([model], own[:30], targets[:30], information=[found])
    other = score_pairs([model], own[:30], targets[:30], information=[found], widening=widening)
    assert other["guide_fitted"].all()
    np.testing.assert_array_equal(one["low"], other["low"])


def test_guides_that_are_alike_add_next_to_nothing():
    table = unseen_guides(*fitted(*drawn(10, 24, 0.0, seed=3)))
    assert table["sd"].item() < 0.15


def test_of_one_guide_places_are_left_out():
    own, targets, truth = drawn(1, 90, 0.0, seed=4)
    table = unseen_guides(*fitted(own, targets, truth))
    assert table["held_out"].item() == "places"
    assert "stretches of the one guide's protospacer" in table["words"].item()
    assert table["rows"].item() > 60


def test_derivatives_of_an_r_loop_are_those_of_its_steps_one_by_one():
    own, targets, truth = drawn(3, 10, 0.0, seed=5)
    bare = assay_of(own, targets, truth)
    settings = ExperimentSettings(
        path="table.csv", measurement=RateSettings(value="y"), pairs=PairSettings(), output="cleavage"
    )
    model = AssayModel("loop", declare("r-loop", steps=BASES), {"one": settings})
    recorded = dict(bare.experiments[0].recorded) | {"censored": np.zeros(30)}
    experiment = Experiment("one", bare.experiments[0].codes, recorded, np.zeros(30, dtype=np.int8))
    assembly = model.build(Assay(bare.alphabet, bare.wild_type, (experiment,)))
    with torch.no_grad():
        for reader in linear_readers(assembly).values():
            reader.weights += 0.3 * torch.randn(
                reader.features, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
            )
    rows = Rows.of(experiment)
    terms = assembly.terms(rows.codes, "one").detach().requires_grad_(True)
    activity = assembly.law(terms, assembly.offsets(rows.codes, rows.inputs))
    (slopes,) = torch.autograd.grad(assembly.recorded(activity, "one").sum(), terms)
    (block,) = Coordinates(assembly).readers
    naive = torch.zeros(len(rows), block.where.stop - block.where.start, dtype=torch.float64)
    for place, term in enumerate(assembly.blueprint.terms):
        if term.encoder is not None:
            reader = linear_readers(assembly)[term.encoder]
            own_design = design(reader, assembly.window(term, rows.codes), torch.float64, term.part)
            naive += slopes[:, place, None] * own_design
    found = jacobian_of(assembly, rows)[:, block.where]
    np.testing.assert_allclose(found.detach(), naive.detach(), rtol=1e-10, atol=1e-12)
