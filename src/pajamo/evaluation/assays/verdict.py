"""One sentence: does a mechanism tell more than the best map without one, by how many bits, and how sure is that?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.evaluation.assays.differences import best_baseline, gain
from pajamo.evaluation.assays.rows import ALL, Measured, Said, pooled
from pajamo.evaluation.assays.scores import I_VAR, LIKELIHOOD
from pajamo.evaluation.assays.units import GUIDES, SEQUENCES
from pajamo.evaluation.comparison import BEATS, LOSES, TIES

BASELINE, MECHANISM, COMPARISON = "baseline", "mechanism", "comparison"
MANY_DIGITS = 0.01


@dataclass(frozen=True)
class AssayVerdict:
    """The lead of a report on an assay.

    Attributes
    ----------
    sentence: for people.
    model: the best mechanism; the best comparison if no mechanism was declared, else the best baseline.
    baseline: the best baseline on the rows that are compared.
    improvement, low, high: bits more of each observation, with the 95 % interval.
    outcome: "beats", "ties", "loses"; "baselines only"; or "no interval" where there are too few sequences for one.
    ceiling: the most flexible map that tells more than the model, or "".
    set_name, experiments, rows, observations: what was compared on.
    """

    sentence: str
    model: str
    baseline: str
    improvement: float
    low: float
    high: float
    outcome: str
    ceiling: str
    set_name: str
    experiments: tuple[str, ...]
    rows: int
    observations: int


def assay_verdict(
    table: pd.DataFrame,
    parts: Mapping[str, Measured],
    said: Mapping[str, Mapping[str, Said]],
    kinds: Mapping[str, str],
    *,
    chosen: str | None = None,
    unconverged: bool = False,
    seed: int = 0,
) -> AssayVerdict:
    """Judge the best mechanism against the best baseline.

    Parameters
    ----------
    table: scores of one set.
    parts, said: its rows, and what each model says of each experiment.
    kinds: "baseline", "mechanism" or "comparison", by model.
    chosen: the mechanism that the validation set prefers; the best one on these rows if not given.
    unconverged: whether its fit did not reach the optimum, which is then said.
    seed: of the resamples.
    """
    whole = _whole(table)
    base = best_baseline(whole, [name for name, kind in kinds.items() if kind == BASELINE])
    model = chosen or best_of(whole, kinds) or base
    set_name = next(iter(parts.values())).set_name
    rows = sum(measured.n for measured in parts.values())
    observations = int(sum(measured.observations.sum() for measured in parts.values()))
    where = _where(parts, set_name, rows, observations)
    ceiling = _ceiling(whole, kinds, model)
    if model == base or not base:
        outcome, bits, low, high = "baselines only", np.nan, np.nan, np.nan
        sentence = f"On {where}, no mechanism was fitted; the best baseline is {base}{_figures(table, base)}."
    else:
        bits, low, high, _ = gain(parts, said[model], said[base], seed)
        outcome = _outcome(low, high)
        told = (_bits(bits), _bits(low), _bits(high), _over(parts))
        sentence = _sentence(table, where, model, base, kinds[model], outcome, told)
    if ceiling:
        more = gain(parts, said[ceiling], said[model], seed)
        sentence += (
            f" The sequences tell more than {model} explains: {ceiling}, which has no mechanism, gains another "
            f"{_bits(more[0])} bits ({_bits(more[1])} to {_bits(more[2])})."
        )
    if unconverged:
        sentence += f" The fit of {model} did not converge: its parameters are not to be interpreted."
    return AssayVerdict(
        sentence, model, base, bits, low, high, outcome, ceiling, set_name, tuple(parts), rows, observations
    )


def best_of(table: pd.DataFrame, kinds: Mapping[str, str]) -> str:
    """The mechanism with the highest likelihood; the best comparison if there is no mechanism; "" without either."""
    whole = _whole(table)
    for kind in (MECHANISM, COMPARISON):
        names = [name for name, own in kinds.items() if own == kind]
        best = best_baseline(whole, names)
        if best:
            return best
    return ""


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Scores on all experiments together, or on the only one."""
    pooled = table[table["experiment"] == ALL]
    return table if pooled.empty else pooled


def _ceiling(table: pd.DataFrame, kinds: Mapping[str, str], model: str) -> str:
    """The best map without a mechanism that is no baseline, if it beats the model on likelihood."""
    own = table[table["metric"] == LIKELIHOOD].set_index("model")["value"]
    others = [
        name for name, kind in kinds.items() if kind == COMPARISON and name != model and name in own.index
    ]
    best = max(others, key=lambda name: float(own[name]), default="")
    return best if best and model in own.index and own[best] > own[model] else ""


def _outcome(low: float, high: float) -> str:
    if not (np.isfinite(low) and np.isfinite(high)):
        return "no interval"
    return BEATS if low > 0 else LOSES if high < 0 else TIES


def _where(parts: Mapping[str, Measured], set_name: str, rows: int, observations: int) -> str:
    names = list(parts)
    what = f"experiment {names[0]}" if len(names) == 1 else f"{len(names)} experiments"
    reads = "" if observations == rows else f", {observations:,} observations"
    held = (
        f"the {set_name} set" if set_name != "training" else "the training set itself (nothing was held out)"
    )
    return f"{held} of {what} ({rows:,} row{'' if rows == 1 else 's'}{reads})"


def _sentence(
    table: pd.DataFrame,
    where: str,
    model: str,
    base: str,
    kind: str,
    outcome: str,
    figures: tuple[str, str, str, str],
) -> str:
    bits, low, high, over = figures
    told = f"{bits} bits per observation, 95% interval {low} to {high}{over}"
    named = f"{model}{_figures(table, model)}"
    against = f"the best baseline, {base}{_figures(table, base)}"
    if outcome == BEATS:
        return f"On {where}, {named} beats {against}, by {told}."
    if outcome == "no interval":
        return f"On {where}, too few sequences compare {named} with {against}: {bits} bits per observation."
    verb = "loses to it" if outcome == LOSES else "is not told apart from it"
    article = "mechanism" if kind == MECHANISM else "model"
    return f"On {where}, no {article} beats {against}: the best, {named}, {verb}; difference {told}."


def _over(parts: Mapping[str, Measured]) -> str:
    """What the interval is over, where it is not each sequence."""
    measured = pooled(parts)
    if measured.unit == GUIDES:
        return f" over {len(np.unique(measured.resampled))} guides"
    return "" if measured.unit == SEQUENCES else f" over {measured.unit} (too few guides for one over guides)"


def _figures(table: pd.DataFrame, model: str) -> str:
    """I_var of a model where there is one experiment."""
    own = table[(table["model"] == model) & (table["metric"] == I_VAR) & table["value"].notna()]
    if len(own) != 1:
        return ""
    return f" (I_var {_bits(float(own['value'].iloc[0]))} bits)"


def _bits(value: float) -> str:
    return "unknown" if value != value else f"{value:.4f}" if abs(value) < MANY_DIGITS else f"{value:.3f}"
