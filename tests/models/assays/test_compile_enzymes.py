"""One R-loop for several enzymes: what they share, what each has of its own, and what cannot be shared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.assays.two_enzymes import LONG, SHORT, assay, joint, study

from pajamo.config.assays import declare
from pajamo.errors import StudyError
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.saved import facts, restore, state

BOTH = {"nine": 40, "twelve": 40}
ALONE = {"steps": SHORT, "pam": 3, "any_base": [2]}


def model_of(asked, own) -> AssayModel:
    made = AssayModel("loop", asked.mechanisms["loop"], asked.experiments)
    made.build(own)
    return made


def scatter(model: AssayModel, seed: int = 0) -> None:
    """Random values of every weight and of every constant that is free."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, reader in model.assembly.readers():
            reader.randomise(generator)
        drawn = torch.randn(model.assembly.constants.shape, generator=generator, dtype=torch.float64)
        model.assembly.constants += drawn * model.assembly.free


def test_each_enzyme_has_steps_of_its_own_beside_the_shared_ones() -> None:
    blueprint = compile_mechanism(joint().mechanisms["loop"], assay(BOTH))
    assert list(blueprint.readers) == ["R-loop", "R-loop in Cas9", "R-loop in Cas12a"]
    assert blueprint.readers["R-loop in Cas9"].experiments == ("nine",)
    term = blueprint.terms[blueprint.term("step 3 in Cas9")]
    assert blueprint.counts(term, "nine")
    assert not blueprint.counts(term, "twelve")
    own = blueprint.incidence[:, blueprint.term("step 3 in Cas9")]
    np.testing.assert_array_equal(own, blueprint.incidence[:, blueprint.term("step 3")])
    less = blueprint.terms[blueprint.term("base pairs less in nine")]
    assert (less.initial, less.fixed, less.experiment) == (LONG - SHORT, True, "nine")


def test_an_enzyme_alone_is_what_it_was_before_there_were_several() -> None:
    own = assay({"nine": 30}, pam=3)
    plain, varying = (
        compile_mechanism(declare("r-loop", **ALONE, **more), own)
        for more in ({}, {"varies": ["binding", "costs"], "unlike": 2.0})
    )
    assert plain.terms == varying.terms
    assert plain.readers == varying.readers
    np.testing.assert_array_equal(plain.incidence, varying.incidence)


def test_a_shorter_guide_among_longer_ones_has_the_rate_that_it_has_alone() -> None:
    together, alone = (
        model_of(joint(), assay(BOTH)),
        model_of(study("nine", **ALONE), assay({"nine": 40}, pam=3)),
    )
    scatter(together)
    terms = together.assembly.terms(torch.as_tensor(assay(BOTH).experiments[0].codes), "nine")
    law = together.assembly.law
    joined = law._joined(terms)
    shorter = torch.cat([joined[:, : SHORT + 1], joined[:, LONG + 1 :]], dim=1)
    expected = alone.assembly.law(shorter).value
    torch.testing.assert_close(law(terms).value, expected, rtol=0, atol=1e-12)


def test_what_is_one_enzymes_own_moves_no_pair_of_the_other() -> None:
    own = assay(BOTH)
    model = model_of(joint(), own)
    before = [model.predict(e)["activity"].to_numpy() for e in own.experiments]
    with torch.no_grad():
        model.assembly.reader("R-loop in Cas12a").weights += 0.5
    after = [model.predict(e)["activity"].to_numpy() for e in own.experiments]
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.allclose(before[1], after[1])


def test_a_saved_model_of_two_enzymes_predicts_the_same_bits() -> None:
    own = assay(BOTH)
    model = model_of(joint(), own)
    scatter(model)
    again = restore(state(model), facts(model, Frame.of(own)), "here")
    for each in own.experiments:
        np.testing.assert_array_equal(model.predict(each).to_numpy(), again.predict(each).to_numpy())


