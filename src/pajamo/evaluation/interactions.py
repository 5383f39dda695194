"""Genetic interactions of double perturbations, from measured or predicted responses."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.errors import DataError, shorten
from pajamo.evaluation.distance_correlation import centred_distances, correlation
from pajamo.evaluation.interaction_classes import Rules, classify
from pajamo.evaluation.pair_fit import PairNoise, huber, least_squares, noise_corrected, residual_square
from pajamo.evaluation.responses import Responses

Genes = NDArray[np.intp]
TINY = 1e-300
MOST_GENES = 1000
"""Genes behind the distance correlations, the most variable between conditions: their cost is quadratic."""


def interaction_scores(
    responses: Responses,
    pairs: Iterable[Condition] | None = None,
    *,
    exclude_targets: bool = True,
    rules: Rules | None = None,
) -> pd.DataFrame:
    """How each double relates to its two singles.

    The double is fitted as c1 delta_a + c2 delta_b over genes, without intercept (Norman et al. 2019,
    Science 365:786), where a and b are the pair's genes in alphabetical order.

    Parameters
    ----------
    responses: singles and doubles; replace doubles by predictions with `Responses.predicted`.
    pairs: doubles; all with both singles if not given.
    exclude_targets: leave out the rows of the two perturbed genes, which change because they are targets.
    rules: thresholds of the classes.

    Returns
    -------
    One row a double, indexed by its name:

    - gene_1, gene_2
    - c1, c2: least squares, attenuation by noise corrected; c1_raw, c2_raw: plain; c1_robust,
      c2_robust: Huber
    - magnitude sqrt(c1² + c2²), dominance |log10 |c1 / c2||
    - similarity_singles: distance correlation of the two singles; similarity: of the two together
      with the double; equality: smaller over larger distance correlation of a single with the double
    - additive_residual, residual, each with _se: norm of delta_ab minus the plain sum, and minus
      the fit, noise taken off
    - detection: ||delta_ab||² over its standard error; below 2 no class is named
    - explained 1 - residual² / ||delta_ab||², strength ||delta_ab|| / ||delta_a + delta_b||, noise taken off
    - class: see `Rules`

    Raises
    ------
    DataError: a pair, or one of its singles, is not among the responses.
    """
    chosen = responses.doubles() if pairs is None else tuple(pairs)
    _require(responses, chosen)
    variable = np.argsort(-responses.delta.var(axis=0), kind="stable")[:MOST_GENES]
    rows = []
    for pair in chosen:
        keep = ~responses.genes.isin(pair.genes) if exclude_targets else np.ones(len(responses.genes), bool)
        features = _fit(responses, pair, np.flatnonzero(keep)) | _similarities(
            responses, pair, variable[keep[variable]]
        )
        first, second = pair.genes
        rows.append({"gene_1": first, "gene_2": second, **features, "class": classify(features, rules)})
    return pd.DataFrame(rows, index=[str(pair) for pair in chosen])


def _require(responses: Responses, pairs: Iterable[Condition]) -> None:
    known = responses.position
    lacking = [p for p in pairs if p.order != 2 or p not in known or any(s not in known for s in p.parts())]
    if lacking:
        raise DataError(
            f"no interaction can be scored for {shorten(lacking)}",
            why="a double and both of its singles are needed",
            fix="choose from responses.doubles()",
        )


def _fit(responses: Responses, pair: Condition, genes: Genes) -> dict[str, float]:
    a, b = (responses.position[part] for part in pair.parts())
    ab = responses.position[pair]
    singles, double = responses.delta[[a, b]][:, genes].T, responses.delta[ab, genes]
    noise = PairNoise(
        responses.variance[a, genes],
        responses.variance[b, genes],
        responses.control_variance[a, genes],
        responses.variance[ab, genes] + responses.control_variance[ab, genes],
    )
    raw, fitted, robust = (
        least_squares(singles, double), noise_corrected(singles, double, noise), huber(singles, double),
    )  # fmt: skip
    left, left_se = residual_square(singles, double, fitted, noise)
    beyond, beyond_se = residual_square(singles, double, np.ones(2), noise)
    signal, signal_se = residual_square(singles, double, np.zeros(2), noise)
    summed, summed_se = residual_square(singles, np.zeros(len(genes)), -np.ones(2), noise.without_double())
    return {
        "c1": fitted[0], "c2": fitted[1],
        "c1_raw": raw[0], "c2_raw": raw[1],
        "c1_robust": robust[0], "c2_robust": robust[1],
        "magnitude": float(np.hypot(*fitted)),
        "dominance": float(abs(np.log10(max(abs(fitted[0]), 1e-6) / max(abs(fitted[1]), 1e-6)))),
        **_norm("additive_residual", beyond, beyond_se),
        **_norm("residual", left, left_se),
        "detection": signal / signal_se if signal_se > 0 else np.inf * np.sign(signal),
        "explained": 1 - max(left, 0.0) / signal if signal > 0 else 0.0,
        # Singles that cannot be told from noise are taken to be as strong as the noise would allow.
        "strength": float(np.sqrt(max(signal, 0.0) / max(summed, summed_se, TINY))),
    }  # fmt: skip


def _norm(name: str, square: float, se: float) -> dict[str, float]:
    """Root of a squared norm; its standard error is half the root's change over ± one of the square's."""
    upper, lower = (np.sqrt(max(square + step, 0.0)) for step in (se, -se))
    return {name: float(np.sqrt(max(square, 0.0))), f"{name}_se": float((upper - lower) / 2)}


def _similarities(responses: Responses, pair: Condition, genes: Genes) -> dict[str, float]:
    a, b, ab = (responses.delta[responses.position[c]][genes] for c in (*pair.parts(), pair))
    first, second, double = centred_distances(a), centred_distances(b), centred_distances(ab)
    both = centred_distances(np.column_stack([a, b]))
    contributions = sorted([correlation(first, double), correlation(second, double)])
    return {
        "similarity_singles": correlation(first, second),
        "similarity": correlation(both, double),
        "equality": contributions[0] / contributions[1] if contributions[1] > 0 else 1.0,
    }
