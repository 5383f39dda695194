"""How far a model misses on guides that its fit did not see, beyond what the fit itself leaves open."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.errors import PajamoWarning
from pajamo.evaluation.pairs.held_out import GUIDES, Folds, folds, guide_keys
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import twin
from pajamo.explanations.assays.information import Information, information
from pajamo.explanations.assays.polishing import settled
from pajamo.explanations.pairs.structure import jacobian_of
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.newton.problem import Problem

NEW_GUIDES = "new_guides"
"""The table of a run that says it."""
STEPS = 60
REACH, NODES = 4.0, 41
"""Standard deviations over which a normal deviation is integrated, and at how many places."""
MOST = 12.0
"""Largest standard deviation that is looked for, in ln units (or log odds)."""
VAGUE = 1.5
"""Standard error of a guide's level, in these units, from which it tells nothing of how guides differ."""
COLUMNS = ("experiment", "held_out", "folds", "rows", "sd", "unit", "words")
AT_ONCE = 4096


@dataclass(frozen=True)
class _Held:
    """What a refit says of rows that it did not see: place and variance of what is recorded, before its noise."""

    model: AssayModel
    rows: Rows
    middle: Tensor
    variance: Tensor

    def log_likelihood(self, sd: float) -> float:
        """Of all rows, with a further normal deviation of such a size, in nats."""
        # Evenly spaced: noise that is narrow beside the deviation is seen between the nodes of a Gaussian rule.
        places = np.linspace(-REACH, REACH, NODES)
        weights = np.exp(-(places**2) / 2)
        assembly, name = self.model.assembly, self.rows.name
        measurement, spread = assembly.measurement(name), (self.variance + sd**2).sqrt()
        found = [
            measurement.log_likelihood(
                assembly.normalised(self.middle + place * spread, name), self.rows.recorded
            )
            + math.log(weight / weights.sum())
            for place, weight in zip(places, weights, strict=True)
        ]
        return float(torch.logsumexp(torch.stack(found), dim=0).sum())

    def level(self, which: Tensor) -> tuple[float, float]:
        """By how much the output of some rows lies beside what is said of them as a whole, and its squared error.

        The error holds what their readings leave open and, as they share it, what the refit does.
        """
        rows, middle = self.rows.take(which), self.middle[which]
        measurement, assembly = self.model.assembly.measurement(rows.name), self.model.assembly

        def objective(level: float) -> float:
            taken = assembly.normalised(middle + level, rows.name)
            return -float(measurement.log_likelihood(taken, rows.recorded).sum())

        best = minimize_scalar(objective, bounds=(-MOST, MOST), method="bounded", options={"xatol": 1e-4})
        at, apart = float(best.x), 0.02
        curved = (objective(at + apart) + objective(at - apart) - 2 * float(best.fun)) / apart**2
        return at, 1 / max(curved, 1e-12) + float(self.variance[which].mean())


