"""Free energies of an R-loop's steps: which difference enters which step, and what the prior says of like ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.pairing import CHANNELS
from pajamo.encoders.guides.steps import MISMATCH_MEAN, StepMap

GUIDE = "GGNCGCAGAGT"
"""A PAM of three, read from its outer end, and eight base pairs."""
PAM, LENGTH = 3, 11


@pytest.fixture
def step_map() -> StepMap:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    made = StepMap(LENGTH, PAM, (2,))
    made.randomise(torch.Generator().manual_seed(0))
    torch.set_default_dtype(before)
    return made


def codes(*targets: str, guide: str = GUIDE) -> Tensor:
    return torch.as_tensor(PairAlphabet().encode([f"{guide}:{target}" for target in targets]))


def changed(place: int, base: str) -> str:
    return GUIDE.replace("N", "A")[:place] + base + GUIDE.replace("N", "A")[place + 1 :]


def test_a_matched_target_has_the_matched_steps(step_map: StepMap) -> None:
    found = step_map(codes(GUIDE.replace("N", "T")))
    torch.testing.assert_close(found[0], step_map.matched)


@pytest.mark.parametrize(("place", "step"), [(0, 0), (1, 0), (3, 1), (7, 5), (10, 8)])
def test_a_mismatch_enters_its_own_step_and_the_pam_the_first(
    step_map: StepMap, place: int, step: int
) -> None:
    other = next(base for base in "ACGT" if base != GUIDE[place])
    difference = (step_map(codes(changed(place, other)))[0] - step_map.matched).detach()
    name = f"{GUIDE[place]}>{other}"
    expected = torch.zeros(step_map.steps, dtype=torch.float64)
    expected[step] = step_map.table[place, CHANNELS["kind"].index(name)].detach()
    torch.testing.assert_close(difference, expected)


def test_what_is_inserted_enters_the_next_step(step_map: StepMap) -> None:
    aligned = "GGNCG-CAGAGT:GGACGTCAGAGT"
    found = torch.as_tensor(PairAlphabet().encode([aligned]))
    difference = (step_map(found)[0] - step_map.matched).detach()
    expected = torch.zeros(step_map.steps, dtype=torch.float64)
    expected[3] = step_map.table[4, CHANNELS["kind"].index("+T")].detach()
    torch.testing.assert_close(difference, expected)


def test_designs_are_the_forward_pass(step_map: StepMap) -> None:
    rng = np.random.default_rng(0)
    targets = ["".join(rng.choice(list("ACGT"), LENGTH)) for _ in range(40)]
    pairs = codes(*targets)
    parts = [step_map.design_of(pairs, step) @ step_map.weights for step in range(step_map.steps)]
    torch.testing.assert_close(torch.stack(parts, dim=1), step_map(pairs))
    torch.testing.assert_close(step_map.design(pairs) @ step_map.weights, step_map(pairs).sum(dim=1))


def prior_covariance(step_map: StepMap) -> np.ndarray:
    """Of the table of costs, shape (length x channels, length x channels)."""
    first = step_map.base.shape[1]
    spread = step_map.spread.numpy()
    return spread @ np.diag(step_map.prior_sd[first:].numpy() ** 2) @ spread.T


def test_like_costs_resemble_each_other_in_the_prior(step_map: StepMap) -> None:
    listed, covariance = CHANNELS["kind"], prior_covariance(step_map)
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)

    def at(place: int, name: str) -> int:
        return place * len(listed) + listed.index(name)

    near = correlation[at(5, "A>C"), at(6, "A>C")]
    far = correlation[at(5, "A>C"), at(10, "A>C")]
    other_kind = correlation[at(5, "A>C"), at(6, "G>T")]
    bulge = correlation[at(5, "A>C"), at(6, "-")]
    assert near > far > 0
    assert near > other_kind > bulge
    assert bulge == pytest.approx(0.0, abs=1e-9)


def test_the_prior_mean_is_a_cost_in_the_protospacer_and_none_in_the_pam(step_map: StepMap) -> None:
    first = step_map.base.shape[1]
    mean = (step_map.spread @ step_map.prior_mean[first:]).reshape(LENGTH, -1)
    torch.testing.assert_close(mean[PAM:], torch.full_like(mean[PAM:], MISMATCH_MEAN))
    substitutions = [not name.startswith("+") for name in CHANNELS["kind"]]
    assert not mean[:PAM, substitutions].any()
    # What is inserted between the PAM and the first base pair is a bulge like others.
    inserted = [name.startswith("+") for name in CHANNELS["kind"]]
    torch.testing.assert_close(
        mean[PAM - 1, inserted], torch.full_like(mean[PAM - 1, inserted], MISMATCH_MEAN)
    )


def test_any_base_does_at_the_pams_n(step_map: StepMap) -> None:
    spread = np.sqrt(np.diag(prior_covariance(step_map))).reshape(LENGTH, -1)
    substitution = CHANNELS["kind"].index("T>G")
    assert spread[2, substitution] < 0.5 < 2.0 < spread[1, substitution]


def test_a_map_of_differences_lies_about_zero_and_spreads_by_its_share() -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    whole, own = StepMap(LENGTH, PAM, (2,)), StepMap(LENGTH, PAM, (2,), unlike=0.25)
    torch.set_default_dtype(before)
    assert not own.table.any()
    assert not own.matched.any()
    ratio = np.diag(prior_covariance(own)) / np.diag(prior_covariance(whole))
    inside = ratio.reshape(LENGTH, -1)[PAM:]
    np.testing.assert_allclose(inside, 0.25**2, rtol=1e-4)
    # PAMs of different enzymes are not alike: what a wrong base costs there is each enzyme's own.
    np.testing.assert_allclose(ratio.reshape(LENGTH, -1)[: PAM - 1], 1.0, rtol=1e-9)
    spread = [
        step_map.base.numpy() * step_map.prior_sd[: step_map.base.shape[1]].numpy()
        for step_map in (whole, own)
    ]
    variances = [np.sum(each**2, axis=1) for each in spread]
    np.testing.assert_allclose(np.divide(*variances[::-1]), [1.0, *[0.25**2] * (LENGTH - PAM)], rtol=1e-9)
