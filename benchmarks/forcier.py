"""Forcier's promoters, measured one by one with and without cAMP: the direct interaction, and a ruler for energies.

Used by joint_sort_seq.py. Source: Forcier et al. 2018, eLife 7:e40618 (`cisreg/forcier2018_*.tsv`).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from pajamo.models.assays.model import AssayModel

KT = 0.001987204 * 310.15
"""kcal/mol at 37 degrees Celsius."""
DIRECT, DIRECT_ERROR = -4.04, 0.09
"""The interaction of CRP at -61.5 with polymerase, kcal/mol."""
WINDOW = slice(-44, -3)
"""Where the polymerase's 41 letters lie in Forcier's sequences, which end three bases further than Kinney's."""
DIM, BRIGHT = 2.0, 0.7
"""Activities between so many backgrounds and this share of saturation say how strongly polymerase binds."""
RESAMPLES = 1000
Array = NDArray[np.float64]


def manifold(folder: Path) -> str:
    """Fit the allelic manifold at -61.5 anew: activity with CRP against activity without, one point a promoter.

    t- = tsat P / (1 + P) + tbg and t+ = tsat a'P / (1 + a'P) + tbg, with P free for each promoter; least squares
    in ln t.
    """
    table, theirs = _measurements(folder), _resamples(folder)
    places = [column.removesuffix("_log_P") for column in theirs if column.endswith("_log_P")]
    chosen = table[table["location"].isin(places)]
    bright, dark = chosen["log_t+"].to_numpy(), chosen["log_t-"].to_numpy()

    def misses(x: Array) -> Array:
        def expected(strength: Array) -> Array:
            return np.logaddexp(x[0] - np.logaddexp(0.0, -strength), x[1])

        return np.concatenate([expected(x[3:] + x[2]) - bright, expected(x[3:]) - dark])

    found = least_squares(misses, np.concatenate([[3.0, -5.5, 6.0], dark - 3.0]))
    spread = float(theirs["log_alphap"].iloc[1:].std())
    fold = bright - dark
    best = chosen.iloc[int(fold.argmax())]
    error = math.hypot(best["dlog_t+"], best["dlog_t-"])
    lines = (
        f"\nForcier 2018, {len(chosen)} promoters with CRP at -61.5: ln a' = {found.x[2]:.3f} (theirs "
        f"{theirs['log_alphap'].iloc[0]:.3f}, their resamples +- {spread:.3f}),",
        f"that is {-KT * found.x[2]:.2f} +- {KT * spread:.2f} kcal/mol. Without a model: the most activated of them "
        f"rises {math.exp(fold.max()):.0f}-fold",
        f"(ln {fold.max():.2f} +- {error:.2f}; the greatest of {len(chosen)}, so a little too high): dG_I is "
        f"{-KT * fold.max():.2f} +- {KT * error:.2f} or stronger.",
        "a' = (1 + a F) / (1 + F) <= a, F being how strongly CRP is bound without polymerase: -4.04 is the apparent",
        "energy at their cAMP and their near-consensus site; the contact itself, dG_I = -kT ln a, which the four",
        "states fit, is as strong or stronger.",
    )
    return "\n".join(lines)


def ruler(folder: Path, model: AssayModel, site: str = "RNAP") -> tuple[float, float, float, int]:
    """By how much a fitted matrix of the polymerase is to be stretched to meet Forcier's strengths.

    ln odds of (t - tbg) / tsat is ln P, or ln P + ln a' with CRP, and ln P = constant - energy of the sequence: its
    slope against the fitted energies, with a constant of its own for each place of CRP, with and without cAMP. Sorted
    reads alone fix energies relative to each other; this fixes their unit.

    Returns
    -------
    The slope, the ends of its 90 % interval (bootstrap over promoters), and the number of promoters.
    """
    table, theirs = _measurements(folder), _resamples(folder)
    # Those called r17 have a spacer of 17 between the polymerase's two boxes: another matrix.
    same = ~table["name"].str.startswith("r17") & (table["spacing"] <= -60)
    table = table[same & ~table["outlier"].astype(bool)]
    codes = model.frame.alphabet.encode([sequence[WINDOW] for sequence in table["sequence"]], "forcier2018")
    with torch.no_grad():
        energy = model.assembly.reader(site)(torch.as_tensor(codes)).numpy()
    saturated, background = np.exp(theirs[["log_tsat", "log_tbg"]].iloc[0].to_numpy(dtype=float))
    points = pd.concat([_odds(table, energy, sign, saturated, background) for sign in "+-"])
    low, high = np.quantile(_resampled_slopes(points), [0.05, 0.95])
    return _slope(points, np.ones(len(points))), float(low), float(high), points["of"].nunique()


def _odds(table: pd.DataFrame, energy: Array, sign: str, saturated: float, background: float) -> pd.DataFrame:
    """Fitted energies (x) and ln odds of the activity (y) of the promoters that tell how strongly they are bound."""
    share = (np.exp(table[f"log_t{sign}"].to_numpy()) - background) / saturated
    known = (share > DIM * background / saturated) & (share < BRIGHT)
    odds = np.log(share[known] / (1 - share[known]))
    group = table["spacing"].astype(str).to_numpy()[known] + sign
    return pd.DataFrame({"x": energy[known], "y": odds, "group": group, "of": np.flatnonzero(known)})


def _resampled_slopes(points: pd.DataFrame) -> list[float]:
    """Slopes of resampled promoters; one that is measured with and without cAMP is drawn with both."""
    promoters = points["of"].unique()
    rng = np.random.default_rng(0)
    slopes = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(len(promoters), size=len(promoters)), minlength=len(promoters))
        weight = pd.Series(times, index=promoters).loc[points["of"]].to_numpy(dtype=float)
        slopes.append(_slope(points, weight))
    return slopes


def _slope(points: pd.DataFrame, weight: Array) -> float:
    """Minus the common slope of y against x within groups."""
    groups = pd.factorize(points["group"])[0]
    total = np.bincount(groups, weight).clip(min=1e-12)
    x, y = (
        column - (np.bincount(groups, weight * column) / total)[groups]
        for column in (points["x"].to_numpy(), points["y"].to_numpy())
    )
    return -float((weight * x * y).sum() / (weight * x * x).sum())


def _measurements(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "forcier2018_measurements.tsv", sep="\t")


def _resamples(folder: Path) -> pd.DataFrame:
    """First row: their fit; then bootstrap resamples."""
    return pd.read_csv(folder / "forcier2018_c61_resamples.tsv", sep="\t")