@pytest.mark.parametrize(
    ("changed", "message", "fix"),
    [
        ({"shorter": {}}, "guides of 'nine' have 6 base pairs, and its R-loop 8", "shorter.nine = 6"),
        (
            {"shorter": {"nine": 5}},
            "guides of 'nine' have 6 base pairs, and its R-loop 5",
            "shorter.nine = 6",
        ),
        (
            {"shorter": {"nine": SHORT, "twelve": 7}},
            "guides of 'twelve' have 8 base pairs, and its R-loop 7",
            "leave out shorter.twelve",
        ),
        ({"steps": SHORT, "shorter": {}}, "guides have 12 positions, and the R-loop 10", "steps = 8"),
        ({"pam": 3, "any_base": [2]}, "guides have 12 positions, and the R-loop 11", "steps = 9"),
    ],
)
def test_guides_of_another_length_than_declared_are_refused(changed, message: str, fix: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        compile_mechanism(joint(**changed).mechanisms["loop"], assay(BOTH))
    assert fix in str(caught.value)


def test_guides_as_long_as_all_are_not_shorter() -> None:
    with pytest.raises(StudyError, match="fewer than `steps`"):
        joint(shorter={"nine": LONG})


def test_costs_of_one_enzyme_cannot_differ_between_enzymes() -> None:
    one = assay({"nine": 10}, pam=3)
    (nine,) = one.experiments
    variant = type(nine)("variant", nine.codes, nine.recorded, nine.set_of, enzyme="Cas9")
    settings = declare("r-loop", **ALONE, varies=["costs"])
    with pytest.raises(StudyError, match="all experiments are of one enzyme, Cas9") as caught:
        compile_mechanism(settings, type(one)(one.alphabet, one.wild_type, (nine, variant)))
    assert 'leave "costs" out' in str(caught.value)


def cycle(**changed):
    reads = {"start": 4, "length": LONG, "encoder": "profile", "changes": "kind"}
    transitions = {"free->bound": {}, "bound->free": {"reads": reads}, "bound->cut": {"reads": reads}}
    declared = {
        "states": ["free", "bound", "cut"],
        "transitions": transitions,
        "passages": {"cleavage": {"start": "free", "to": ["cut"]}},
    }
    return declare("kinetic", **(declared | changed))


def test_rates_of_a_scheme_may_be_an_experiments_own() -> None:
    blueprint = compile_mechanism(cycle(varies=["free->bound", "bound->cut"]), assay(BOTH))
    own = [term.name for term in blueprint.terms if term.experiment]
    assert own == [
        f"ln k {pace} in {name}" for pace in ("free->bound", "bound->cut") for name in ("nine", "twelve")
    ]
    for name in own:
        shared = blueprint.incidence[:, blueprint.term(name.partition(" in ")[0])]
        np.testing.assert_array_equal(blueprint.incidence[:, blueprint.term(name)], shared)
    alone = compile_mechanism(cycle(varies=["free->bound"]), assay({"twelve": 10}))
    assert alone.terms == compile_mechanism(cycle(), assay({"twelve": 10})).terms


@pytest.mark.parametrize(
    ("varies", "message"), [(["bound->gone"], "no fitted rate 'bound->gone'"), (["free->bound"] * 2, "twice")]
)
def test_a_rate_that_varies_is_one_of_the_scheme(varies: list[str], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        compile_mechanism(cycle(varies=varies), assay(BOTH))


def test_a_window_beyond_a_shorter_guide_changes_nothing_of_it() -> None:
    own = assay(BOTH)
    reads = {"start": 4 + SHORT, "length": LONG - SHORT, "encoder": "additive", "changes": "kind"}
    settings = cycle(transitions={"free->bound": {}, "bound->free": {}, "bound->cut": {"reads": reads}})
    asked = study("nine", "twelve")
    model = AssayModel("cycle", settings, asked.experiments)
    model.build(own)
    scatter(model)
    spreads = [np.ptp(model.predict(e)["activity"].to_numpy()) for e in own.experiments]
    assert spreads[0] == 0.0
    assert spreads[1] > 0.0
