"""Peper: Salt-LS and a learned correction for each pair, gated by what held-out doubles support."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.pair import LINEAR, Profiles, pair_summary
from pajamo.mechanisms.composition import compose, pair_conditions
from pajamo.models.base import Array, Card, Learned
from pajamo.models.pair_correction.correction import (
    PARAMETERS,
    CorrectionProblem,
    Members,
    Standard,
    corrections,
)
from pajamo.models.pair_correction.distribution import chosen_shape
from pajamo.models.pair_correction.gate import global_gate, pair_gate
from pajamo.models.pair_correction.manifold import Manifold
from pajamo.models.pair_correction.pair_entries import (
    CellScale,
    TrainingEntries,
    doubles_of,
    encode,
    pair_rows,
    profiles_of,
    strength_range,
)  # fmt: skip
from pajamo.models.pair_correction.stack import (
    FULL_TRUST,
    NO_TRUST,
    cross_fitted,
    fit_stack,
    held_out_corrections,
    share_of_stack,
    stack_correction,
)  # fmt: skip
from pajamo.models.parts.main_effects import Noise
from pajamo.models.parts.scatter import proportional_excess
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT
from pajamo.models.registry import register
from pajamo.models.salt_ls import SumOfEffects, out_of_fold

PAIRS_AT_ONCE = 16
"""Pairs that are encoded together; more would only cost memory."""
N_INPUTS = len(LINEAR)
STACK, GATE = "stack coefficient", "gate"


class PeperSettings(Config):
    """Settings of Peper."""

    noise: float = Field(default=0.1, gt=0)
    """As in Salt-LS: variance of a typical single's mean, in units of the variance of main effects."""
    combination_noise: float = Field(default=3.0, ge=1)
    """As in Salt-LS: how many times noisier a combination is taken to be than a single."""
    members: int = Field(default=5, ge=2)
    """Folds of training doubles; each has a network that learns from the other folds."""
    network: bool = True
    """Whether a network corrects what the linear stack leaves."""
    hidden: int = Field(default=32, ge=1)
    """Hidden units of each network."""
    steps: int = Field(default=150, ge=1)
    """Steps of the training loop."""
    distribution: Literal["means", "energy", "mmd"] = "energy"
    """What else is trained on, if the training set holds cells: nothing, or the energy distance or
    maximum mean discrepancy between drawn and measured cells of training doubles."""


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

    A pair's `trusted` is the share of the correction that is used: it falls to zero, and Peper to
    Salt-LS, where training has few doubles, where a gene was never perturbed, and outside the
    training manifold (distance: `pajamo.models.pair_correction.manifold`). Before training, Peper is Salt-LS and
    the stack.
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
            STACK: "share of each feature of a pair's singles in the response of the pair, 1",
            GATE: "share of the networks' correction that held-out doubles support, 1",
            INTERACTION_SD: "how far training doubles lie from their prediction, per gene, ln(1 + CP10K)",
        },
        limits="says of a pair only what its singles' profiles tell: an interaction that is special to the "
        "pair is not seen; with fewer than three training doubles it is Salt-LS",
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
        self.share, self.gate, self.theta = share_of_stack(distinct), 0.0, np.zeros(N_INPUTS)
        self.members = Members(min(settings.members, max(distinct, 1)), settings.hidden, self.seed)
        self.training = self.entries = self.problem = None
        if distinct > NO_TRUST:
            self.strengths = strength_range(self.profiles, self.effects, doubles)
            self.manifold = Manifold.of(self._summaries(doubles))
            self.entries = TrainingEntries.of(
                training, noise, cells, self.strengths, settings.members, self.seed
            )
            self.training = training
            self._fit_stack(self.entries, distinct >= FULL_TRUST and settings.network)
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
        rows = [
            {"quantity": STACK, "of": name, "value": value}
            for name, value in zip(LINEAR, self.theta, strict=True)
        ]
        rows.append({"quantity": GATE, "of": "networks", "value": self.gate})
        table = pd.DataFrame(rows).assign(se=np.nan, unit="1")
        return pd.concat([table, super().weights()], ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All fitted arrays."""
        first = self.profiles[0]
        own: dict[str, NDArray[np.generic]] = {
            "theta": self.theta,
            "filtered": np.stack([profile.filtered for profile in self.profiles]),
            "scale": first.scale,
            "error": first.error,
            "manifold": np.stack([self.manifold.low, self.manifold.high, self.manifold.width]),
            "standard": np.stack([self.standard.centre, self.standard.spread]),
        }
        networks = {f"members.{name}": getattr(self.members, name).detach().numpy() for name in PARAMETERS}
        return super().state() | own | networks

    def facts(self) -> dict[str, object]:
        """Names and scalars."""
        return {**super().facts(), "share": self.share, "gate": self.gate, "strengths": list(self.strengths)}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        assert self.reference is not None
        numbers = {name: np.asarray(array) for name, array in state.items()}
        self.profiles = tuple(
            Profiles(
                self.effects.effects[s], numbers["filtered"][s], self.effects.level[s],
                self.reference.control[s], numbers["scale"], numbers["error"],
            )
            for s in range(len(self.effects.settings))
        )  # fmt: skip
        self.theta, self.manifold = numbers["theta"], Manifold(*numbers["manifold"])
        self.standard = Standard(*numbers["standard"])
        self.share, self.gate = float(str(facts["share"])), float(str(facts["gate"]))
        low, high = facts["strengths"] if isinstance(facts["strengths"], list) else (0.0, 0.0)
        self.strengths = (low, high)
        self._restore_members({name: numbers[f"members.{name}"] for name in PARAMETERS})

    @property
    def _settings(self) -> PeperSettings:
        assert isinstance(self.settings, PeperSettings)
        return self.settings

    def _fit_stack(self, entries: TrainingEntries, network: bool) -> None:
        """Coefficients on all doubles; out of fold, the scatter and what is left to the networks."""
        self.theta = fit_stack(entries.features.linear, entries.target, entries.weight)
        self.standard = Standard.of(entries.features.context)
        self._measure_scatter(entries, self._held_out_stack(entries))
        if network:
            left = entries.weight * (entries.target - entries.features.linear @ self.theta) ** 2
            unit = float(left.mean()) + np.finfo(float).tiny
            self.problem = CorrectionProblem(entries, cross_fitted(entries), self.standard, unit, self.seed)

    def _held_out_stack(self, entries: TrainingEntries) -> Array:
        return held_out_corrections(entries, cross_fitted(entries), self.share)

    def _measure_scatter(self, entries: TrainingEntries, correction: Array) -> None:
        """Variance of training doubles around their prediction out of fold, beyond noise."""
        residual = entries.target - entries.additive - correction
        self.share_squared, own = proportional_excess(residual, entries.noise, entries.additive)
        assert self.reference is not None
        # Genes that were not learned on take the mean over genes that were drawn at random.
        self.scatter = np.full(len(self.reference.genes), own[entries.random_genes].mean())
        self.scatter[entries.genes] = own

    def _corrections(self, doubles: Sequence[Condition]) -> tuple[Array, Array, Array]:
        """Of known doubles: the stack's correction, the networks', and the networks' variance."""
        features = encode(self.profiles, self.effects, doubles, self.strengths)
        stack = stack_correction(features.linear, self.theta, self.share)
        if self.gate == 0.0:
            return stack, np.zeros_like(stack), np.zeros_like(stack)
        each = corrections(self.members, self.standard.apply(features.context), features.basis)
        rows, pairs = self.effects.rows(doubles), pair_rows(self.effects, doubles)
        measured = self.effects.alone[rows[:, None], pairs].all(axis=1)
        used = self.gate * (pair_gate(each, self.profiles[0].error) * measured)[:, None]
        return stack, used * each.mean(axis=0), used**2 * each.var(axis=0)

    def _pair_trust(self, doubles: Sequence[Condition]) -> Array:
        """Few doubles in training, or a pair outside their manifold, or of an unknown gene: towards 0."""
        names = set(self.effects.names)
        known = np.array([set(double.genes) <= names for double in doubles], dtype=bool)
        trusted = np.zeros(len(doubles))
        rows = np.flatnonzero(known)
        if self.share > 0 and len(rows):
            trusted[rows] = self.manifold.trust(self._summaries([doubles[int(i)] for i in rows]))
        return trusted

    def _summaries(self, doubles: Sequence[Condition]) -> Array:
        rows, pairs = self.effects.rows(doubles), pair_rows(self.effects, doubles)
        found = np.zeros((len(doubles), 3))
        for s in np.unique(rows):
            found[rows == s] = pair_summary(self.profiles[s], pairs[rows == s])
        return found

    def _restore_members(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        count, _, hidden = arrays["hidden_weight"].shape
        self.members = Members(count, hidden, self.seed)
        with torch.no_grad():
            for name, array in arrays.items():
                getattr(self.members, name).copy_(torch.from_numpy(np.array(array)))
