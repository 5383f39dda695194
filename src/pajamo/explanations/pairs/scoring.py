"""Scores of new guide-target pairs: what would be recorded, how sure that is, and which kinetic step is hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from scipy import stats

from pajamo.config.assays import KineticSettings
from pajamo.data.assays.assay import Experiment
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import buffer
from pajamo.explanations.assays.information import Information
from pajamo.explanations.pairs.mutagenesis import which_step
from pajamo.explanations.pairs.unseen import output_variance
from pajamo.explanations.pairs.widening import Widening
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.pair_predicting import rows_of_pairs

AT_ONCE = 4096
"""Pairs that are predicted together."""
STEP = ("differences", "effect", "step", "share")
"""What is said of the step that is hit."""


def score_pairs(
    models: Sequence[AssayModel],
    guides: Sequence[str] | str,
    targets: Sequence[str],
    *,
    information: Sequence[Information | None] = (),
    widening: Widening | None = None,
    experiment: str | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    level: float = 0.9,
    steps: bool = True,
) -> pd.DataFrame:
    """What an experiment would record of pairs, with what is not known of it, and the step that differences hit.

    The interval is epistemic: of the expected reading, not of single readings, whose noise comes on top. It holds
    what the data leave open of each member's weights (Laplace's approximation, carried over to ln of the output by
    its derivatives) and how far members are apart; the instrument is taken as fitted. For guides that no fit saw it
    is widened by how far guides differ, where that is said: a fit to few guides knows little of it.

    Parameters
    ----------
    models: one fitted model, or the members of an ensemble; the output is the mean of theirs in ln.
    guides, targets: as for `predict_pairs`.
    information: of each model; without it a model counts with its optimum alone.
    widening: what is added for guides that were not fitted; see `unseen_guides`.
    experiment, inputs: as for `predict_pairs`; the step that is hit is that at the mean of the inputs.
    level: coverage.
    steps: whether to say which kinetic step differences hit, by the first model, which takes longest.

    Returns
    -------
    One row a pair: `guide`, `target`, `activity` and `expected` as of `predict_pairs`, `low` and `high` of what is
    expected (nan where nothing says how sure it is); with `widening` also `guide_fitted`, whether the guide is one
    of those that were fitted: of the others `low` and `high` are the wider. Of kinetic mechanisms also `differences`
    (positions at which guide and target differ), `effect` (log10 of the output over that of the matched target),
    `step` and `share`.

    Raises
    ------
    DataError, ModelError: as `predict_pairs`.
    """
    given = [guides] * len(targets) if isinstance(guides, str) else list(guides)
    rows = [rows_of_pairs(m, given, targets, experiment=experiment, inputs=inputs) for m in models]
    members = [
        _Member.of(model, own, found, widening)
        for model, own, found in zip_longest(models, rows, information)
        if model is not None
    ]
    table = pd.DataFrame({"guide": given, "target": list(targets)}).assign(**_joined(members, level))
    if widening is not None:
        table["guide_fitted"] = widening.fitted(rows[0], _missing(models[0]))
    if steps and isinstance(models[0].mechanism, KineticSettings):
        means = {
            name: float(np.asarray(values, dtype=np.float64).mean())
            for name, values in (inputs or {}).items()
        }
        told = which_step(models[0], given, list(targets), experiment=experiment, inputs=means)
        table = table.assign(**{name: told[name] for name in STEP})
    return table


@dataclass(frozen=True)
class _Member:
    """What one model says of the pairs: activity, ln of the output (or what else is recorded), and its variance."""

    model: AssayModel
    name: str
    activity: Array
    recorded: Array
    variance: Array | None

    @classmethod
    def of(
        cls, model: AssayModel, pairs: Experiment, found: Information | None, widening: Widening | None
    ) -> _Member:
        assembly = model.assembly
        number = assembly.experiments.index(pairs.name)
        blocks = [pairs.rows(np.arange(pairs.n)[i : i + AT_ONCE]) for i in range(0, pairs.n, AT_ONCE)]
        said = pd.concat([model.predict(block) for block in blocks], ignore_index=True)
        spread, centre = (float(buffer(assembly, name)[number]) for name in ("spread", "centre"))
        recorded, variance = said["coordinate"] * spread + centre, None
        if found is not None and found.positive:
            variance = output_variance(model, found, pairs)
            if widening is not None:
                variance = variance + widening.added(pairs, _missing(model))
        return cls(model, pairs.name, said["activity"].to_numpy(), recorded.to_numpy(), variance)

    @torch.no_grad()
    def expected(self, recorded: Array) -> Array:
        """What the instrument is expected to give of such outputs."""
        assembly = self.model.assembly
        taken = assembly.normalised(torch.as_tensor(recorded), self.name)
        return np.asarray(assembly.measurement(self.name).expected(taken))


def _missing(model: AssayModel) -> int:
    """The code of no position."""
    assert model.frame is not None
    return model.frame.alphabet.missing


def _joined(members: Sequence[_Member], level: float) -> dict[str, Array]:
    """Means over members on the scale that is recorded, and ends of the interval on that of the reading."""
    recorded = np.stack([member.recorded for member in members])
    known = [member.variance for member in members if member.variance is not None]
    variance = np.mean(known, axis=0) if known else np.full(recorded.shape[1], np.nan)
    if len(members) > 1:
        variance = np.nan_to_num(variance) + recorded.var(axis=0, ddof=1)
    half = float(stats.norm.ppf((1 + level) / 2)) * np.sqrt(variance)
    middle = recorded.mean(axis=0)
    one, other = (_expected(members, middle + sign * half) for sign in (-1, 1))
    return {
        "activity": np.mean([member.activity for member in members], axis=0),
        "expected": _expected(members, middle),
        "low": np.fmin(one, other),
        "high": np.fmax(one, other),
    }


def _expected(members: Sequence[_Member], recorded: Array) -> Array:
    """What is expected of such outputs, the mean over members' instruments."""
    return np.asarray(np.mean([member.expected(recorded) for member in members], axis=0))
