"""Responses that were seen at several times: their linear law, and the columns that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Reference
from pajamo.models.flow_parts.acting import measured_shares, weights_of
from pajamo.models.flow_parts.assembly import Regulation
from pajamo.models.flow_parts.controls import steady_controls
from pajamo.models.flow_parts.fitted_flow import FittedFlow, doses, media_of
from pajamo.models.flow_parts.levels import fit_levels
from pajamo.models.flow_parts.recorded import Recorded, exposure_of
from pajamo.models.flow_parts.response_posterior import Columns, ResponsePosterior
from pajamo.models.flow_parts.response_prior import ResponsePrior, Timing
from pajamo.models.flow_parts.words import Histories
from pajamo.models.parts.scatter import excess_variance

Array = NDArray[np.float64]


@dataclass(frozen=True)
class InTime:
    """What the linear law of responses says of perturbations that were seen alone.

    Attributes
    ----------
    posterior: of the responses of single perturbations.
    histories: the protocol, without the onset that the data suggest.
    steady: control of each setting, steadied where unperturbed cells rest; shape (settings, genes).
    scatter: variance of combinations around the flow, shape (genes,).
    """

    posterior: ResponsePosterior
    histories: Histories
    steady: Array
    scatter: Array

    @classmethod
    def fit(cls, training: TrainingSet, histories: Histories) -> tuple[InTime, FittedFlow]:
        """Estimate the law from controls and singles, and build the flow that has its columns."""
        words = {condition: histories.history(condition) for condition in training.conditions}
        singles = Recorded.of(training, words).of_order(1)
        genes = {str(gene): i for i, gene in enumerate(training.genes)}
        own = np.array([genes.get(row[0], -1) for row, _ in singles.rows], dtype=np.intp)
        prior = ResponsePrior(singles, own, training.controls.mean.mean(axis=0) / singles.spread).fit()
        posterior = ResponsePosterior(prior)
        made = cls(posterior, histories, steady_controls(training, histories), np.zeros(len(genes)))
        return made.informed(training, _flow(posterior, training, histories, genes))

    @property
    def recorded(self) -> Recorded:
        """The single perturbations that the law was fitted to."""
        return self.posterior.prior.recorded

    def informed(self, training: TrainingSet, flow: FittedFlow) -> tuple[InTime, FittedFlow]:
        """Columns updated with the training combinations, and their scatter around what singles predict.

        A column moves a combination's change by its share of the way to the end: the update is the linear Gaussian
        one, gene by gene, with as much scatter as the singles leave unexplained.
        """
        rows = [i for i, c in enumerate(training.conditions) if c.order > 1]
        if not rows:
            return self, flow
        conditions = [training.conditions[i] for i in rows]
        residual = training.delta[rows] - flow.changes(conditions)
        noise = training.variance_of_mean[rows] + training.control_variance_of_mean(conditions)
        member = flow.weights(conditions)
        variance = flow.regulation.sd**2
        scatter = excess_variance(residual, noise + member**2 @ variance)
        effect, sd = flow.regulation.effect.copy(), flow.regulation.sd.copy()
        for gene in range(training.n_genes):
            left = noise[:, gene] + scatter[gene] + np.finfo(float).tiny
            gain, remaining = _update(member, variance[:, gene], left)
            effect[:, gene] += gain @ residual[:, gene]
            sd[:, gene] = np.sqrt(remaining)
        regulation = replace(flow.regulation, effect=effect, sd=sd)
        return replace(self, scatter=scatter), replace(flow, regulation=regulation)

    def knows(self, condition: Condition) -> bool:
        """Whether the condition's perturbation was seen alone in its context."""
        return condition.order == 1 and self._row(condition) >= 0

    def law(self, conditions: Sequence[Condition], flow: FittedFlow) -> Array:
        """What the flow alone says without feedback: the part of the law's mean that the flow replaces."""
        return flow.with_gain(0.0).changes(conditions)

    def with_feedback(self, flow: FittedFlow, gain: float) -> FittedFlow:
        """The flow with this gain; columns stay those of the linear law, which feedback carries on in time."""
        return flow.with_gain(gain)

    def respond(self, conditions: Sequence[Condition], flow: FittedFlow) -> tuple[Array, Array]:
        """Mean and variance of each change; of what was not seen alone, the flow's own change."""
        mean = flow.changes(conditions)
        variance = np.zeros_like(mean)
        for i, condition in enumerate(conditions):
            if condition.order == 1:
                found, variance[i] = self._single(condition, flow)
                mean[i] = found if self.knows(condition) else mean[i]
            else:
                variance[i] = self._combined_variance(condition, flow)
        return mean, variance

    @property
    def pair_scatter(self) -> Array:
        """Variance of combinations around the flow, shape (genes,)."""
        return self.scatter

    def control(self, conditions: Sequence[Condition], flow: FittedFlow, reference: Reference) -> Array:
        """Control of each condition, shape (conditions, genes).

        Of a training harvest with its estimated error taken off; of another setting that was measured, steadied; at
        a time without a control, the flow's own.

        Raises
        ------
        ModelError: a context that no control was seen in.
        """
        contexts = {context for context, _ in reference.settings}
        own = [i for i, c in enumerate(conditions) if _is_between(c, reference)]
        reference.rows([c for c in conditions if c.context not in contexts])
        found = np.zeros((len(conditions), len(reference.genes)))
        if own:
            found[own] = flow.controls([conditions[i] for i in own])
        for i in sorted(set(range(len(conditions))) - set(own)):
            row, error = int(reference.rows([conditions[i]])[0]), self._errors(conditions[i])
            found[i] = self.steady[row] if error is None else reference.control[row] - error[0]
        return found

    def reach(self) -> dict[str, float]:
        """Size of each perturbation's response relative to a typical one."""
        sizes = self.posterior.variances.reach.exp().numpy()
        return {
            str(Condition(*row)): float(size) for row, size in zip(self.recorded.rows, sizes, strict=True)
        }

    def _row(self, condition: Condition) -> int:
        return int(self.recorded.positions([condition])[0])

    def _timing(self, condition: Condition) -> Timing:
        exposure = exposure_of(self.histories.history(condition))
        return Timing(torch.tensor([condition.time]), torch.tensor([exposure], dtype=torch.float64))

    def _single(self, condition: Condition, flow: FittedFlow) -> tuple[Array, Array]:
        recorded = self.recorded
        context = recorded.contexts.index(condition.context) if condition.context in recorded.contexts else 0
        own = flow.genes.index(condition.genes[0]) if condition.genes[0] in flow.genes else -1
        mean, variance = self.posterior.at(self._row(condition), context, self._timing(condition), own)
        error = self._errors(condition)
        beyond = 0.0 if error is None else error[1]
        return mean * recorded.spread + beyond, variance * recorded.spread**2

    def _errors(self, condition: Condition) -> tuple[Array, Array] | None:
        """How far the control of a training harvest was off, and what else its changes share; None elsewhere."""
        recorded = self.recorded
        at = np.flatnonzero(recorded.times == condition.time)
        if condition.context not in recorded.contexts or not len(at):
            return None
        where = recorded.contexts.index(condition.context), int(at[0])
        control, shared = self.posterior.control_errors
        return control[where] * recorded.spread, shared[where] * recorded.spread

    def _combined_variance(self, condition: Condition, flow: FittedFlow) -> Array:
        regulation, weights = flow.regulation, flow.weights([condition])[0]
        unknown = sum(gene not in regulation.targets for gene in condition.genes)
        pairs = math.comb(condition.order, 2)
        return np.asarray(weights**2 @ regulation.sd**2 + unknown * regulation.typical + pairs * self.scatter)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name."""
        prior, recorded = self.posterior.prior, self.recorded
        own = {"steady": self.steady, "scatter": self.scatter, "parameters": prior.parameters,
               "own": prior.own_positions, "level": prior.level.numpy()}  # fmt: skip
        return {f"time.{name}": array for name, array in (own | recorded.state()).items()}

    def facts(self) -> dict[str, object]:
        """Names."""
        return {"rows": [[list(genes), context] for genes, context in self.recorded.rows],
                "contexts": list(self.recorded.contexts)}  # fmt: skip

    @classmethod
    def restored(
        cls, state: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], histories: Histories
    ) -> InTime:
        """Read what `state` and `facts` gave."""
        arrays = {k.removeprefix("time."): np.asarray(v) for k, v in state.items() if k.startswith("time.")}
        rows = tuple((tuple(genes), str(context)) for genes, context in facts["rows"])
        recorded = Recorded.restored(arrays, rows, tuple(facts["contexts"]))
        prior = ResponsePrior(recorded, arrays["own"].astype(np.intp), arrays["level"])
        prior.parameters = arrays["parameters"]
        return cls(
            ResponsePosterior(prior), replace(histories, onset=0.0), arrays["steady"], arrays["scatter"]
        )


def _flow(
    posterior: ResponsePosterior, training: TrainingSet, histories: Histories, genes: Mapping[str, int]
) -> FittedFlow:
    prior = posterior.prior
    recorded, columns = prior.recorded, posterior.columns()
    if not histories.states_onset:
        histories = replace(histories, onset=prior.onset)
    names, effect, sd = _by_gene(recorded, columns, genes)
    media = media_of(histories, training)
    known, shares = doses(histories, training), _shares(posterior, training, histories, names)
    regulation = Regulation.of(names, effect, sd, genes, known, shares)
    typical = float(np.mean(list(known.values()))) * float(np.mean(list(shares.values())))
    return FittedFlow(
        histories, regulation, tuple(genes), media, fit_levels(training, histories, media, prior.decay),
        np.tile(columns.common.mean(axis=0) * recorded.spread / np.mean(list(shares.values())), (len(media), 1)),
        prior.decay, -float(prior.variances.lost) / typical if typical else 1.0,
    )  # fmt: skip


def _shares(
    posterior: ResponsePosterior, training: TrainingSet, histories: Histories, names: Sequence[str]
) -> dict[str, float]:
    """Share of each single's whole effect that its fitted response holds."""
    prior, targets = posterior.prior, {name: i for i, name in enumerate(names)}
    singles = [condition for condition in training.conditions if condition.order == 1]
    exposure = [exposure_of(Histories(histories.protocol).history(condition)) for condition in singles]
    timing = Timing(torch.zeros(len(singles)), torch.tensor(exposure, dtype=torch.float64))
    words = [histories.history(condition) for condition in singles]
    weights = weights_of(singles, words, targets, prior.decay)
    return measured_shares(singles, weights, prior.gain(timing).numpy(), targets)


