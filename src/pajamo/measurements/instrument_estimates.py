"""What can be told of the instrument from cells whose state is known to be the same: controls in every batch.

Not everything can. A gene that all cells express hides the ambient share in its own rate, so that the share comes
from genes that the cells are known not to express; one factor of a whole batch cancels in every share, so that
efficiencies are relative to the average of the control's molecules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.errors import DataError, shorten

Array = NDArray[np.float64]

LEAST_AMBIENT = 10.0
"""Molecules of genes that cells do not express from which an ambient share is told."""


@dataclass(frozen=True)
class Estimate:
    """Estimated values and their standard errors, of equal shape."""

    value: Array
    se: Array


def ambient_profile(empty_droplets: Array, prior: float = 0.5) -> Array:
    """What the fluid holds, from molecules counted in droplets without a cell.

    Without such droplets, the mean of all cells stands in: most ambient molecules come from lysed cells.

    Parameters
    ----------
    empty_droplets: molecules summed over droplets, shape (batches, genes).
    prior: molecules that are added to each gene, so that none is impossible.

    Returns
    -------
    Shares that sum to 1 in each batch, shape (batches, genes).
    """
    counted = np.asarray(empty_droplets, dtype=float) + prior
    return np.asarray(counted / counted.sum(axis=-1, keepdims=True))


def ambient_share(counts: Array, profile: Array, unexpressed: NDArray[np.bool_]) -> Estimate:
    """Share of the libraries that is ambient, from genes that these cells do not express.

    All molecules of such a gene are ambient, so that their expected number is ambient * library * profile; the
    Poisson estimate is the ratio of what was counted to library * profile, as in Young and Behjati 2020,
    GigaScience 9:giaa151.

    Parameters
    ----------
    counts: molecules of the cells, summed within each batch, shape (batches, genes).
    profile: as `ambient_profile` gives it, shape (batches, genes).
    unexpressed: which genes the cells do not express, shape (genes,).

    Returns
    -------
    For each batch, shape (batches,).

    Raises
    ------
    DataError: fewer than ten molecules would be expected in a batch even if all were ambient.
    """
    counts, hidden = np.asarray(counts, dtype=float), np.asarray(unexpressed, dtype=bool)
    exposure = counts.sum(axis=1) * np.asarray(profile, dtype=float)[:, hidden].sum(axis=1)
    if (exposure < LEAST_AMBIENT).any():
        raise DataError(
            "the ambient share of a batch cannot be told",
            where=f"batches {shorten(np.flatnonzero(exposure < LEAST_AMBIENT))}",
            why="it is read off genes that the cells do not express; any other hides it in its own rate",
            fix="name more genes that the cells do not express, or set the share to 0",
        )
    found = counts[:, hidden].sum(axis=1)
    return Estimate(np.minimum(found / exposure, 1.0), np.sqrt(np.maximum(found, 1.0)) / exposure)


def batch_efficiency(
    control: Array, cells: NDArray[np.integer], dispersion: Array, ambient: Array, profile: Array
) -> Estimate:
    """Logarithm of each batch's efficiency for each gene, from controls in every batch.

    The controls' state is the same everywhere, so that what differs between their shares is the instrument:
    ln kappa_bg = ln of the batch's own share - its mean over batches. Each is shrunk towards zero by what the
    counts can tell (normal prior whose variance is estimated in each batch), and centred so that the control's
    molecules are caught equally well on average in each batch.

    Parameters
    ----------
    control: molecules of the controls, summed within each batch, shape (batches, genes).
    cells: controls in each batch, shape (batches,).
    dispersion: shape (genes,).
    ambient: share of each batch, shape (batches,).
    profile: shape (batches, genes).

    Returns
    -------
    ln kappa and its standard error, shape (batches, genes).

    Raises
    ------
    DataError: a batch without controls, where its efficiency cannot be told from its perturbations' effects.
    """
    control, cells = np.asarray(control, dtype=float), np.asarray(cells)
    _require_controls(control, cells)
    own, noise = _own_shares(control, cells, dispersion, ambient, profile)
    raw = np.log(own)
    weight = 1.0 / noise
    mean = (weight * raw).sum(axis=0) / weight.sum(axis=0)
    difference = _centred(raw - mean, own)
    excess = (weight**2 * (difference**2 - noise)).sum(axis=1, keepdims=True)
    prior = np.maximum(excess / (weight**2).sum(axis=1, keepdims=True), 0.0)
    kept = prior / (prior + noise)
    return Estimate(_centred(kept * difference, own), np.sqrt(kept * noise))


def _own_shares(
    control: Array, cells: NDArray[np.integer], dispersion: Array, ambient: Array, profile: Array
) -> tuple[Array, Array]:
    """The cells' own shares, ambient molecules taken off, and the variance of their logarithms (delta method)."""
    counted = control + 0.5
    library = counted.sum(axis=1, keepdims=True)
    background = np.asarray(ambient, dtype=float)[:, None] * np.asarray(profile, dtype=float)
    # Half a molecule stands for none, so that a gene seen only in the fluid keeps a logarithm.
    own = np.maximum(counted / library - background, 0.5 / library)
    inflation = (counted / library / own) ** 2
    noise = inflation * (1.0 / counted + np.asarray(dispersion, dtype=float) / np.asarray(cells)[:, None])
    return np.asarray(own / own.sum(axis=1, keepdims=True)), noise


def _centred(logarithm: Array, weight: Array) -> Array:
    """Take off the factor of a whole batch: the weighted mean over genes becomes zero."""
    mean = (weight * logarithm).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    return np.asarray(logarithm - mean)


def _require_controls(control: Array, cells: NDArray[np.integer]) -> None:
    without = np.flatnonzero((cells == 0) | (control.sum(axis=1) == 0))
    if len(without):
        raise DataError(
            "the efficiency of a batch without controls cannot be told",
            where=f"batches {shorten(without)}",
            why="what differs there may be the instrument or the perturbations",
            fix="measure controls in every batch; `pajamo design` says how many",
        )