def unseen_guides(model: AssayModel, assay: Assay) -> pd.DataFrame:
    """How much wider intervals have to be for a guide unlike those fitted, measured on the training pairs alone.

    A fit to few guides knows costs of mismatches as these guides show them. Another guide has energies of its own,
    of which the fit's curvature knows nothing. So the model is fitted again with a part of the training pairs left
    out (whole guides; with one guide, all pairs that differ along a stretch of the protospacer), and a normal
    deviation of the output beyond what each refit leaves open is estimated from what it says of that part, by
    marginal likelihood: Student noise and readings at a limit count as what they are.

    Parameters
    ----------
    model: fitted to guide-target pairs, every reader a linear map.
    assay: that it was fitted to; its training pairs count.

    Returns
    -------
    One row an experiment: `experiment`; `held_out` ("guides" or "places"), `folds`, `rows` that were left out;
    `sd` of the deviation and its `unit` (ln of the output, or log odds); `words`, what it means. Empty where nothing
    can be left out.

    Raises
    ------
    ModelError: the model is not fitted.
    """
    training = assay.part("training")
    assert isinstance(assay.alphabet, PairAlphabet)
    chosen = folds([e.codes for e in training.experiments], assay.alphabet.missing, assay.alphabet.pam)
    held = [part for fold in chosen.held for part in _refitted(model, training, fold)]
    rows = [
        _estimated(model, name, chosen, own)
        for name in model.experiments
        if (own := [part for part in held if part.rows.name == name])
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _refitted(model: AssayModel, training: Assay, fold: Sequence[np.ndarray]) -> Iterable[_Held]:
    """Fit the rest, from the optimum of all, and look at what was left out."""
    parts = list(zip(training.experiments, fold, strict=True))
    rest = replace(training, experiments=tuple(own.rows(~out) for own, out in parts))
    # An instrument without any reading left has nothing to say of those that it lost.
    if not all(own.n for own in rest.experiments):
        return []
    refit = twin(model)
    settled(Problem(refit.assembly, rows_of(rest)), STEPS)
    with warnings.catch_warnings():
        # That there are fewer pairs than parameters was said of the fit to all of them.
        warnings.simplefilter("ignore", PajamoWarning)
        found = information(refit, rest)
    if not found.positive:
        return []
    return [_seen(refit, own.rows(out), found) for own, out in parts if out.any()]


def _seen(refit: AssayModel, pairs: Experiment, found: Information) -> _Held:
    # The guide's number is that of a guide that the refit knows nothing of.
    recorded = {name: values for name, values in pairs.recorded.items() if name != "guide"}
    rows = Rows.of(replace(pairs, recorded=recorded))
    assembly = refit.assembly
    with torch.no_grad():
        middle = assembly.recorded(assembly.activity(rows.codes, rows.name, rows.inputs), rows.name)
    return _Held(refit, rows, middle, torch.as_tensor(output_variance(refit, found, pairs)))


def output_variance(model: AssayModel, found: Information, pairs: Experiment) -> Array:
    """Variance of what is recorded that the data leave open, shape (pairs,), by derivatives by every parameter."""
    blocks = [pairs.rows(np.arange(pairs.n)[i : i + AT_ONCE]) for i in range(0, pairs.n, AT_ONCE)]
    return np.concatenate([_variance(model, found, block) for block in blocks] or [np.zeros(0)])


def _variance(model: AssayModel, found: Information, pairs: Experiment) -> Array:
    slopes = jacobian_of(model.assembly, Rows.of(pairs)).numpy()
    return np.asarray(np.maximum(((slopes @ found.covariance) * slopes).sum(axis=1), 0.0))


def _estimated(model: AssayModel, name: str, chosen: Folds, held: Sequence[_Held]) -> dict[str, object]:
    with torch.no_grad():
        sd = _most_likely(held)
        if chosen.by == GUIDES:
            sd = max(sd, _spread_of_levels(held, model))
    rows = sum(len(part.rows) for part in held)
    unit = "ln" if model.assembly.coordinates[name] == "log" else "recorded"
    return {
        "experiment": name,
        "held_out": chosen.by,
        "folds": len(chosen.held),
        "rows": rows,
        "sd": sd,
        "unit": unit,
        "words": _words(sd, unit, chosen, rows),
    }


def _most_likely(held: Sequence[_Held]) -> float:
    def objective(sd: float) -> float:
        return -sum(part.log_likelihood(sd) for part in held)

    found = minimize_scalar(objective, bounds=(0.0, MOST), method="bounded", options={"xatol": 1e-3})
    return float(found.x) if found.fun < objective(0.0) else 0.0


def _spread_of_levels(held: Sequence[_Held], model: AssayModel) -> float:
    """Standard deviation of the levels of guides that were left out, their own errors taken off; 0 of none."""
    assert model.frame is not None
    squares = []
    for part in held:
        keys = np.array(guide_keys(part.rows.codes.numpy(), model.frame.alphabet.missing), dtype=object)
        for key in dict.fromkeys(keys):
            level, error = part.level(torch.as_tensor(np.flatnonzero(keys == key)))
            # Of a guide all of whose readings lie beyond the limits no level can be told.
            squares += [level**2 - error] if error < VAGUE**2 else []
    return math.sqrt(max(float(np.mean(squares)), 0.0)) if squares else 0.0


def _words(sd: float, unit: str, chosen: Folds, rows: int) -> str:
    said = f"{sd / math.log(10):.2f} log10 units" if unit == "ln" else f"{sd:.2f}"
    left = (
        f"guides left out of the fit ({len(chosen.held)} times a part of them, {rows:,} pairs)"
        if chosen.by == GUIDES
        else f"stretches of the one guide's protospacer left out of the fit ({len(chosen.held)}, {rows:,} pairs)"
    )
    if sd == 0.0:
        return (
            f"For a guide unlike those fitted nothing is added: predictions of {left} miss by no more than the fit "
            "says."
        )
    return (
        f"For a guide unlike those fitted, intervals hold a further standard deviation of {said}: by so much "
        f"predictions of {left} miss beyond what the fit leaves open and the noise of readings."
    )
