"""The tables of a run, gathered from the rungs of every fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.splits import Split
from pajamo.evaluation.calibration import calibration_curve
from pajamo.evaluation.categories import by_category, read_categories
from pajamo.evaluation.comparison import Summary, summarise
from pajamo.evaluation.interactions import interaction_scores
from pajamo.evaluation.panel.scale import calibrated_six
from pajamo.evaluation.responses import Responses
from pajamo.evaluation.strata import by_stratum, stratum_table
from pajamo.evaluation.verdict import Verdict, verdict
from pajamo.pipeline.ladder import FoldWork, Rung, baseline_names
from pajamo.pipeline.loading import Loaded

EXAMPLES = 30
"""Held-out conditions shown gene by gene."""
GENES_SHOWN = 150
"""Genes of each of them, the most changed first."""
MOST_PAIRS = 500
"""Pairs whose interactions are scored; beyond, the strongest responses are taken."""


@dataclass(frozen=True)
class Findings:
    """What the folds of one split gave.

    Attributes
    ----------
    loaded, split: the screen and what was held out.
    works: the folds with their truths.
    rungs: each model on each fold.
    ceilings: scores of the technical duplicate of each fold.
    """

    loaded: Loaded
    split: Split
    works: tuple[FoldWork, ...]
    rungs: tuple[Rung, ...]
    ceilings: tuple[pd.DataFrame, ...]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row for each fold, model, condition and metric."""
        parts = [r.scores.assign(fold=r.fold) for r in self.rungs if r.scores is not None]
        parts += [t.assign(fold=w.fold.name) for w, t in zip(self.works, self.ceilings, strict=True)]
        table = pd.concat(parts, ignore_index=True)
        return table.assign(split=self.split.title)[
            ["split", "fold", "model", "condition", "genes", "metric", "value", "flag"]
        ]

    @cached_property
    def baselines(self) -> tuple[str, ...]:
        """Models that must be beaten."""
        return baseline_names(self.loaded.study)

    @cached_property
    def summary(self) -> Summary:
        """Means, intervals and paired differences to the best baseline."""
        settings = self.loaded.study.evaluation
        return summarise(
            self.scores,
            self.baselines,
            level=settings.level,
            n_bootstrap=settings.bootstrap,
            seed=self.loaded.study.seed,
        )

    @cached_property
    def verdict(self) -> Verdict:
        """The sentence that leads the report."""
        return verdict(self.summary, self.loaded.study.evaluation.metric)

    @property
    def refusals(self) -> dict[str, str]:
        """Models that applied to no fold, with the first reason."""
        fitted = {rung.model for rung in self.rungs if not rung.refusal}
        reasons = {rung.model: rung.refusal for rung in reversed(self.rungs) if rung.refusal}
        return {name: reason for name, reason in sorted(reasons.items()) if name not in fitted}

    @property
    def timings(self) -> pd.DataFrame:
        """Seconds to fit and predict, over all folds."""
        table = pd.DataFrame(
            [(r.model, r.seconds) for r in self.rungs if not r.refusal], columns=["step", "seconds"]
        )
        return table.groupby("step", sort=False).sum().reset_index()

    def predictions(self, model: str) -> list[tuple[FoldWork, Prediction]]:
        """A model's prediction of each fold to which it applied."""
        made = {r.fold: r.prediction for r in self.rungs if r.model == model}
        found = [(work, made.get(work.fold.name)) for work in self.works]
        return [(work, prediction) for work, prediction in found if prediction is not None]

    def calibration(self) -> pd.DataFrame:
        """How often intervals hold what was measured: columns model, level, coverage."""
        fitted = list(dict.fromkeys(r.model for r in self.rungs if not r.refusal))
        tables = [
            calibration_curve([prediction], work.truth)
            for model in fitted
            for work, prediction in self.predictions(model)
        ]
        return pd.concat(tables).groupby(["model", "level"], sort=False).mean().reset_index()

    def categories(self) -> pd.DataFrame | None:
        """Results by class of genetic interaction, if the study names a file of classes."""
        path = self.loaded.study.evaluation.categories
        return None if path is None else by_category(self.scores, read_categories(path))

    def strata(self) -> pd.DataFrame:
        """Results by size of the response and by how many perturbed genes were seen alone."""
        return by_stratum(self.scores, [stratum_table(work.truth, work.fold) for work in self.works])

    def six(self) -> pd.DataFrame:
        """The six metrics on counts on their scale and their mean; empty where the screen has no counts."""
        settings = self.loaded.study.evaluation
        return calibrated_six(
            self.scores, level=settings.level, n_bootstrap=settings.bootstrap, seed=self.loaded.study.seed
        )

    def interactions(self) -> pd.DataFrame | None:
        """Genetic interactions as measured and, where held out, as the best model predicts them."""
        measured = Responses.measured(self.loaded.bulk)
        pairs = _strongest_pairs(measured)
        if not pairs:
            return None
        table = interaction_scores(measured, pairs)
        made = self._held_out_doubles(set(pairs))
        if made is None:
            return table
        predicted = interaction_scores(measured.predicted(made), made.conditions)
        shown = predicted[["magnitude", "strength", "class"]]
        return table.join(shown.add_suffix("_predicted"))

    def _held_out_doubles(self, pairs: set[Condition]) -> Prediction | None:
        seen: dict[Condition, Prediction] = {}
        for _, prediction in self.predictions(self.verdict.model):
            for condition in prediction.conditions:
                if condition in pairs:
                    seen.setdefault(condition, prediction)
        if not seen:
            return None
        parts = [prediction.of([condition]) for condition, prediction in seen.items()]
        return Prediction(
            self.verdict.model,
            parts[0].genes,
            tuple(seen),
            np.concatenate([part.delta for part in parts]),
            np.concatenate([part.sd for part in parts]),
            np.concatenate([part.control for part in parts]),
            parts[0].unit,
        )

    def examples(self) -> pd.DataFrame:
        """Some held-out conditions gene by gene: from the strongest to the weakest response of the first fold."""
        work = self.works[0]
        strength = np.linalg.norm(work.truth.delta, axis=1)
        order = np.argsort(-strength, kind="stable")
        picked = order[np.unique(np.linspace(0, len(order) - 1, EXAMPLES).round().astype(int))]
        names = dict.fromkeys((self.verdict.model, self.verdict.baseline))
        made = {name: dict(self._by_fold(name)).get(work.fold.name) for name in names if name}
        rows = [
            _gene_by_gene(work, int(row), name, prediction)
            for row in picked
            for name, prediction in made.items()
            if prediction is not None
        ]
        return pd.concat(rows, ignore_index=True)

    def _by_fold(self, model: str) -> list[tuple[str, Prediction]]:
        return [(work.fold.name, prediction) for work, prediction in self.predictions(model)]


def _strongest_pairs(measured: Responses) -> tuple[Condition, ...]:
    pairs: Sequence[Condition] = measured.doubles()
    strength = [float(np.linalg.norm(measured.delta[measured.position[pair]])) for pair in pairs]
    return tuple(sorted(pairs[i] for i in np.argsort(strength)[::-1][:MOST_PAIRS]))


def _gene_by_gene(work: FoldWork, row: int, model: str, prediction: Prediction) -> pd.DataFrame:
    truth = work.truth
    made = prediction.of([truth.conditions[row]])
    shown = np.argsort(-np.abs(truth.t[row]), kind="stable")[:GENES_SHOWN]
    return pd.DataFrame(
        {
            "condition": str(truth.conditions[row]),
            "gene": truth.genes[shown].astype(str),
            "truth": truth.delta[row, shown],
            "truth_se": np.sqrt(truth.variance_of_mean[row, shown]),
            "model": model,
            "delta": made.delta[0, shown],
            "sd": made.sd[0, shown],
        }
    )
