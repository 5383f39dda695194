"""How every term of every row depends on the weights of one hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pajamo.config.assays import ExperimentSettings, KineticSettings
from pajamo.data.assays.assay import Assay
from pajamo.encoders.guides.linear import MismatchMap
from pajamo.errors import ModelError
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Term
from pajamo.models.assays.model import AssayModel

AT_ONCE = 2048
"""Rows whose slopes are multiplied together: as many as stay in cache."""
HELD = 1e-6
"""Standard deviation of the prior of a constant that is held: as good as a point."""


@dataclass(frozen=True)
class Block:
    """How one term depends on the weights of its reader; rows that show the same letters share a line.

    Attributes
    ----------
    weights: where they stand among all weights of the hypothesis.
    lines: design of each different window, shape (windows, weights); None for a constant.
    line_of: the line of each row, shape (rows,); None for a constant.
    """

    weights: slice
    lines: Tensor | None = None
    line_of: Tensor | None = None

    def value(self, weights: Tensor, rows: int) -> Tensor:
        """The term of each row, shape (rows,)."""
        own = weights[self.weights]
        return own.expand(rows) if self.lines is None else (self.lines @ own)[self.line_of]

    def slopes(self, by_term: Tensor, rows: slice) -> Tensor:
        """Slopes by the term, shape (rows,), to slopes by its weights, shape (rows, weights)."""
        if self.lines is None or self.line_of is None:
            return by_term[:, None]
        return self.lines.index_select(0, self.line_of[rows]) * by_term[:, None]


@dataclass(frozen=True)
class Design:
    """One hypothesis on all rows.

    Attributes
    ----------
    rows: how many.
    blocks: for each term of the mechanism.
    prior_mean, prior_sd: of each weight, shape (weights,).
    """

    rows: int
    blocks: tuple[Block, ...]
    prior_mean: Tensor
    prior_sd: Tensor

    def terms(self, weights: Tensor) -> Tensor:
        """Every term of every row, shape (rows, terms)."""
        return torch.stack([block.value(weights, self.rows) for block in self.blocks], dim=1)

    def penalty(self, weights: Tensor) -> Tensor:
        """Minus ln prior, in nats, without what does not depend on the weights."""
        return (((weights - self.prior_mean) / self.prior_sd) ** 2).sum() / 2

    def jacobian(self, slopes: Tensor, rows: slice) -> Tensor:
        """Slopes by the terms, shape (rows, terms), to slopes by the weights; terms of one reader add up."""
        found: dict[int, Tensor] = {}
        for term, block in enumerate(self.blocks):
            own, first = block.slopes(slopes[:, term], rows), block.weights.start
            found[first] = found[first] + own if first in found else own
        return torch.cat([found[first] for first in sorted(found)], dim=1)

    def normal(
        self,
        slopes: Tensor,
        first: Tensor,
        second: Tensor,
        weights: Tensor,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Tensor, Tensor]:
        """Gradient and Gauss-Newton Hessian of minus ln posterior, shapes (weights,) and (weights, weights).

        Parameters
        ----------
        slopes: of what is recorded by the terms, shape (rows, terms).
        first, second: derivatives of minus ln p by what is recorded, the second not negative, shape (rows,).
        weights: where they were taken.
        dtype: of the sums.
        """
        root = second.sqrt()
        rest = torch.where(second > 0, first / root, 0.0)
        gradient = ((weights - self.prior_mean) / self.prior_sd**2).to(dtype)
        hessian = torch.diag(self.prior_sd.to(dtype) ** -2)
        for start in range(0, self.rows, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            jacobian = self.jacobian(slopes[part] * root[part, None], part).to(dtype)
            gradient = gradient + jacobian.T @ rest[part].to(dtype)
            _add_square(hessian, jacobian)
        return gradient, hessian


def _add_square(total: Tensor, factor: Tensor) -> None:
    """Add factor' factor in place; what lies below the diagonal in blocks is copied from above it."""
    half = factor.shape[1] // 2
    left, right = factor[:, :half], factor[:, half:]
    total[:half, :half].addmm_(left.T, left)
    total[half:, half:].addmm_(right.T, right)
    total[:half, half:].addmm_(left.T, right)
    total[half:, :half] = total[:half, half:].T


def designs_of(
    candidates: Sequence[KineticSettings],
    experiments: Mapping[str, ExperimentSettings],
    assay: Assay,
    seed: int,
) -> tuple[Assembly, list[Design]]:
    """The designs of hypotheses of one scheme on all rows of all experiments.

    Returns
    -------
    The assembly of the first in single precision, for its mechanism and measurements, which all share; and a design
    for each.

    Raises
    ------
    ModelError: a reader that is no linear map of guide-target pairs.
    """
    codes = torch.as_tensor(np.concatenate([experiment.codes for experiment in assay.experiments]))
    template, designs = None, []
    for candidate in candidates:
        assembly = AssayModel("candidate", candidate, experiments, seed=seed).build(assay)
        designs.append(_design(assembly, codes))
        template = template or assembly
    if template is None:
        raise ModelError("there are no hypotheses to train", where="search")
    return template.float(), designs


def _design(assembly: Assembly, codes: Tensor) -> Design:
    places: dict[str, slice] = {}
    priors: list[tuple[Tensor, Tensor]] = []
    blocks = []
    for number, term in enumerate(assembly.blueprint.terms):
        key = term.encoder or f"constant {number}"
        if key not in places:
            priors.append(_prior(assembly, number))
            first = max((place.stop for place in places.values()), default=0)
            places[key] = slice(first, first + len(priors[-1][0]))
        blocks.append(_block(assembly, term, codes, places[key]))
    mean, sd = (torch.cat(columns).float() for columns in zip(*priors, strict=True))
    return Design(len(codes), tuple(blocks), mean, sd)


def _block(assembly: Assembly, term: Term, codes: Tensor, place: slice) -> Block:
    """Windows are compared as letters, before any of them becomes numbers: most rows show what others show."""
    if term.encoder is None:
        return Block(place)
    window = assembly.window(term, codes)
    letters = np.ascontiguousarray(window.numpy())
    whole = letters.view(np.dtype((np.void, letters.shape[1] * letters.itemsize))).ravel()
    _, first, line_of = np.unique(whole, return_index=True, return_inverse=True)
    lines = _map(assembly, term.encoder).design(window[torch.as_tensor(first)]).float()
    return Block(place, lines, torch.as_tensor(line_of, dtype=torch.int32))


def _prior(assembly: Assembly, number: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the weights of a term."""
    name = assembly.blueprint.terms[number].encoder
    if name is not None:
        return _map(assembly, name).prior_mean, _map(assembly, name).prior_sd
    place = assembly.constant_terms.index(number)
    sd = assembly.constant_sd[place] if assembly.free[place] else assembly.constant_sd.new_tensor(HELD)
    return assembly.constant_mean[place][None], sd[None]


def _map(assembly: Assembly, name: str) -> MismatchMap:
    one = assembly.reader(name)
    if not isinstance(one, MismatchMap):
        raise ModelError(
            "this map cannot be trained with others at once",
            where=name,
            why="a batch takes maps of guide-target pairs that are linear in their weights",
            fix='search among encoder = "additive", "convolution", "smooth", "pooled" and "profile"',
        )
    return one
