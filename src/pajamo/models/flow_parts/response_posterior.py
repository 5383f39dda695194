"""What the prior of responses says, given what was measured: at any time, for any perturbation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.models.flow_parts.response_prior import SMALL, ResponsePrior, Solved, Timing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """What production comes to in the end, in units of each gene's spread between cells.

    Attributes
    ----------
    effect, variance: of each perturbation beyond the shared response, shape (rows, genes).
    common, common_variance: of the response that all perturbations of a context share, shape (contexts, genes).
    own: lasting change of the target's own transcript, shape (rows,); 0 where it was not measured.
    """

    effect: Array
    variance: Array
    common: Array
    common_variance: Array
    own: Array


class ResponsePosterior:
    """Posterior means and variances under a fitted `ResponsePrior`."""

    def __init__(self, prior: ResponsePrior) -> None:
        self.prior = prior
        self.variances = prior.variances
        contexts = range(len(prior.recorded.contexts))
        self.solved = [prior.solve(self.variances, context) for context in contexts]

    def columns(self) -> Columns:
        """The lasting responses, their end extrapolated under the fitted decay."""
        recorded, v = self.prior.recorded, self.variances
        rows, genes = recorded.value.shape[0], recorded.value.shape[2]
        effect, variance = np.zeros((2, rows, genes))
        common, common_variance = np.zeros((2, len(recorded.contexts), genes))
        own, prior_own = np.zeros(rows), self.prior.expected_own(v)
        for context, solved in enumerate(self.solved):
            at = np.flatnonzero(recorded.context_of == context)
            lasting = (1.0 - torch.sigmoid(v.wander)) * self.prior.gain(self.prior.timing(context))
            size = self.prior.sizes(v)[:, at]
            mean, explained = _own_part(solved, size[..., None] * lasting)
            effect[at] = mean.T.numpy()
            variance[at] = ((1.0 - torch.sigmoid(v.wander)) * size - explained).T.numpy()
            shared = (v.size + v.common + v.gene).exp()
            mean, explained = _shared_part(solved, shared[:, None] * lasting)
            common[context] = mean.numpy()
            common_variance[context] = ((1.0 - torch.sigmoid(v.wander)) * shared - explained).numpy()
            level = v.own.exp() * self.prior.own[:, at, None] * torch.ones_like(lasting)
            own[at] = (_own_part(solved, level)[0] + prior_own[:, at]).sum(0).numpy()
        return Columns(effect, variance.clip(min=0.0), common, common_variance.clip(min=0.0), own)

    @cached_property
    def control_errors(self) -> tuple[Array, Array]:
        """How far each harvest's control was off, and what else its changes share, in units of the spread.

        All changes of a harvest share the error of its control. What they share beyond the common response is
        divided between that error, which cells explain, and a response that belongs to the harvest.

        Returns
        -------
        Two arrays of shape (contexts, times, genes): measured minus true control, and the shared response.
        """
        v, prior = self.variances, self.prior
        errors = np.zeros((2, *prior.recorded.exposure.shape, len(v.gene)))
        for context, solved in enumerate(self.solved):
            timing = prior.timing(context)
            shared = (v.size + v.common + v.gene).exp()[:, None, None] * sum(prior.kernel(v, timing, timing))
            beyond = (solved.shared - shared @ solved.shared_inverse @ solved.shared)[..., 0].T
            noise = prior.control_noise[context]
            share = (noise / (noise + SMALL * v.setting.exp()))[:, None]
            errors[0, context] = (-share * beyond).numpy()
            errors[1, context] = ((1.0 - share) * beyond).numpy()
        return errors[0], errors[1]

    def at(self, row: int, context: int, timing: Timing, own: int) -> tuple[Array, Array]:
        """Posterior mean and variance of one perturbation's change at one time, each of shape (genes,).

        Parameters
        ----------
        row: position among the recorded rows, -1 for a perturbation that was never measured in this context.
        context: position among the recorded contexts.
        timing: one time.
        own: position of the target's own gene, -1 if it was not measured or there are several.
        """
        prior, v, solved = self.prior, self.variances, self.solved[context]
        cross = sum(prior.kernel(v, timing, prior.timing(context)))[0]
        alone = sum(prior.kernel(v, timing, timing))[0, 0]
        shared = (v.size + v.common + v.gene).exp()
        read = (shared[:, None] * cross)[:, None, :] @ solved.shared_inverse
        mean = (read @ solved.shared)[:, 0, 0]
        variance = shared * alone - (read[:, 0] * shared[:, None] * cross).sum(-1)
        reach = (
            v.reach[row] if row >= 0 else 0.5 * torch.logsumexp(2.0 * v.reach, 0) - 0.5 * np.log(len(v.reach))
        )
        size = (v.size + v.gene + 2.0 * reach).exp()
        marked = _indicator(own, len(v.gene))
        variance = variance + size * alone + v.own.exp() * marked
        mean = mean - v.lost * prior.level * marked
        if row >= 0:
            place = int((prior.context[:row] == context).sum())
            reads = size[:, None] * cross + (v.own.exp() * marked)[:, None]
            weights = reads[:, None, :] @ solved.inverse[:, place]
            mean = mean + (weights @ (solved.value[:, place] - solved.shared))[:, 0, 0]
            variance = variance - (weights[:, 0] * reads).sum(-1)
            read = read - weights
        variance = variance + (read @ solved.shared_variance @ read.transpose(1, 2))[:, 0, 0]
        return mean.numpy(), (variance + SMALL * v.scatter.exp()).clamp(min=0.0).numpy()


def _own_part(solved: Solved, cross: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of a quantity with this covariance with each row, and how much of its variance is explained.

    Parameters
    ----------
    cross: shape (genes, rows, times).
    """
    weights = cross[..., None, :] @ solved.inverse
    mean = (weights @ (solved.value - solved.shared[:, None]))[..., 0, 0]
    explained = (weights[..., 0, :] * cross).sum(-1)
    spread = (weights @ solved.shared_variance[:, None] @ weights.transpose(-1, -2))[..., 0, 0]
    return mean, explained - spread


def _shared_part(solved: Solved, cross: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    weights = cross[:, None, :] @ solved.shared_inverse
    spread = (weights @ solved.shared_variance @ weights.transpose(-1, -2))[:, 0, 0]
    return (weights @ solved.shared)[:, 0, 0], (weights[:, 0] * cross).sum(-1) - spread


def _indicator(position: int, length: int) -> torch.Tensor:
    marked = torch.zeros(length, dtype=torch.float64)
    if position >= 0:
        marked[position] = 1.0
    return marked
