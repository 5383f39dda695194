"""Each model against the best baseline, on the same rows and the same resamples."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from pajamo.evaluation.assays.resampling import interval, resampled_totals, totals
from pajamo.evaluation.assays.rows import ALL, Measured, Said, pooled, pooled_said
from pajamo.evaluation.assays.scores import I_VAR, LIKELIHOOD, as_row, likelihood_score, per_observation

NATS_A_BIT = float(np.log(2))


def best_baseline(table: pd.DataFrame, baselines: Collection[str]) -> str:
    """The baseline with the highest likelihood in a table of scores; "" if none was fitted.

    It is chosen on the rows on which it is then compared, which favours the baselines.
    """
    own = table[
        (table["metric"] == LIKELIHOOD) & table["model"].isin(list(baselines)) & table["value"].notna()
    ]
    return "" if own.empty else str(own["model"].iloc[int(own["value"].argmax())])


def gain(
    parts: Mapping[str, Measured], better: Mapping[str, Said], base: Mapping[str, Said], seed: int = 0
) -> tuple[float, float, float, int]:
    """How many bits more of each observation one model tells than another, with its 95 % interval.

    The difference of two variational informations is that of the mean log-likelihoods, because the entropy of what
    was recorded is the same. Sequences are resampled, with what every experiment recorded of them.

    Parameters
    ----------
    parts: rows of one or several experiments, by experiment.
    better, base: what the two models say of each.
    seed: of the resamples.

    Returns
    -------
    Bits, the ends of the interval, and the number of sequences.
    """
    measured, more, less = pooled(parts), pooled_said(parts, better), pooled_said(parts, base)
    difference = (more.log_likelihood - less.log_likelihood) / NATS_A_BIT
    of_units = totals(np.stack([difference, measured.observations], axis=1), measured.resampled)
    bits = float(per_observation(of_units.sum(axis=0, keepdims=True))[0])
    return bits, *interval(per_observation, resampled_totals(of_units, seed), len(of_units)), len(of_units)


def pooled_likelihood(
    parts: Mapping[str, Measured], said: Mapping[str, Mapping[str, Said]], seed: int = 0
) -> pd.DataFrame:
    """The likelihood of everything that several experiments recorded, for each model; as a table of scores."""
    measured = pooled(parts)
    found = {model: likelihood_score(measured, pooled_said(parts, own), seed) for model, own in said.items()}
    return pd.DataFrame([as_row(model, measured, score) for model, score in found.items()])


def with_differences(
    table: pd.DataFrame,
    parts: Mapping[str, Measured],
    said: Mapping[str, Mapping[str, Said]],
    baselines: Collection[str],
    seed: int = 0,
) -> pd.DataFrame:
    """A table of scores on one set with each model's difference to the best baseline of each experiment.

    Likelihood and I_var are compared on the same resampled sequences. For the other figures the difference has no
    interval here: those of the two figures themselves say what they are worth.

    Parameters
    ----------
    table: scores of every model and experiment on one set.
    parts: the rows, by experiment.
    said: what each model says of each experiment, by model and experiment.
    baselines: names of the models that are to be beaten.
    seed: of the resamples.
    """
    found = [
        _compared(own.copy(), str(experiment), parts, said, baselines, seed)
        for experiment, own in table.groupby("experiment", sort=False)
    ]
    return pd.concat(found, ignore_index=True)


def _compared(
    table: pd.DataFrame,
    experiment: str,
    parts: Mapping[str, Measured],
    said: Mapping[str, Mapping[str, Said]],
    baselines: Collection[str],
    seed: int,
) -> pd.DataFrame:
    best = best_baseline(table, baselines)
    table["best_baseline"] = best
    columns = ["difference", "difference_low", "difference_high"]
    table[columns] = np.nan
    if not best:
        return table
    here = parts if experiment == ALL else {experiment: parts[experiment]}
    base = table[table["model"] == best].set_index("metric")["value"]
    for model in dict.fromkeys(table["model"]):
        own = table["model"] == model
        table.loc[own, "difference"] = table.loc[own, "value"] - table.loc[own, "metric"].map(base)
        bits, low, high, _ = gain(here, said[model], said[best], seed)
        for metric, scale in ((I_VAR, 1.0), (LIKELIHOOD, NATS_A_BIT)):
            which = own & (table["metric"] == metric) & table["value"].notna()
            table.loc[which, columns] = np.array([bits, low, high]) * scale
    return table
