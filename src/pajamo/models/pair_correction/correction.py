"""The learned part of Peper: small networks, one for each fold of training doubles, that start at zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.encoders.pair import N_BASIS, N_CONTEXT
from pajamo.models.base import Array
from pajamo.models.pair_correction.pair_entries import TrainingEntries

BATCH = 4096
"""Entries of each member's step."""
CHECK_EVERY = 15
"""Steps between looks at the doubles that a member does not learn from."""
COEFFICIENT_PENALTY = 1.0
CONTEXT_LIMIT = 4.0
"""Standardised context is clipped here, so that nothing is extrapolated."""
LARGEST_GRADIENT = 1.0

PARAMETERS = ("hidden_weight", "hidden_bias", "out_weight", "out_bias")


class Members(torch.nn.Module):
    """Networks context -> SiLU -> coefficients of the basis; all members at once.

    The last layer starts at zero, so that a fresh correction is exactly zero. Each member's best
    parameters so far, on the fold it does not learn from, travel as buffers: a resumed run knows them.
    """

    hidden_weight: torch.nn.Parameter
    hidden_bias: torch.nn.Parameter
    out_weight: torch.nn.Parameter
    out_bias: torch.nn.Parameter
    best_error: torch.Tensor

    def __init__(self, members: int, hidden: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        bound = N_CONTEXT**-0.5

        def uniform(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter((2.0 * torch.rand(shape, generator=generator) - 1.0) * bound)

        self.hidden_weight = uniform(members, N_CONTEXT, hidden)
        self.hidden_bias = uniform(members, 1, hidden)
        self.out_weight = torch.nn.Parameter(torch.zeros(members, hidden, N_BASIS))
        self.out_bias = torch.nn.Parameter(torch.zeros(members, 1, N_BASIS))
        for name in PARAMETERS:
            self.register_buffer(f"best_{name}", getattr(self, name).detach().clone())
            getattr(self, name).register_hook(_clip_each_member)
        self.register_buffer("best_error", torch.full((members,), torch.inf))

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        """Coefficients (members, entries, basis) of context (entries, context) or (members, entries, context)."""
        if context.dim() == 2:
            context = context.expand(len(self.hidden_weight), *context.shape)
        hidden = torch.nn.functional.silu(torch.baddbmm(self.hidden_bias, context, self.hidden_weight))
        return torch.baddbmm(self.out_bias, hidden, self.out_weight)

    def one(self, member: int, context: torch.Tensor) -> torch.Tensor:
        """Coefficients (entries, basis) by one member."""
        hidden = torch.nn.functional.silu(context @ self.hidden_weight[member] + self.hidden_bias[member])
        return hidden @ self.out_weight[member] + self.out_bias[member]

    @torch.no_grad()
    def keep_best(self, errors: torch.Tensor) -> None:
        """Remember the parameters of the members whose error is the smallest so far."""
        better = errors < self.best_error
        self.best_error[better] = errors[better]
        for name in PARAMETERS:
            getattr(self, f"best_{name}")[better] = getattr(self, name).detach()[better]

    @torch.no_grad()
    def take_best(self) -> None:
        """Go back to the best parameters of each member."""
        for name in PARAMETERS:
            getattr(self, name).copy_(getattr(self, f"best_{name}"))


@dataclass(frozen=True)
class Standard:
    """Mean and spread of the context over training entries, shape (context,)."""

    centre: Array
    spread: Array

    @classmethod
    def of(cls, context: Array) -> Standard:
        """Of training contexts, any leading shape."""
        flat = context.reshape(-1, context.shape[-1])
        return cls(flat.mean(axis=0), flat.std(axis=0) + 1e-3)

    def apply(self, context: Array) -> torch.Tensor:
        """Standardised and clipped, float32, same shape."""
        return _tensor(np.clip((context - self.centre) / self.spread, -CONTEXT_LIMIT, CONTEXT_LIMIT))


class CorrectionProblem:
    """What the members learn: the residuals that the stack left, each by the stack without its fold.

    Parameters
    ----------
    entries: training doubles, out of fold.
    thetas: stack coefficients without each fold, shape (folds, inputs).
    standard: of the context.
    scale: weighted mean square of the full stack's residuals, the unit of the loss.
    seed: of the minibatches.
    """

    def __init__(
        self, entries: TrainingEntries, thetas: Array, standard: Standard, scale: float, seed: int
    ) -> None:
        doubles, genes = entries.target.shape
        self.shape, self.seed, self.scale = (doubles, genes), seed, scale
        self.context = standard.apply(entries.features.context).reshape(doubles * genes, -1)
        self.basis = _tensor(entries.features.basis).reshape(doubles * genes, -1)
        self.weight = _tensor(entries.weight).reshape(-1)
        predicted = np.einsum("dgi,ki->kdg", entries.features.linear, thetas)
        self.residual = _tensor(entries.target - predicted).reshape(len(thetas), -1)
        self.learning = [np.flatnonzero(entries.fold != k) for k in range(len(thetas))]
        self.watched = [np.flatnonzero(entries.fold == k) for k in range(len(thetas))]
        sizes = torch.tensor([len(rows) for rows in self.learning], dtype=torch.float32)
        self.penalty = COEFFICIENT_PENALTY / sizes

    def loss(self, members: Members, step: int) -> torch.Tensor:
        """Sum over members of their balanced squared error and of the penalty on coefficients."""
        if step % CHECK_EVERY == 0:
            self.check(members)
        at = self._batch(step)
        coefficients = members(self.context[at])
        gap = (coefficients * self.basis[at]).sum(dim=-1) - self.residual.gather(1, at)
        error = (self.weight[at] * gap**2).mean(dim=1) / self.scale
        size = (coefficients**2).sum(dim=-1).mean(dim=1)
        return (error + self.penalty * size).sum()

    @torch.no_grad()
    def check(self, members: Members) -> None:
        """Look at the doubles that each member does not learn from, and keep what is best there."""
        errors = []
        for k in range(len(self.watched)):
            at = self._entries(self.watched[k])
            gap = self.residual[k, at] - self._correct(members, k, at)
            errors.append((self.weight[at] * gap**2).mean())
        members.keep_best(torch.stack(errors))

    @torch.no_grad()
    def held_out(self, members: Members) -> tuple[Array, Array]:
        """Correction and stack residual of each double by the member of its fold, (doubles, genes)."""
        correction, residual = torch.zeros(self.shape).reshape(-1), torch.zeros(self.shape).reshape(-1)
        for k, rows in enumerate(self.watched):
            at = self._entries(rows)
            correction[at] = self._correct(members, k, at)
            residual[at] = self.residual[k, at]
        return correction.reshape(self.shape).double().numpy(), residual.reshape(self.shape).double().numpy()

    def _correct(self, members: Members, member: int, at: torch.Tensor) -> torch.Tensor:
        return (members.one(member, self.context[at]) * self.basis[at]).sum(dim=-1)

    def _entries(self, doubles: NDArray[np.intp]) -> torch.Tensor:
        """Positions of all entries of some doubles."""
        return torch.from_numpy((doubles[:, None] * self.shape[1] + np.arange(self.shape[1])).reshape(-1))

    def _batch(self, step: int) -> torch.Tensor:
        """Entries of each member's step, from (seed, step) alone; shape (members, batch)."""
        rng = np.random.default_rng([self.seed, step])
        size = min(BATCH, min(len(rows) for rows in self.learning) * self.shape[1])
        drawn = [
            rng.choice(rows, size) * self.shape[1] + rng.integers(self.shape[1], size=size)
            for rows in self.learning
        ]
        return torch.from_numpy(np.stack(drawn))


@torch.no_grad()
def corrections(members: Members, context: torch.Tensor, basis: Array) -> Array:
    """Correction by each member, shape (members, pairs, genes), of (pairs, genes, ...) features."""
    pairs, genes = basis.shape[:2]
    coefficients = members(context.reshape(pairs * genes, -1)).reshape(-1, pairs, genes, N_BASIS)
    return (coefficients * _tensor(basis)).sum(dim=-1).double().numpy()


def _clip_each_member(gradient: torch.Tensor) -> torch.Tensor:
    """No member's gradient may be longer than `LARGEST_GRADIENT`, whatever the others do."""
    norm = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)
    return gradient * (LARGEST_GRADIENT / norm).clamp(max=1.0)[:, None, None]


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float32)
