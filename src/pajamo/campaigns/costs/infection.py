"""How many cells carry exactly what was wanted, where vectors arrive by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pajamo.errors import StudyError


def share_with(number: int, infection: float, *, selected: bool) -> float:
    """Share of cells with exactly so many vectors: Poisson, m^k exp(-m) / k!.

    Parameters
    ----------
    number: k, of vectors.
    infection: m, multiplicity of infection.
    selected: whether cells without a vector are killed, so that the share is of those with at least one.

    Raises
    ------
    StudyError: a multiplicity that is not above zero.
    """
    _positive(infection)
    if selected and number == 0:
        return 0.0
    log = number * np.log(infection) - infection - float(np.log(np.arange(1, number + 1)).sum())
    return float(np.exp(log)) / _left(infection, selected)


def share_of_combination(fractions: Sequence[float], infection: float, *, selected: bool) -> float:
    """Share of cells of one pool that carry these guides, each at least once, and no others.

    Guide i with the fraction f_i of the pool arrives as Poisson with mean m f_i, independently of others:
    exp(-m) prod_i (exp(m f_i) - 1). This is what is left to pairs that meet by chance, and why they are
    cloned on one vector.

    Parameters
    ----------
    fractions: share of the pool of each guide of the combination.
    infection: m, multiplicity of infection of the whole pool.
    selected: whether cells without a vector are killed.

    Raises
    ------
    StudyError: fractions that are negative or sum to more than one.
    """
    _positive(infection)
    shares = np.asarray(fractions, dtype=float)
    if (shares < 0).any() or shares.sum() > 1 + 1e-12:
        raise StudyError(
            f"guides' shares of the pool are {list(fractions)}",
            where="combination",
            fix="give numbers that are not negative and sum to at most 1",
        )
    found = float(np.exp(-infection) * np.prod(np.expm1(infection * shares)))
    return found / _left(infection, selected)


def vectors_per_cell(infection: float, *, selected: bool) -> float:
    """Mean number of vectors of a captured cell."""
    _positive(infection)
    return infection / _left(infection, selected)


def doublet_share(cells: float, per_thousand: float) -> float:
    """Share of barcodes of a lane that hold two cells, in proportion to its captured cells."""
    return per_thousand * cells / 1000.0


def _left(infection: float, selected: bool) -> float:
    return float(-np.expm1(-infection)) if selected else 1.0


def _positive(infection: float) -> None:
    if not infection > 0:
        raise StudyError(
            f"the multiplicity of infection is {infection:g}", where="cost", fix="give a number above 0"
        )