def _is_between(condition: Condition, reference: Reference) -> bool:
    """Whether controls were seen in the condition's context, but not at its time."""
    contexts = {context for context, _ in reference.settings}
    return condition.context in contexts and condition.setting not in reference.settings


def _by_gene(
    recorded: Recorded, columns: Columns, genes: Mapping[str, int]
) -> tuple[list[str], Array, Array]:
    """Columns of each gene, averaged over contexts by their precision, ln(1 + CP10K)."""
    names = sorted({row[0] for row, _ in recorded.rows})
    effect, sd = np.zeros((2, len(names), len(genes)))
    for i, name in enumerate(names):
        at = [k for k, (row, _) in enumerate(recorded.rows) if row == (name,)]
        precision = 1.0 / np.maximum(columns.variance[at], np.finfo(float).tiny)
        share = precision / precision.sum(axis=0)
        effect[i] = (share * columns.effect[at]).sum(axis=0) * recorded.spread
        sd[i] = np.sqrt(1.0 / precision.sum(axis=0)) * recorded.spread
        if name in genes:
            effect[i, genes[name]] += columns.own[at].mean() * recorded.spread[genes[name]]
    return names, effect, sd


def _update(member: Array, variance: Array, noise: Array) -> tuple[Array, Array]:
    """Kalman gain, shape (columns, combinations), and variance of the columns that is left, shape (columns,)."""
    cross = variance[:, None] * member.T
    gain = np.linalg.solve(member @ cross + np.diag(noise), cross.T).T
    return gain, np.maximum(variance - (gain * cross).sum(axis=1), 0.0)
