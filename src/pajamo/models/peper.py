"""Peper: Salt-LS and a learned correction for each pair, gated by what held-out doubles support."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.pair import LINEAR, Profiles
from pajamo.mechanisms.composition import compose, pair_conditions
from pajamo.models.base import Array, Card, Learned
from pajamo.models.pair_correction import saved_parts
from pajamo.models.pair_correction import stack as linear_stack
from pajamo.models.pair_correction.correction import CorrectionProblem, Members, Standard, corrections
from pajamo.models.pair_correction.distribution import chosen_shape
from pajamo.models.pair_correction.gate import global_gate, pair_gate
from pajamo.models.pair_correction.manifold import Manifold
from pajamo.models.pair_correction.pair_entries import (
    CellScale,
    TrainingEntries,
    doubles_of,
    encode,
    entry_scatter,
    pair_rows,
    profiles_of,
    strength_range,
)  # fmt: skip
from pajamo.models.pair_correction.settings import PeperSettings
from pajamo.models.pair_correction.trust import pair_summaries, pair_trust
from pajamo.models.parts.row_noise import Noise
from pajamo.models.parts.scatter import proportional_excess
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT
from pajamo.models.registry import register
from pajamo.models.salt_ls import SumOfEffects, out_of_fold

PAIRS_AT_ONCE = 16
"""Pairs that are encoded together; more would only cost memory."""


@register
class Peper(SumOfEffects, Learned):
    """delta(A) = Salt-LS(A) + sum over pairs {a, b} of A of correction(a, b).

    The correction of a pair is built gene by gene from symmetric features of its singles' profiles
    (`pajamo.encoders.pair`), in two layers that are learned across all pairs and genes:

    - a linear stack: effects shrunken towards shared programmes, saturation, the weaker effect, and
      so on, with ten coefficients from ridge regression on features that left the double out;
    - networks that re-weight five of these terms by context. They start at exactly zero, one for
      each fold of training doubles, and count as much as held-out doubles support (`gate`) and as
      the members agree on the pair. Where a parent was not measured alone they are not used.

    A pair's `trusted` is the share of the correction that is used. It falls to zero, and Peper to
    Salt-LS with fixed shrinkage, where training has few doubles, where a gene was never perturbed, and
    outside the training manifold (`pajamo.models.pair_correction.manifold`). Before training, Peper is
    Salt-LS and the stack.
    """

    card = Card(
        name="peper",
        title="Peper: Salt-LS and a learned correction",
        reference="after Gaudelet et al. 2024, arXiv 2404.16907, whose network it replaces by a stacked "
        "regression with a gated ensemble, for tens of doubles",
        needs="controls; singles, combinations, or both; three doubles or more for the correction, eight "
        "for its network; cells to draw cells",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, shrunken, ln(1 + CP10K)",
            linear_stack.STACK: "share of each feature of a pair's singles in the response of the pair, 1",
            linear_stack.GATE: "share of the networks' correction that held-out doubles support, 1",
            INTERACTION_SD: "how far training doubles lie from their prediction, per gene, ln(1 + CP10K)",
        },
        limits="says of a pair only what its singles' profiles tell: an interaction that is special to the "
        "pair is not seen; with fewer than three training doubles it is Salt-LS",
        assumes=frozenset({"order-free", "complete-editing"}),
    )
    Settings = PeperSettings
    learning_rate = 3e-3
    weight_decay = 0.05

    profiles: tuple[Profiles, ...]
    strengths: tuple[float, float]
    theta: Array
    share: float
    gate: float
    manifold: Manifold
    standard: Standard
    members: Members
    training: TrainingSet | None = None
    entries: TrainingEntries | None = None
    problem: CorrectionProblem | None = None

    def estimate(self, training: TrainingSet) -> None:
        """Everything with a closed form: main effects, profiles, stack, scatter."""
        settings = self._settings
        noise = Noise(settings.noise, settings.combination_noise)
        self.estimate_effects(training, noise)
        cells = CellScale.of(training)
        self.profiles = profiles_of(training, self.effects, cells)
        doubles = doubles_of(training)
        distinct = len({double.genes for double in doubles})
        self.share, self.gate, self.theta = linear_stack.share_of_stack(distinct), 0.0, np.zeros(len(LINEAR))
        self.members = Members(min(settings.members, max(distinct, 1)), settings.hidden, self.seed)
        self.training = self.entries = self.problem = None
        if distinct > linear_stack.NO_TRUST:
            self.strengths = strength_range(self.profiles, self.effects, doubles)
            self.manifold = Manifold.of(pair_summaries(self.profiles, self.effects, doubles))
            self.entries = TrainingEntries.of(
                training, noise, cells, self.strengths, settings.members, self.seed
            )
            self.training = training
            self._fit_stack(self.entries, distinct >= linear_stack.FULL_TRUST and settings.network)
        else:
            self.strengths, self.manifold = (0.0, 0.0), Manifold.of(np.zeros((1, 3)))
            self.standard = Standard.of(np.zeros((1, self.members.hidden_weight.shape[1])))
            self.share_squared, self.scatter = proportional_excess(
                *out_of_fold(training, noise, settings.members, self.seed)
            )

    def module(self) -> torch.nn.Module:
        """All networks together."""
        return self.members

    @property
    def n_steps(self) -> int:
        """None without networks to train."""
        return 0 if self.problem is None else self._settings.steps

    def loss(self, step: int) -> torch.Tensor:
        """Balanced squared error of each member on the doubles of the other folds."""
        assert self.problem is not None
        return self.problem.loss(self.members, step)

    def finish(self) -> None:
        """Take each member's best, set the gate on held-out doubles, and fit the shape of distributions."""
        if self.entries is None or self.training is None:
            return
        held_out = self._held_out_stack(self.entries)
        if self.problem is not None:
            self.problem.check(self.members)
            self.members.take_best()
            learned, residual = self.problem.held_out(self.members)
            self.gate = global_gate(learned, residual, self.entries.strong)
            held_out = held_out + self.gate * learned
        self._measure_scatter(self.entries, held_out)
        if self._settings.distribution != "means":
            means = np.maximum(self.entries.level + self.entries.additive + held_out, 0.0)
            norms = [self.log_norms(c) for c in self.entries.conditions]
            self.shape = chosen_shape(
                self.training, self.entries, means, norms, self._settings.distribution, self.seed
            )
        self.training = self.entries = self.problem = None

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Salt-LS and the corrections of all pairs; members' disagreement adds to the variance."""
        members, doubles = pair_conditions(conditions)
        correction, variance = self.interactions(doubles)
        level = compose(self.sums(conditions), correction, members)
        known = self.variance_of_sums(conditions)
        return self.change(conditions, level), np.sqrt(known + members @ variance)

    def interactions(self, doubles: Sequence[Condition]) -> tuple[Array, Array]:
        """Correction of each double to the sum of its effects, and its members' variance, (doubles, genes)."""
        assert self.reference is not None
        shape = len(doubles), len(self.reference.genes)
        correction, variance = np.zeros(shape), np.zeros(shape)
        trust = self._pair_trust(doubles)
        rows = np.flatnonzero(trust > 0)
        for start in range(0, len(rows), PAIRS_AT_ONCE):
            at = rows[start : start + PAIRS_AT_ONCE]
            stack, learned, spread = self._corrections([doubles[int(i)] for i in at])
            correction[at] = trust[at, None] * (stack + learned)
            variance[at] = trust[at, None] ** 2 * spread
        return correction, variance

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of the correction that is used: the smallest over a condition's pairs; 1 without pairs."""
        members, doubles = pair_conditions(conditions)
        trusted = self._pair_trust(doubles)
        without = np.where(members > 0, trusted[None, :], 1.0)
        unknown = [not set(c.genes) <= set(self.effects.names) for c in conditions]
        return np.where(unknown, 0.0, without.min(axis=1, initial=1.0))

    def weights(self) -> pd.DataFrame:
        """Coefficients and gate first, then main effects and scatter."""
        table = linear_stack.coefficient_table(self.theta, self.gate)
        return pd.concat([table, super().weights()], ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All fitted arrays."""
        own: dict[str, NDArray[np.generic]] = {
            "theta": self.theta,
            "manifold": np.stack([self.manifold.low, self.manifold.high, self.manifold.width]),
            "standard": np.stack([self.standard.centre, self.standard.spread]),
        }
        parts = saved_parts.profile_arrays(self.profiles) | saved_parts.member_arrays(self.members)
        return super().state() | own | parts

    def facts(self) -> dict[str, object]:
        """Names and scalars."""
        return {**super().facts(), "share": self.share, "gate": self.gate, "strengths": list(self.strengths)}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        assert self.reference is not None
        numbers = {name: np.asarray(array) for name, array in state.items()}
        self.profiles = saved_parts.restored_profiles(self.effects, self.reference.control, numbers)
        self.theta, self.manifold = numbers["theta"], Manifold(*numbers["manifold"])
        self.standard = Standard(*numbers["standard"])
        self.share, self.gate = float(str(facts["share"])), float(str(facts["gate"]))
        low, high = facts["strengths"] if isinstance(facts["strengths"], list) else (0.0, 0.0)
        self.strengths = (low, high)
        self.members = saved_parts.restored_members(numbers, self.seed)

    @property
    def _settings(self) -> PeperSettings:
        assert isinstance(self.settings, PeperSettings)
        return self.settings

    def _fit_stack(self, entries: TrainingEntries, network: bool) -> None:
        """Coefficients on all doubles; out of fold, the scatter and what is left to the networks."""
        self.theta = linear_stack.fit_stack(entries.features.linear, entries.target, entries.weight)
        self.standard = Standard.of(entries.features.context)
        self._measure_scatter(entries, self._held_out_stack(entries))
        if network:
            left = entries.weight * (entries.target - entries.features.linear @ self.theta) ** 2
            unit = float(left.mean()) + np.finfo(float).tiny
            self.problem = CorrectionProblem(
                entries, linear_stack.cross_fitted(entries), self.standard, unit, self.seed
            )

    def _held_out_stack(self, entries: TrainingEntries) -> Array:
        return linear_stack.held_out_corrections(entries, linear_stack.cross_fitted(entries), self.share)

    def _measure_scatter(self, entries: TrainingEntries, correction: Array) -> None:
        """Variance of training doubles around their prediction out of fold, beyond noise."""
        assert self.reference is not None
        self.share_squared, self.scatter = entry_scatter(entries, correction, len(self.reference.genes))

    def _corrections(self, doubles: Sequence[Condition]) -> tuple[Array, Array, Array]:
        """Of known doubles: the stack's correction, the networks', and the networks' variance."""
        features = encode(self.profiles, self.effects, doubles, self.strengths)
        stack = linear_stack.stack_correction(features.linear, self.theta, self.share)
        if self.gate == 0.0:
            return stack, np.zeros_like(stack), np.zeros_like(stack)
        each = corrections(self.members, self.standard.apply(features.context), features.basis)
        used = self.gate * pair_gate(each, self.profiles[0].error) * self._measured(doubles)
        return stack, used[:, None] * each.mean(axis=0), used[:, None] ** 2 * each.var(axis=0)

    def _measured(self, doubles: Sequence[Condition]) -> NDArray[np.bool_]:
        """Whether both parents were measured alone."""
        rows, pairs = self.effects.rows(doubles), pair_rows(self.effects, doubles)
        return np.asarray(self.effects.alone[rows[:, None], pairs].all(axis=1))

    def _pair_trust(self, doubles: Sequence[Condition]) -> Array:
        return pair_trust(self.manifold, self.profiles, self.effects, self.share, doubles)
