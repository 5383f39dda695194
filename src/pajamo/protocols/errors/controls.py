"""How many control cells, in which batches, and what it does that all perturbations share them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pajamo.errors import DataError
from pajamo.protocols.errors.groups import Array


def control_ratio(perturbations: npt.ArrayLike, sd_ratio: npt.ArrayLike = 1.0) -> Array:
    """Control cells per cell of one perturbation at which all differences are known best: sqrt(K) sigma_c / sigma_p.

    Minimises K sigma_p^2 / n_p + K sigma_c^2 / n_c at a fixed number of cells K n_p + n_c (square-root rule;
    Dunnett 1955, J. Am. Stat. Assoc. 50, 1096).

    Parameters
    ----------
    perturbations: number K that share the control (in a batch: those measured in it).
    sd_ratio: standard deviation of control cells over that of perturbed cells.

    Raises
    ------
    DataError: a number below one, or a ratio not above zero.
    """
    number, ratio = np.asarray(perturbations, dtype=float), np.asarray(sd_ratio, dtype=float)
    if not ((number >= 1).all() and (ratio > 0).all()):
        raise DataError(
            "the rule needs at least one perturbation and standard deviations above zero",
            where=f"perturbations {number}, sd_ratio {ratio}",
        )
    return np.asarray(np.sqrt(number) * ratio)


def control_share(perturbations: npt.ArrayLike, sd_ratio: npt.ArrayLike = 1.0) -> Array:
    """Share of all cells that should be controls: 1 / (1 + sqrt(K)) where cells vary alike."""
    ratio = control_ratio(perturbations, sd_ratio)
    return np.asarray(ratio / (ratio + np.asarray(perturbations, dtype=float)))


def gain_over_equal_split(perturbations: npt.ArrayLike) -> Array:
    """Total variance at the best share over that with as many controls as cells of each perturbation.

    (1 + sqrt(K))^2 / (2 (1 + K)); 0.692 for K = 25.
    """
    number = np.asarray(perturbations, dtype=float)
    return np.asarray((1 + control_ratio(number)) ** 2 / (2 * (1 + number)))


def allocate_controls(
    cells: npt.ArrayLike, perturbations: npt.ArrayLike, sd_ratio: float = 1.0
) -> npt.NDArray[np.int64]:
    """Control cells of each batch by the square-root rule, rounded, at least one where cells are.

    Parameters
    ----------
    cells: all cells of each batch, shape (batches,).
    perturbations: number K_b of perturbations measured in each batch.
    sd_ratio: standard deviation of control cells over that of perturbed cells.

    Raises
    ------
    DataError: negative numbers of cells, or a batch that cannot hold a control beside its perturbations.
    """
    total = np.atleast_1d(np.asarray(cells, dtype=float))
    number = np.broadcast_to(np.asarray(perturbations, dtype=float), total.shape)
    if (total < 2).any():
        raise DataError(
            f"a batch of {total.min():g} cells cannot hold perturbed and control cells",
            where=f"batch {int(total.argmin()) + 1}",
            fix="leave that batch out, or give it more cells",
        )
    wanted = np.rint(total * control_share(number, sd_ratio)).astype(np.int64)
    return np.clip(wanted, 1, total.astype(np.int64) - 1)


def shared_control_correlation(
    n_perturbed: npt.ArrayLike, n_control: npt.ArrayLike, sd_ratio: npt.ArrayLike = 1.0
) -> Array:
    """Correlation of the errors of two differences that share their control.

    (sigma_c^2 / n_c) / (sigma_p^2 / n_p + sigma_c^2 / n_c). With equal variances n_p / (n_p + n_c), which is
    also the Pearson correlation expected between the differences of two perturbations that do nothing.

    Raises
    ------
    DataError: a number of cells that is not above zero.
    """
    perturbed, control = np.asarray(n_perturbed, dtype=float), np.asarray(n_control, dtype=float)
    if not ((perturbed > 0).all() and (control > 0).all()):
        raise DataError(
            "a difference needs perturbed and control cells",
            where=f"{perturbed} perturbed, {control} control cells",
            fix="give numbers above zero",
        )
    shared = np.asarray(sd_ratio, dtype=float) ** 2 / control
    return np.asarray(shared / (1 / perturbed + shared))
