"""Responses over time, measured and predicted, for screens with several times."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.pipeline.findings import Findings

Responses = dict[Condition, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Predicted change and its standard deviation, each of shape (genes,)."""
PERTURBATIONS = 4
GENES = 2
"""How many perturbations, and how many genes of each, a report shows over time."""


def time_course(findings: Findings) -> pd.DataFrame | None:
    """The most changed genes of the strongest held-out perturbations at each time.

    Measured changes refer to the truth's half of the controls. Held-out times have a row for the best
    model and for the best baseline; times that were used in training have one row without a model.
    """
    times = {c.time for c in findings.loaded.perturbed}
    if len(times) < 2:
        return None
    measured = _measured(findings)
    position = {condition: i for i, condition in enumerate(measured.conditions)}
    models = [m for m in dict.fromkeys((findings.verdict.model, findings.verdict.baseline)) if m]
    made = {m: _predicted(findings, m) for m in models}
    rows = []
    for shown in _strongest(measured, sorted({c for table in made.values() for c in table})):
        genes = np.argsort(-np.abs(measured.delta[position[shown]]), kind="stable")[:GENES]
        for time in sorted(times):
            at = Condition(shown.genes, shown.context, time)
            if at in position:
                rows += [
                    _row(measured, position[at], gene, at, model, made) for gene in genes for model in models
                ]
    table = pd.DataFrame(rows)
    return table.drop_duplicates(["perturbation", "gene", "time", "model"], ignore_index=True)


def _measured(findings: Findings) -> TrainingSet:
    bulk = findings.loaded.bulk
    conditions = findings.loaded.perturbed
    controls = [c for c in bulk.conditions if c.is_control]
    own = bulk.whole if findings.loaded.shared_control else bulk.halves[1]
    return TrainingSet(
        genes=bulk.genes,
        conditions=conditions,
        moments=bulk.whole[bulk.index(conditions)],
        settings=tuple(c.setting for c in controls),
        controls=own[bulk.index(controls)],
    )


def _predicted(findings: Findings, model: str) -> Responses:
    found: Responses = {}
    for _, prediction in findings.predictions(model):
        for i, condition in enumerate(prediction.conditions):
            found.setdefault(condition, (prediction.delta[i], prediction.sd[i]))
    return found


def _strongest(measured: TrainingSet, held: list[Condition]) -> list[Condition]:
    """The held-out conditions with the strongest response, one a perturbation."""
    position = {condition: i for i, condition in enumerate(measured.conditions)}
    order = sorted(held, key=lambda c: -float(np.linalg.norm(measured.delta[position[c]])))
    first = {(c.genes, c.context): c for c in reversed(order)}
    return [c for c in order if first[c.genes, c.context] == c][:PERTURBATIONS]


def _row(
    measured: TrainingSet,
    row: int,
    gene: int,
    at: Condition,
    model: str,
    made: dict[str, Responses],
) -> dict[str, object]:
    delta, sd = made[model].get(at, (None, None))
    variance = measured.variance_of_mean[row, gene] + measured.control_variance_of_mean([at])[0, gene]
    return {
        "perturbation": "+".join(at.genes) + (f" in {at.context}" if at.context else ""),
        "gene": str(measured.genes[gene]),
        "time": at.time,
        "truth": measured.delta[row, gene],
        "truth_se": float(np.sqrt(variance)),
        "model": "" if delta is None else model,
        "delta": np.nan if delta is None else delta[gene],
        "sd": np.nan if sd is None else sd[gene],
    }
