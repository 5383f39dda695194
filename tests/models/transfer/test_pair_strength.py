"""What a guide's own bases change: the same of every target, wherever the mechanism reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.models.transfer.planted_transfer import (
    LENGTH,
    LOOP,
    SCHEME,
    codes,
    guides,
    network,
    sites,
    study,
    targets,
)

from pajamo.data.assays.pairs.pairing import names
from pajamo.models.transfer.network import TransferNetwork
from pajamo.models.transfer.steps import contributions, steps_hit
from pajamo.models.transfer.strength import PairStrength, strong_codes

PAM = 3


def strengthened(mechanism: dict[str, Any], seed: int = 0) -> TransferNetwork:
    """A network in which the guide's bases matter."""
    made = network(study(mechanism), seed, 0.3)
    assert made.strength is not None
    drawn = torch.randn(made.strength.weights.shape, generator=torch.Generator().manual_seed(seed))
    made.strength.weights.data = drawn
    return made


def strong(guide: str) -> np.ndarray:
    """1/2 for each G or C of a guide, -1/2 for each other base, from the PAM's outer end; 0 in the PAM."""
    value = np.array([0.5 if base in "GC" else -0.5 for base in guide[::-1]])
    value[:PAM] = 0.0
    return value


def changes(made: TransferNetwork, pairs: list[tuple[str, str]]) -> np.ndarray:
    assert made.strength is not None
    with torch.no_grad():
        return made.strength(torch.as_tensor(codes(pairs))).numpy()


def test_codes_are_strong_by_the_guides_base_alone() -> None:
    wanted = [{"G": 0.5, "C": 0.5, "A": -0.5, "T": -0.5, "N": 0.0}[name[0]] for name in names()]
    np.testing.assert_array_equal(strong_codes(), [*wanted, 0.0])


def test_each_step_of_an_r_loop_has_its_own_base_pair() -> None:
    made = strengthened(LOOP)
    assert made.strength is not None
    listed = guides(6)
    found = changes(made, [(guide, guide) for guide in listed])
    terms = [term.name for term in made.kinetics.blueprint.terms]
    weight = float(made.strength.weights[0].detach())
    for guide, own in zip(listed, found, strict=True):
        wanted = {
            f"step {number}": weight * strong(guide)[PAM + number - 1] for number in range(1, LENGTH - 2)
        }
        np.testing.assert_allclose(own, [wanted.get(name, 0.0) for name in terms], atol=1e-6)


def test_a_rate_counts_the_pairs_of_its_window() -> None:
    made = strengthened(SCHEME)
    assert made.strength is not None
    blueprint, listed = made.kinetics.blueprint, guides(6)
    weights = dict(zip(blueprint.readers, made.strength.weights.tolist(), strict=True))
    found = changes(made, [(guide, guide) for guide in listed])
    for guide, own in zip(listed, found, strict=True):
        for term, change in zip(blueprint.terms, own, strict=True):
            wanted = 0.0
            if term.encoder is not None:
                length = blueprint.readers[term.encoder].length
                wanted = weights[term.encoder] * strong(guide)[term.start : term.start + length].sum()
            assert change == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("mechanism", [LOOP, SCHEME])
def test_targets_of_a_guide_are_changed_alike(mechanism: dict[str, Any]) -> None:
    made, guide = strengthened(mechanism), guides(1)[0]
    met = targets(guide, 20, np.random.default_rng(0))
    found = changes(made, [(guide, target) for target in met])
    np.testing.assert_array_equal(found, np.repeat(found[:1], len(met), axis=0))
    assert np.abs(found).max() > 0


@pytest.mark.parametrize("mechanism", [LOOP, SCHEME])
def test_steps_are_told_from_the_guides_own_matched_target(mechanism: dict[str, Any]) -> None:
    made, guide = strengthened(mechanism), guides(1)[0]
    matched = torch.as_tensor(codes([(guide, guide)]))
    own = torch.as_tensor(codes([(guide, target) for target in targets(guide, 20, np.random.default_rng(1))]))
    with torch.no_grad():
        fall = made.log10_activity(own) - made.log10_activity(matched)
        torch.testing.assert_close(made.matched(matched), made.terms(matched))
    np.testing.assert_allclose(
        contributions(made, own, points=32).sum(dim=1).numpy(), fall.numpy(), atol=2e-3
    )
    assert steps_hit(made, matched.numpy()) == [""]


def test_all_starts_at_nothing_and_can_be_left_out() -> None:
    own = torch.as_tensor(sites(2, 5)[0])
    made = network(study(LOOP))
    assert isinstance(made.strength, PairStrength)
    assert not made.strength(own).any()
    assert network(study(LOOP, strength_sd=0.0)).strength is None
    assert network(study(LOOP, context="none")).strength is None


def test_the_penalty_is_that_of_a_gaussian() -> None:
    made = strengthened(SCHEME).strength
    assert made is not None
    wanted = torch.distributions.Normal(0.0, 0.7)
    found = wanted.log_prob(torch.zeros(())) - wanted.log_prob(made.weights)
    torch.testing.assert_close(made.penalty(0.7), found.sum())
