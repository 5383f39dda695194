"""What a hypothesis is worth: how likely it makes the rows, or how well it predicts such as it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import AssayStudy, KineticSettings, SearchSettings
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.search.batch import Trained, train
from pajamo.search.inner import inner_folds
from pajamo.search.space import Candidate, Space

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """Everything that training a hypothesis takes; small enough to be sent to another process.

    Attributes
    ----------
    study: names the experiments and their measurements.
    space: what candidates mean.
    assay: the rows of the training set alone.
    settings: of the search.
    """

    study: AssayStudy
    space: Space
    assay: Assay
    settings: SearchSettings

    def rewards(self, candidates: Sequence[Candidate], steps: int) -> list[float]:
        """The reward of each candidate, trained together with those of its scheme; -inf where training failed."""
        found: dict[str, float] = {}
        for name in dict.fromkeys(candidate.mechanism for candidate in candidates):
            own = [candidate for candidate in candidates if candidate.mechanism == name]
            found |= self._of_scheme(own, steps)
        return [found[candidate.key] for candidate in candidates]

    def _of_scheme(self, candidates: Sequence[Candidate], steps: int) -> dict[str, float]:
        declared = [self.space.settings(candidate) for candidate in candidates]
        if self.settings.reward == "evidence":
            rows = sum(experiment.n for experiment in self.assay.experiments)
            values = self._train(declared, steps, None).evidence / rows
        else:
            values = self._on_rows_kept_aside(declared, steps)
        return {candidate.key: float(value) for candidate, value in zip(candidates, values, strict=True)}

    def _train(
        self, declared: Sequence[KineticSettings], steps: int, masks: Mapping[str, NDArray[np.bool_]] | None
    ) -> Trained:
        return train(declared, self.study.experiments, self.assay, steps, masks, self.study.seed)

    def _on_rows_kept_aside(self, declared: Sequence[KineticSettings], steps: int) -> Array:
        """The reward from what is said of each row by the copy that has not seen it."""
        kind, count, seed = self.settings.inner, self.settings.folds, self.study.seed
        folds = {e.name: inner_folds(e.codes, kind, count, seed) for e in self.assay.experiments}
        said = {e.name: np.full((2, len(declared), e.n), np.nan) for e in self.assay.experiments}
        for fold in range(count):
            trained = self._train(declared, steps, {name: own != fold for name, own in folds.items()})
            for name, own in folds.items():
                aside = own == fold
                said[name][0][:, aside] = trained.predicted[name][:, aside]
                said[name][1][:, aside] = trained.log_likelihood[name][:, aside]
        return rewards(said, self.assay, self.settings.reward)


def rewards(said: Mapping[str, Array], assay: Assay, kind: str) -> Array:
    """Mean over experiments of the correlation with what was recorded, or of ln p; shape (hypotheses,).

    `said` holds for each experiment what is predicted of each row and its ln p, shape (2, hypotheses, rows).
    """
    of_experiments = [
        said[e.name][1].mean(axis=1) if kind == "likelihood" else _correlations(said[e.name][0], e)
        for e in assay.experiments
    ]
    total = np.mean(of_experiments, axis=0)
    return np.where(np.isfinite(total), total, -np.inf)


def _correlations(predicted: Array, experiment: Experiment) -> Array:
    """Pearson correlation with the recorded values, predictions beyond the limits of detection set to these."""
    value = experiment.recorded["value" if "value" in experiment.recorded else "label"]
    censored = experiment.recorded.get("censored", np.zeros(experiment.n))
    low = value[censored < 0].max() if (censored < 0).any() else -np.inf
    high = value[censored > 0].min() if (censored > 0).any() else np.inf
    seen = np.clip(predicted, low, high)
    seen = seen - seen.mean(axis=1, keepdims=True)
    about = value - value.mean()
    scale = np.sqrt((seen**2).sum(axis=1) * (about**2).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(seen @ about / scale)
