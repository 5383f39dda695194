"""The variance of a difference between perturbed and control cells, for any allocation over batches.

A cell of perturbation p in batch b is y = mu_p + beta_b + gamma_bp + eta_g + epsilon; w_pb = n_pb / N_p.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pajamo.errors import DataError
from pajamo.protocols.errors.components import Variances
from pajamo.protocols.errors.groups import Array

SAME = 1e-12


@dataclass(frozen=True)
class DifferenceVariance:
    """Variance of a perturbation's mean minus its control's, by where it comes from; shape (perturbations,).

    Attributes
    ----------
    cells: sampling of cells, sigma_p^2 / N_p + sigma_c^2 / N_c.
    batch: batches that hold different shares of perturbed and control cells; 0 if proportional.
    batch_by_perturbation: batches in which the perturbation does something else.
    guide: guides of one perturbation that do different things.
    """

    cells: Array
    batch: Array
    batch_by_perturbation: Array
    guide: Array

    @property
    def total(self) -> Array:
        """Their sum."""
        return self.cells + self.batch + self.batch_by_perturbation + self.guide


def variance_of_difference(
    perturbed: npt.ArrayLike, control: npt.ArrayLike, variances: Variances, *, guides: npt.ArrayLike = 1
) -> DifferenceVariance:
    """Variance of the difference of pooled means, for any allocation of cells over batches.

    sigma_beta^2 sum_b (w_pb - w_cb)^2 + sigma_gamma^2 (sum_b w_pb^2 + sum_b w_cb^2) + sigma_p^2 / N_p +
    sigma_c^2 / N_c, and sigma_eta^2 / guides for guides that share the cells evenly. The batch term
    vanishes if and only if the control is in every batch in proportion to the perturbed cells.

    Parameters
    ----------
    perturbed: cells by batch, shape (batches,) or (perturbations, batches).
    control: cells by batch of the control that each is compared with, of a shape that fits.
    guides: effective number of guides of each perturbation.

    Raises
    ------
    DataError: no control cell, no perturbed cell, negative numbers, shapes that do not fit.
    """
    perturbed, control = _allocation(perturbed, control)
    here, there = perturbed.sum(axis=1), control.sum(axis=1)
    share, control_share = perturbed / here[:, None], control / there[:, None]
    spread = (share**2).sum(axis=1) + (control_share**2).sum(axis=1)
    return DifferenceVariance(
        cells=variances.cell / here + variances.of_controls / there,
        batch=variances.batch * ((share - control_share) ** 2).sum(axis=1),
        batch_by_perturbation=variances.batch_by_perturbation * spread,
        guide=np.broadcast_to(variances.guide / np.asarray(guides, dtype=float), here.shape).copy(),
    )


def disproportion(perturbed: npt.ArrayLike, control: npt.ArrayLike) -> Array:
    """sum_b (w_pb - w_cb)^2 of each perturbation: 0 proportional, 2 no batch in common with its control.

    Raises
    ------
    DataError: as `variance_of_difference`.
    """
    perturbed, control = _allocation(perturbed, control)
    gap = perturbed / perturbed.sum(axis=1, keepdims=True) - control / control.sum(axis=1, keepdims=True)
    return np.asarray((gap**2).sum(axis=1))


def is_proportional(perturbed: npt.ArrayLike, control: npt.ArrayLike, *, tolerance: float = SAME) -> bool:
    """Whether the control is in every batch in proportion to every perturbation's cells."""
    return bool((disproportion(perturbed, control) <= tolerance).all())


@dataclass(frozen=True)
class WithinBatch:
    """The best combination of differences that are each taken within one batch.

    Attributes
    ----------
    weights: of each batch, summing to one; 0 where either side has no cells; shape (perturbations, batches).
    variance: of the combination; infinite where no batch holds both; shape (perturbations,).
    """

    weights: Array
    variance: Array


def within_batch(perturbed: npt.ArrayLike, control: npt.ArrayLike, variances: Variances) -> WithinBatch:
    """Weigh the differences within each batch by their precision; batch effects cancel in each.

    w_b is proportional to 1 / (sigma_p^2 / n_pb + sigma_c^2 / n_cb + 2 sigma_gamma^2), and the variance of
    the combination is the inverse of the sum of these. Guides, which batches share, are not in it.

    Raises
    ------
    DataError: as `variance_of_difference`.
    """
    perturbed, control = _allocation(perturbed, control)
    with np.errstate(divide="ignore"):
        each = variances.cell / perturbed + variances.of_controls / control
        precision = 1 / (each + 2 * variances.batch_by_perturbation)
        total = precision.sum(axis=1, keepdims=True)
        weights = np.divide(precision, total, out=np.zeros_like(precision), where=total > 0)
        return WithinBatch(weights, 1 / total[:, 0])


def noise_floor(variance: npt.ArrayLike, n_perturbed: npt.ArrayLike, n_control: npt.ArrayLike) -> Array:
    """Squared error that a perfect prediction of a measured difference still shows, per perturbation and gene.

    Parameters
    ----------
    variance: between cells, shape (genes,) or (perturbations, genes).
    n_perturbed, n_control: cells, shape (perturbations,).

    Returns
    -------
    Shape (perturbations, genes). Its inverse is the weight of the difference in a fit.

    Raises
    ------
    DataError: numbers of cells that are not above zero.
    """
    perturbed, control = (np.atleast_1d(np.asarray(n, dtype=float)) for n in (n_perturbed, n_control))
    if (perturbed <= 0).any() or (control <= 0).any():
        raise DataError("a difference needs perturbed and control cells", where="numbers of cells")
    return np.asarray(np.asarray(variance, dtype=float) * (1 / perturbed + 1 / control)[:, None])


def _allocation(perturbed: npt.ArrayLike, control: npt.ArrayLike) -> tuple[Array, Array]:
    table = np.atleast_2d(np.asarray(perturbed, dtype=float))
    controls = np.atleast_2d(np.asarray(control, dtype=float))
    if table.shape[1] != controls.shape[1] or len(controls) not in (1, len(table)):
        raise DataError(
            f"numbers of cells do not fit: {table.shape} perturbed, {controls.shape} control",
            where="perturbations by batches",
            fix="give both by the same batches, controls once or for each perturbation",
        )
    controls = np.broadcast_to(controls, table.shape)
    for name, numbers in (("perturbed", table), ("control", controls)):
        if not (numbers >= 0).all():
            raise DataError(f"a number of {name} cells is negative or not a number", where="numbers of cells")
        if (numbers.sum(axis=1) == 0).any():
            raise DataError(
                f"a comparison has no {name} cells",
                where=f"row {int(np.flatnonzero(numbers.sum(axis=1) == 0)[0])} of the allocation",
                why="a difference is taken between perturbed and control cells",
                fix=f"allocate {name} cells to at least one batch",
            )
    return table, controls
