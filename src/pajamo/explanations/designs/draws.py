"""What goals' values would be under other parameters that the data allow: draws from the Laplace posterior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.explanations.designs.goals import Aim, Values
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.newton.problem import Problem

SETTLED = 1e-2
"""Nats to which instruments follow a drawn set of energies."""


def drawn_values(
    model: AssayModel, assay: Assay, aims: Sequence[Aim], codes: Codes, draws: int, seed: int
) -> list[Values]:
    """Values of each goal under parameters drawn from the normal distribution about the fitted ones.

    Parameters
    ----------
    model: fitted to the training set of the assay; its parameters stay as they are.
    assay: gives the information that the data hold.
    aims: goals of the same model.
    codes: sequences, shape (sequences, length).
    draws, seed: how many parameter sets, and from which seed.

    Returns
    -------
    For each goal an array of shape (draws, sequences).
    """
    problem = Problem(model.assembly, rows_of(assay.part("training")))
    before = problem.snapshot()
    quadratic = problem.expand(False)
    if float(torch.linalg.eigvalsh(quadratic.hessian)[0]) <= 0:
        quadratic = problem.expand(True)
    spread = inverse_root(quadratic.hessian)
    generator = torch.Generator().manual_seed(seed)
    found: list[list[Values]] = [[] for _ in aims]
    try:
        for _ in range(draws):
            move = spread @ torch.randn(problem.size, generator=generator, dtype=torch.float64)
            problem.step(move, quadratic, SETTLED)
            for values, aim in zip(found, aims, strict=True):
                values.append(aim.values(codes))
            problem.restore(before)
    finally:
        problem.restore(before)
    return [np.stack(values) for values in found]


def inverse_root(hessian: Tensor) -> Tensor:
    """A matrix whose square (times its transpose) is the inverse, for drawing from a posterior, (size, size)."""
    scale = hessian.diagonal().clamp(min=1e-12).sqrt()
    values, vectors = torch.linalg.eigh(hessian / scale[:, None] / scale)
    root: Tensor = (vectors / values.clamp(min=1e-10).sqrt()) / scale[:, None]
    return root
