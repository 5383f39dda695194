"""Graph-shift: latent shifts that neighbours in a gene graph share, against controls of the same batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import gene_vectors, response_axes
from pajamo.models.base import Array, Card, Model
from pajamo.models.latent_parts.gene_graph import GeneGraph
from pajamo.models.latent_parts.matched_controls import matched_change, with_change
from pajamo.models.latent_parts.shift_kernel import PARTS, TOGETHER, ShiftKernel, part_weights, strengths
from pajamo.models.latent_parts.shift_regression import ShiftRegression
from pajamo.models.parts.own_levels import OwnLevels
from pajamo.models.parts.scales import spread_of
from pajamo.models.parts.scatter import proportional_excess
from pajamo.models.parts.singles import MAIN_EFFECT
from pajamo.models.parts.training_rows import order_of, with_rows
from pajamo.models.registry import register
from pajamo.units import LOG_NORMALISED

VECTOR_DIMENSIONS = 10
"""Dimensions of gene vectors that are derived from expression, where no prior was given."""
MOST_CONDITIONS = 3000
"""Beyond, one decomposition takes minutes and gigabytes."""
SHARE, INTERACTION, STRENGTH, PART = "share of the sum", "interaction", "strength", "variance part"


class GraphShiftSettings(Config):
    """Settings of graph-shift."""

    axes: int = Field(default=15, ge=1)
    """Axes in which relatives share shifts; fewer where the data have fewer."""
    neighbours: int = Field(default=10, ge=1)
    """Perturbed genes to which each gene is linked."""


@register
class GraphShift(Model):
    """delta(A) = sum over a in A of share^(|A| - 1) shift(a) + what is the combination's own.

    A shift is Gaussian: a part common to all perturbations, one linear in the gene's prior vector, one that mixes
    contributions of the nearest perturbed genes, and one of its own. How much each explains is found by marginal
    likelihood, so that a shift is drawn to its relatives' only as far as relatives were alike, and the less the
    better it was measured. That holds along a few axes of the responses; outside of them each gene has its own
    scale, and relatives share nothing.

    Changes are taken against controls in the proportions of each condition's batches. Targets' own rows are as
    measured over all conditions that hold them; for a gene never perturbed, what targets did on average.
    """

    card = Card(
        name="graph-shift",
        title="Latent shifts smoothed over a gene graph",
        reference="after TxPert, 2026, Nature Biotechnology (latent shift, batch-matched controls, gene graph), as a "
        "Gaussian process instead of a graph network",
        needs="controls; counts for controls of the same batch; for perturbations never seen a prior embedding, or "
        "the gene among those measured",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, ln(1 + CP10K)",
            PART: "part of the variance of shifts that is common, own, linear in the vector, or the neighbours', 1",
            SHARE: "factor on the sum of shifts for each further perturbed gene, 1",
            INTERACTION: "variance of a pair beyond its sum, in units of a single's, 1",
            STRENGTH: "size of a perturbation's response relative to the root mean square, 1",
        },
        limits="one law for all contexts and times; a gene without a vector takes the common shift; relatives help "
        "only as far as genes that are close in the prior respond alike",
        assumes=frozenset(
            {
                "unique-attractor", "at-rest", "instantaneous-edit", "complete-editing", "no-medium-response",
                "order-free",
            }
        ),
    )  # fmt: skip
    Settings = GraphShiftSettings
    reads_counts = True
    takes_embedding = True

    conditions: tuple[Condition, ...]
    kernel: ShiftKernel
    regression: ShiftRegression
    levels: OwnLevels
    scale: Array
    share_squared: float

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Refuse a single measured gene, fewer than three training conditions, or too many to decompose."""
        del conditions
        if training.n_genes < 2:
            return "one measured gene has no axes of response"
        n = len(training.conditions)
        if n < 3:
            return f"{n} training conditions tell nothing of what relatives share"
        return f"{n} training conditions are more than {MOST_CONDITIONS}" if n > MOST_CONDITIONS else None

    def estimate(self, training: TrainingSet) -> None:
        """Matched changes, gene graph, strengths, kernel and posterior."""
        training = with_rows(training, order_of(training))
        training = with_change(training, matched_change(training))
        self.conditions, self.scale = training.conditions, spread_of(training)
        self.levels = OwnLevels.of(training)
        change, noise = training.delta / self.scale, _noise(training)
        self.kernel = _kernel(training, strengths(change, noise.diagonal(), self.conditions), self._settings)
        axes, _ = response_axes(change, self._settings.axes)
        blocks = self.kernel.blocks(self.conditions, self.conditions)
        self.regression = ShiftRegression.fit(change, axes, noise, blocks)
        self.share_squared = self._missed_share(change)

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Posterior mean and standard deviation; the control's error adds."""
        assert self.reference is not None
        rows = self.reference.rows(conditions)
        level = self.reference.control[rows]
        blocks = self.kernel.blocks(conditions, self.conditions)
        own = self.kernel.blocks(conditions, conditions)
        delta = self.regression.mean(blocks) * self.scale
        self.levels.write(delta, conditions, list(self.reference.genes.astype(str)), level)
        if self.reference.unit == LOG_NORMALISED:
            delta = np.maximum(delta, -level)
        variance = self.regression.variance(blocks, own) * self.scale**2 + self.share_squared * delta**2
        return delta, np.sqrt(variance + self.reference.control_variance[rows])

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of a condition's genes that were perturbed in training or have relatives that were."""
        seen = self.kernel.strength.keys()
        found = []
        for condition in conditions:
            directions = self.kernel.graph.directions(condition.genes, self.kernel.vectors)
            linked = self.kernel.graph.links(directions).any(axis=1)
            known = [gene in seen or link for gene, link in zip(condition.genes, linked, strict=True)]
            found.append(float(np.mean(known)) if known else 1.0)
        return np.array(found, dtype=float)

    def weights(self) -> pd.DataFrame:
        """Responses of singles, then what the kernel learned."""
        assert self.reference is not None
        names = sorted(self.kernel.strength)
        delta, sd = self.respond([Condition((name,), *self.reference.settings[0]) for name in names])
        genes = self.reference.genes.astype(str).to_numpy(dtype=object)
        of = np.repeat(np.array(names, dtype=object), len(genes)) + " on " + np.tile(genes, len(names))
        values = {"value": delta.ravel(), "se": sd.ravel(), "unit": self.reference.unit}
        effects = pd.DataFrame({"quantity": MAIN_EFFECT, "of": of, **values})
        parameters = self.regression.parameters
        rows: list[tuple[str, str, float]] = [
            (PART, name, float(w)) for name, w in zip(PARTS, part_weights(parameters), strict=True)
        ]
        rows += [(SHARE, "each further gene", float(np.exp(parameters[3])))]
        rows += [(INTERACTION, "pairs", float(TOGETHER * np.exp(parameters[4])))]
        rows += [(STRENGTH, name, self.kernel.strength[name]) for name in names]
        learned = pd.DataFrame(rows, columns=["quantity", "of", "value"]).assign(se=np.nan, unit="1")
        return pd.concat([effects, learned], ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Posterior, scales, and gene vectors."""
        graph, vectors = self.kernel.graph, self.kernel.vectors
        own: dict[str, NDArray[np.generic]] = {
            "scale": self.scale,
            "units": graph.units,
            "centre": graph.centre,
        }
        return {**self.regression.state(), **own, "vectors": np.array(list(vectors.values()))}

    def facts(self) -> dict[str, object]:
        """Names of conditions and genes, strengths, and own levels."""
        return {
            "conditions": [condition.to_list() for condition in self.conditions],
            "linked": list(self.kernel.graph.names),
            "vector_names": list(self.kernel.vectors),
            "strength": dict(self.kernel.strength),
            "share_squared": self.share_squared,
            "levels": self.levels.facts(),
        }

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        arrays = {name: np.asarray(array, dtype=float) for name, array in state.items()}
        kept, linked, names, strength = (
            facts[name] for name in ("conditions", "linked", "vector_names", "strength")
        )
        assert isinstance(kept, list)
        assert isinstance(linked, list)
        assert isinstance(names, list)
        assert isinstance(strength, dict)
        self.conditions = tuple(Condition.from_list(values) for values in kept)
        graph = GeneGraph(tuple(linked), arrays["units"], arrays["centre"], self._settings.neighbours)
        vectors = dict(zip(names, arrays["vectors"], strict=True))
        self.kernel = ShiftKernel(graph, vectors, strength)
        self.regression = ShiftRegression.restored(arrays)
        self.share_squared = float(str(facts["share_squared"]))
        self.levels, self.scale = OwnLevels.restored(facts["levels"]), arrays["scale"]

    def _missed_share(self, change: Array) -> float:
        """Squared share of a predicted change by which it misses beyond its posterior, on conditions left out.

        Combinations where there are any: a single that is left out is a perturbation never seen.
        """
        residual, variance = self.regression.left_out()
        combined = np.array([c.order > 1 for c in self.conditions])
        rows = combined if combined.any() else ~combined
        return proportional_excess(residual[rows], variance[rows], (change - residual)[rows])[0]

    @property
    def _settings(self) -> GraphShiftSettings:
        assert isinstance(self.settings, GraphShiftSettings)
        return self.settings


def _kernel(
    training: TrainingSet, strength: Mapping[str, float], settings: GraphShiftSettings
) -> ShiftKernel:
    """Prior vectors where the training set brings them, else vectors from expression."""
    found = gene_vectors(training, VECTOR_DIMENSIONS)
    vectors = dict(zip(found.names, found.vectors, strict=True))
    return ShiftKernel(GeneGraph.of(list(strength), vectors, settings.neighbours), vectors, strength)


def _noise(training: TrainingSet) -> Array:
    """Covariance of the changes' errors in units of the variance between cells, (conditions, conditions)."""
    at = np.array([training.settings.index(c.setting) for c in training.conditions])
    control = 1.0 / np.maximum(training.controls.n_cells[at], 1)
    return np.asarray(np.diag(1.0 / np.maximum(training.moments.n_cells, 1)) + (at[:, None] == at) * control)
