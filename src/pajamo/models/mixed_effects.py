"""Mixed effects: what perturbations, settings and both together contribute, each shrunk by what cells can tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array, Card, Model
from pajamo.models.parts.scales import spread_of
from pajamo.models.parts.variance_components import SCALES, Components, fit_components
from pajamo.models.registry import register

MOST_CONDITIONS = 3000
"""Beyond, one decomposition takes minutes and gigabytes."""
PLAUSIBLE = 2.0
"""Standard errors by which a control may be off; what lies beyond is a response that all conditions share."""
SHARES = ("common response", "response of a setting", "main effect", "effect in one setting")


@register
class MixedEffects(Model):
    """delta(A, s) = common + setting(s) + sum over a in A of [effect(a) + effect(a, s)].

    All terms are random with variances learned from the data. setting(s) and effect(a, s) are
    correlated between times as exp(-|t - t'| / memory) and independent between contexts. The
    controls are measured with error too: that error is common to all changes of a setting, so it is
    estimated and taken off.
    """

    card = Card(
        name="mixed-effects",
        title="Mixed effects of perturbation, time and context",
        reference="best linear unbiased prediction, Henderson 1975, Biometrics 31:423, with empirical-Bayes scales",
        needs="two or more training conditions; learns most from one perturbation at several times or contexts",
        weights={
            "variance share": "part of the response variance that a term explains",
            "memory": "time over which effects stay alike, in the unit of the screen's time",
            "response scale": "how much a gene responds, as a multiple of its variance between cells",
        },
        limits="effects add; a gene that was never perturbed gets the common response; strong effects are shrunk",
        assumes=frozenset({"additive", "order-free", "complete-editing"}),
    )

    components: Components
    conditions: tuple[Condition, ...]
    spread: Array
    span: float
    error: Array
    beyond: Array

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Refuse a single training condition, or too many for one decomposition."""
        del conditions
        n = len(training.conditions)
        if n < 2:
            return f"{self.card.name} needs two training conditions to tell terms apart"
        return f"{n} training conditions are more than {MOST_CONDITIONS}" if n > MOST_CONDITIONS else None

    def estimate(self, training: TrainingSet) -> None:
        """Fit shares, memory and scales; estimate the error of each setting's control."""
        order = sorted(range(len(training.conditions)), key=lambda i: training.conditions[i])
        self.conditions = tuple(training.conditions[i] for i in order)
        self.spread = spread_of(training)
        times = [condition.time for condition in self.conditions]
        self.span = max(times) - min(times) or 1.0
        of = np.array([training.settings.index(c.setting) for c in self.conditions])
        shared = (of[:, None] == np.arange(len(training.settings))) / np.maximum(training.controls.n_cells, 1)
        noise = np.diag(1.0 / np.maximum(training.moments.n_cells[order], 1)) + shared[:, of]
        self.components = fit_components(
            training.delta[order] / self.spread,
            noise,
            lambda parameters: self._kernel(self.conditions, self.conditions, parameters),
            start=np.zeros(len(SHARES) + 1),
        )
        # A change is perturbed minus control, so the control's error enters with a minus.
        error = -self.components.noise_mean(shared.T) * self.spread
        se = np.sqrt(training.control_variance_of_mean([Condition((), *s) for s in training.settings]))
        self.error = np.clip(error, -PLAUSIBLE * se, PLAUSIBLE * se)
        self.beyond = error - self.error

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Posterior mean and standard deviation of the change against the true control."""
        covariance = self._kernel(conditions, self.conditions, self.components.parameters)
        own = self._kernel(conditions, conditions, self.components.parameters).diagonal()
        variance = self.components.variance(covariance, own)
        assert self.reference is not None
        delta = self.components.mean(covariance) * self.spread - self.beyond[self.reference.rows(conditions)]
        return delta, np.sqrt(variance) * self.spread

    def control(self, conditions: Sequence[Condition]) -> Array:
        """Measured control of each condition's setting, its estimated error taken off."""
        assert self.reference is not None
        return super().control(conditions) - self.error[self.reference.rows(conditions)]

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of a condition's genes whose perturbation was seen in training, in any setting."""
        seen = {gene for condition in self.conditions for gene in condition.genes}
        known = [sum(gene in seen for gene in c.genes) / max(c.order, 1) for c in conditions]
        return np.array(known, dtype=float)

    def _kernel(self, first: Sequence[Condition], second: Sequence[Condition], parameters: Array) -> Array:
        shares, memory = self._shares(parameters)
        genes = sorted({gene for condition in (*first, *second) for gene in condition.genes})
        together = incidence(first, genes) @ incidence(second, genes).T
        gap = np.subtract.outer([c.time for c in first], [c.time for c in second])
        contexts = [np.array([c.context for c in side], dtype=object) for side in (first, second)]
        alike = np.exp(-np.abs(gap) / memory) * (contexts[0][:, None] == contexts[1])
        common, setting, main, local = shares
        return common + setting * alike + together * (main + local * alike)

    def _shares(self, parameters: Array) -> tuple[Array, float]:
        """Variance shares (summing to one) and the memory in the unit of time."""
        raw = np.exp(parameters[:-1] - parameters[:-1].max())
        return raw / raw.sum(), float(self.span * np.exp(parameters[-1]))

    def weights(self) -> pd.DataFrame:
        """Shares, memory, and each gene's scale."""
        assert self.reference is not None
        shares, memory = self._shares(self.components.parameters)
        scales = self.components.responsibility @ SCALES
        genes = [str(gene) for gene in self.reference.genes]
        rows = [("variance share", name, share, "share") for name, share in zip(SHARES, shares, strict=True)]
        rows.append(("memory", "all genes", memory, "unit of time"))
        rows += [
            ("response scale", g, s, "variance between cells") for g, s in zip(genes, scales, strict=True)
        ]
        table = pd.DataFrame(rows, columns=["quantity", "of", "value", "unit"])
        return table.assign(se=np.nan)[["quantity", "of", "value", "se", "unit"]]

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays of the fitted hierarchy."""
        return {**vars(self.components), "spread": self.spread, "error": self.error, "beyond": self.beyond}

    def facts(self) -> dict[str, object]:
        """Training conditions and the span of time."""
        return {"conditions": [condition.to_list() for condition in self.conditions], "span": self.span}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        arrays = {name: np.asarray(array, dtype=float) for name, array in state.items()}
        self.spread, self.error, self.beyond = (arrays.pop(name) for name in ("spread", "error", "beyond"))
        self.components = Components(**arrays)
        kept, self.span = facts["conditions"], float(str(facts["span"]))
        assert isinstance(kept, list)
        self.conditions = tuple(Condition.from_list(values) for values in kept)
