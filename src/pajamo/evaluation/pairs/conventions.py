"""Figures of predictions of cuts under each way to count a guide's own target.

Tables of cellular off-targets list the target that a guide was made for among the sites that were not found, as the
pipelines that wrote them had removed it from the hits. A model that is right about these rows is wrong at the very
top of its ranking. Figures are published of the tables as they stand; here they are given without these rows too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.pairing import on_targets
from pajamo.errors import DataError
from pajamo.evaluation.assays.resampling import interval
from pajamo.evaluation.assays.units import FEWEST_GUIDES
from pajamo.evaluation.pairs.discrimination import figures, per_guide
from pajamo.evaluation.pairs.ranking import Array

Flags = NDArray[np.bool_]
RAW, REMOVED = "as it stands", "on-targets removed"


@dataclass(frozen=True)
class Judged:
    """Figures of several predictions of one table.

    Attributes
    ----------
    scores: `experiment`, `convention`, `model`, `rows`, `found`, `resampled` ("guides" or "rows"), and each figure
        with its 95 % interval.
    differences: of the leading model less each other, in the same resamples: `experiment`, `convention`, `model`
        (the other), `metric`, `difference`, `low`, `high`.
    """

    scores: pd.DataFrame
    differences: pd.DataFrame


def judge_cuts(
    experiment: Experiment, said: Mapping[str, Array], leading: str, pam: int, seed: int = 0
) -> Judged:
    """Figures of every prediction under every convention, and how much better one of them is.

    Parameters
    ----------
    experiment: sites of which it was recorded whether they were found.
    said: by model, a score that rises with how likely a site is found, shape (rows,).
    leading: the model that is compared with each of the others.
    pam: positions of the PAM.
    seed: of the resamples, the same for all models.

    Raises
    ------
    DataError: no site was found, or every one.
    """
    label, guide = _labels(experiment)
    scores: list[dict[str, Any]] = []
    differences: list[dict[str, Any]] = []
    for convention, kept in _conventions(experiment, pam).items():
        drawn = figures([own[kept] for own in said.values()], label[kept], guide[kept], seed)
        by_guide = len(np.unique(guide[kept])) >= FEWEST_GUIDES
        units = len(np.unique(guide[kept])) if by_guide else int(kept.sum())
        place = {"experiment": experiment.name, "convention": convention}
        counted: dict[str, Any] = {"rows": int(kept.sum()), "found": float(label[kept].sum())}
        counted["resampled"] = "guides" if by_guide else "rows"
        by_model = dict(zip(said, drawn, strict=True))
        for model, own in by_model.items():
            scores.append(place | {"model": model} | counted | _with_intervals(own, units))
            apart = {} if model == leading else _apart(by_model[leading], own, units)
            differences += [place | {"model": model, "metric": name} | row for name, row in apart.items()]
    return Judged(pd.DataFrame(scores), pd.DataFrame(differences))


def _with_intervals(drawn: Mapping[str, Array], units: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, values in drawn.items():
        low, high = interval(_itself, values[1:], units)
        found |= {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}
    return found


def _apart(own: Mapping[str, Array], other: Mapping[str, Array], units: int) -> dict[str, dict[str, float]]:
    found = {}
    for name, values in own.items():
        apart = values - other[name]
        low, high = interval(_itself, apart[1:], units)
        found[name] = {"difference": float(apart[0]), "low": low, "high": high}
    return found


def _itself(values: Array) -> Array:
    return values


def cut_guides(
    experiment: Experiment, said: Mapping[str, Array], guides: Sequence[str], pam: int
) -> pd.DataFrame:
    """Both areas of each guide alone, without its on-target; arguments as `judge_cuts`.

    Parameters
    ----------
    guides: names, by the numbers that the experiment gives them.

    Returns
    -------
    `experiment`, `model`, `guide`, `rows`, `found`, `auroc`, `auprc`; guides of which nothing was found are left out.
    """
    label, guide = _labels(experiment)
    kept = _conventions(experiment, pam)[REMOVED]
    parts = []
    for model, own in said.items():
        found = per_guide(own[kept], label[kept], guide[kept])
        found.insert(0, "experiment", experiment.name)
        found.insert(1, "model", model)
        parts.append(found[found["found"] > 0])
    table = pd.concat(parts, ignore_index=True)
    return table.assign(guide=[guides[int(number)] for number in table["guide"]])


def _labels(experiment: Experiment) -> tuple[Array, NDArray[np.intp]]:
    label = experiment.recorded["label"]
    if not 0 < label.sum() < len(label):
        raise DataError(
            "there is nothing to tell apart",
            where=f"experiment {experiment.name}, {int(label.sum())} of {len(label)} sites found",
            why="the areas compare sites that were found with sites that were not",
            fix="give a table with both",
        )
    guide = experiment.recorded.get("guide", np.zeros(len(label)))
    return label, guide.astype(np.intp)


def _conventions(experiment: Experiment, pam: int) -> dict[str, Flags]:
    """Which rows count; the second convention only where it leaves some of both labels."""
    kept = ~on_targets(experiment.codes, pam)
    label = experiment.recorded["label"][kept]
    found = {RAW: np.ones(experiment.n, dtype=bool)}
    return found | {REMOVED: kept} if 0 < label.sum() < len(label) else found
