"""Compiling an R-loop: states by themselves, energies in the rates back, and what experiments have of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.config.assays import RLoopSettings, declare
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.errors import StudyError
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.law import build_law

GUIDE = "GGNCGCAGAGT"


def assay(*names: str, alphabet: str = "guide-target") -> Assay:
    letters = PairAlphabet() if alphabet == "guide-target" else alphabet_of(alphabet)
    codes = letters.encode([f"{GUIDE}:{GUIDE.replace('N', 'A')}"] if alphabet == "guide-target" else ["ACGT"])
    none = np.zeros(1, dtype=np.int8)
    recorded = {"value": np.zeros(1), "censored": np.zeros(1)}
    return Assay(letters, codes[0], tuple(Experiment(name, codes, recorded, none) for name in names))


def test_states_and_transitions_follow_from_the_steps() -> None:
    settings = declare("r-loop", steps=3)
    assert settings.states == ("unbound", "PAM", "R-loop 1", "R-loop 2", "R-loop 3", "cut")
    assert len(settings.transitions) == 5 + 4
    again = RLoopSettings.model_validate(settings.model_dump())
    assert again == settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"states": ["a", "b"]}, "follow from"),
        ({"sites": {"A": {"length": 3}}}, "of its own"),
        ({"any_base": [3]}, "positions of the PAM"),
    ],
)
def test_what_follows_by_itself_is_not_given(given: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        declare("r-loop", **given)


def test_a_step_back_is_faster_by_the_free_energy_of_its_step() -> None:
    blueprint = compile_mechanism(declare("r-loop", steps=8), assay("k"))
    names = [term.name for term in blueprint.terms]
    assert names[:2] == ["step PAM", "step 1"]
    assert names[-3:] == ["ln k binding", "ln k zipping", "ln k cutting"]
    back = blueprint.rows.index("R-loop 3->R-loop 2")
    entering = {names[column]: value for column, value in enumerate(blueprint.incidence[back]) if value}
    assert entering == {"step 3": 1.0, "ln k zipping": 1.0}


def test_guides_of_another_length_and_plain_sequences_are_refused() -> None:
    with pytest.raises(StudyError, match="11 positions") as caught:
        compile_mechanism(declare("r-loop"), assay("k"))
    assert "steps = 8" in str(caught.value)
    with pytest.raises(StudyError, match="guide-target pairs"):
        compile_mechanism(declare("r-loop"), assay("k", alphabet="dna"))


def test_what_an_experiment_has_of_its_own_is_a_difference() -> None:
    settings = declare("r-loop", steps=8, varies=["cutting", "level"])
    blueprint = compile_mechanism(settings, assay("wild", "variant"))
    own = [term for term in blueprint.terms if term.experiment]
    assert [(term.name, term.experiment) for term in own] == [
        ("cutting in wild", "wild"),
        ("cutting in variant", "variant"),
        ("level in wild", "wild"),
        ("level in variant", "variant"),
    ]
    law = build_law(blueprint).double()
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(4, 12, generator=generator, dtype=torch.float64)
    more = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    joined = shared.clone()
    joined[:, 11] += more[:, 0] + more[:, 1]
    joined[:, 1:9] += (more[:, 2] + more[:, 3])[:, None]
    together, apart = torch.cat([shared, more], dim=1), torch.cat([joined, torch.zeros_like(more)], dim=1)
    torch.testing.assert_close(law(together).value, law(apart).value)
    torch.testing.assert_close(
        law.log_transition_rates(together), law.log_transition_rates(apart), rtol=0, atol=1e-12
    )


def test_nothing_is_an_experiments_own_where_there_is_one() -> None:
    blueprint = compile_mechanism(declare("r-loop", steps=8, varies=["cutting"]), assay("k"))
    assert not any(term.experiment for term in blueprint.terms)
