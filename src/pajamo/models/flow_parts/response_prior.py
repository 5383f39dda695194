"""How perturbations respond in time, before anything is known of a network: a linear flow with random production.

For the change D of one gene after a perturbation, in units of the gene's spread between cells,

    dD/dt = decay * (C + w(t) - D)   from the onset on,   C ~ N(0, size * reach * gene),   w: white noise in time

with C what production comes to in the end, "reach" of the perturbation and "gene" how much the gene responds at all.
On top come what every perturbation of a context shares (the same law), scatter of single harvests, the target's own
transcript (a level that does not develop), and the error of the control, which all changes of one harvest share. All
of it is Gaussian: the posterior is exact, and the few variances are those of maximum marginal likelihood, with weak
priors. Genes are independent given the variances, so that the cost grows linearly with their number.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from pajamo.models.flow_parts.recorded import Recorded

Array = NDArray[np.float64]

SMALL = 0.05
"""Scatter of a harvest relative to the variance between cells: the unit of `scatter` and `setting`."""
MOST_EVALUATIONS = 300
EDGE = 1e-3
"""Least exposure, as a share of the longest: an edit that has only just taken effect has done next to nothing."""


@dataclass
class Variances:
    """What is fitted by marginal likelihood, as logarithms (onset and wander: logits).

    Attributes
    ----------
    decay: rate times the longest exposure. onset: delay, as a share of the first exposure.
    size: variance of C. common: of the shared response, relative to size. wander: share of w in the response.
    scatter, setting: variance of single harvests, of one perturbation and of all, in units of `SMALL`.
    own: variance of the target's own transcript, around minus `lost` (not a logarithm) times its level.
    gene: shape (genes,). reach: half the logarithm, shape (rows,).
    """

    decay: torch.Tensor
    onset: torch.Tensor
    size: torch.Tensor
    common: torch.Tensor
    wander: torch.Tensor
    scatter: torch.Tensor
    setting: torch.Tensor
    own: torch.Tensor
    lost: torch.Tensor
    gene: torch.Tensor
    reach: torch.Tensor


CENTRES = {
    "decay": 0.2, "onset": 0.0, "size": -3.0, "common": -1.0, "wander": -1.0, "scatter": -3.0, "setting": -2.0,
    "own": 0.0, "lost": 0.3, "gene": 0.0, "reach": 0.0,
}  # fmt: skip
"""Where the weak priors sit: responses of a fifth of the spread that take about the length of the experiment."""
WIDTHS = {"lost": 0.5, "decay": 1.0, "gene": 1.0, "reach": 1.0}
WIDTH = 2.0
"""Standard deviation of the weak priors, except where `WIDTHS` says otherwise."""


@dataclass(frozen=True)
class Timing:
    """When something was measured, and for how long edits had acted by then; shape (times,) each."""

    time: torch.Tensor
    exposure: torch.Tensor


@dataclass(frozen=True)
class Solved:
    """One context, factorised.

    Attributes
    ----------
    inverse: of each row's covariance, shape (genes, rows, times, times).
    value: what was measured, shape (genes, rows, times, 1).
    shared: posterior mean of what all rows share, shape (genes, times, 1); `shared_variance` its covariance.
    shared_inverse: inverse of its prior covariance, shape (genes, times, times).
    factors: Cholesky factors of the rows' covariance, of the shared one, and of the shared posterior's precision.
    """

    inverse: torch.Tensor
    value: torch.Tensor
    shared: torch.Tensor
    shared_variance: torch.Tensor
    shared_inverse: torch.Tensor
    factors: tuple[torch.Tensor, torch.Tensor, torch.Tensor]

    def log_likelihood(self) -> torch.Tensor:
        """Logarithm of the density of what was measured, without the constant."""
        weighted = self.inverse @ self.value
        quadratic = (self.value * weighted).sum() - (weighted.sum(1) * self.shared).sum()
        halves = [torch.diagonal(factor, dim1=-2, dim2=-1).log().sum() for factor in self.factors]
        return -0.5 * quadratic - sum(halves, torch.zeros((), dtype=torch.float64))


class ResponsePrior:
    """The fitted law, and the posterior that it gives.

    Parameters
    ----------
    recorded: perturbations by time.
    own: position of each row's own gene among the genes, -1 where it was not measured; shape (rows,).
    level: of unperturbed cells, in units of the spread between cells, shape (genes,).
    """

    def __init__(self, recorded: Recorded, own: NDArray[np.intp], level: Array) -> None:
        self.recorded = recorded
        self.own_positions = own
        self.level = torch.from_numpy(level)
        self.value = torch.from_numpy(np.ascontiguousarray(recorded.value.transpose(2, 0, 1)))[..., None]
        self.noise = torch.from_numpy(recorded.noise)
        self.control_noise = torch.from_numpy(recorded.control_noise)
        self.context = torch.from_numpy(recorded.context_of)
        genes = recorded.value.shape[2]
        self.own = torch.zeros(genes, len(recorded.rows), dtype=torch.float64)
        known = np.flatnonzero(own >= 0)
        self.own[own[known], known] = 1.0
        self.shapes = {field.name: () for field in fields(Variances)}
        self.shapes |= {"gene": (genes,), "reach": (len(recorded.rows),)}
        self.parameters = self._centres()

    def fit(self) -> ResponsePrior:
        """Find the variances by maximum marginal likelihood with weak priors (L-BFGS, exact gradients)."""

        def objective(x: Array) -> tuple[float, Array]:
            at = torch.tensor(x, requires_grad=True)
            cost = self._penalty(at) - self._solve(self._unpack(at))[0]
            cost.backward()
            assert at.grad is not None
            return cost.item(), at.grad.numpy()

        limits = {"maxiter": MOST_EVALUATIONS, "maxfun": MOST_EVALUATIONS}
        self.parameters = minimize(objective, self.parameters, jac=True, method="L-BFGS-B", options=limits).x
        return self

    @property
    def variances(self) -> Variances:
        """The fitted variances, on their logarithmic scales."""
        return self._unpack(torch.from_numpy(self.parameters))

    @property
    def decay(self) -> float:
        """Rate at which responses approach their end, per unit of time."""
        return float(self.variances.decay.exp() / self._longest)

    @property
    def onset(self) -> float:
        """Delay between delivery and effect, in the unit of time."""
        return float(torch.sigmoid(self.variances.onset)) * self._first

    def _centres(self) -> Array:
        return np.concatenate(
            [np.full(int(np.prod(shape)), CENTRES[name]) for name, shape in self.shapes.items()]
        )

    def _unpack(self, x: torch.Tensor) -> Variances:
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        parts = torch.split(x, sizes)
        return Variances(
            *(part.reshape(shape) for part, shape in zip(parts, self.shapes.values(), strict=True))
        )

    def _penalty(self, x: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for field in fields(Variances):
            gap = getattr(self._unpack(x), field.name) - CENTRES[field.name]
            total = total + 0.5 * (gap / WIDTHS.get(field.name, WIDTH)).square().sum()
        return total

    def kernel(self, v: Variances, one: Timing, other: Timing) -> tuple[torch.Tensor, torch.Tensor]:
        """Covariance in time of a response of size one, its lasting part and its wandering part; (times, times).

        D(t) = C (1 - e^(-decay t)) + wandering, an Ornstein-Uhlenbeck process that starts at zero with the edit.
        """
        rate, wander = v.decay.exp() / self._longest, torch.sigmoid(v.wander)
        ends = [self._exposed(v, timing) for timing in (one, other)]
        gains = [1.0 - torch.exp(-rate * end) for end in ends]
        apart = (one.time[:, None] - other.time).abs()
        started = torch.exp(-rate * (ends[0][:, None] + ends[1]))
        walk = torch.exp(-rate * apart) - started
        return (1.0 - wander) * gains[0][:, None] * gains[1], wander * walk

    def gain(self, timing: Timing) -> torch.Tensor:
        """Share of its end that a lasting response has come to, shape (times,)."""
        v = self.variances
        return 1.0 - torch.exp(-v.decay.exp() / self._longest * self._exposed(v, timing))

    def timing(self, context: int) -> Timing:
        """When perturbations of a context were measured."""
        return self.timing_of(self.recorded, context)

    @staticmethod
    def timing_of(recorded: Recorded, context: int) -> Timing:
        """The same for any record."""
        return Timing(torch.from_numpy(recorded.times), torch.from_numpy(recorded.exposure[context]))

    def covariances(self, v: Variances, context: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Covariance of what was measured: of each perturbation's own part, and of the part that all share.

        Returns
        -------
        Shapes (genes, rows of this context, times, times) and (genes, times, times).
        """
        timing, rows = self.timing(context), self.context == context
        both = sum(self.kernel(v, timing, timing))
        response = self.sizes(v)[:, rows, None, None] * both
        identity = torch.eye(len(timing.time), dtype=torch.float64)
        noise = torch.diag_embed(self.noise[rows]) + SMALL * v.scatter.exp() * identity
        own = v.own.exp() * self.own[:, rows, None, None]
        shared = (v.size + v.common + v.gene).exp()[:, None, None] * both
        setting = torch.diag(self.control_noise[context]) + SMALL * v.setting.exp() * identity
        return response + noise + own, shared + setting

    def expected_own(self, v: Variances) -> torch.Tensor:
        """Expected change of each target's own transcript, 0 for all other genes; shape (genes, rows)."""
        return -v.lost * self.level[:, None] * self.own

    def sizes(self, v: Variances) -> torch.Tensor:
        """Prior variance of each response, shape (genes, rows)."""
        return (v.size + v.gene).exp()[:, None] * (2.0 * v.reach).exp()

    def solve(self, v: Variances, context: int) -> Solved:
        """Factorise one context: rows given what they share are independent, what they share is one vector."""
        own, shared = self.covariances(v, context)
        rows = self.context == context
        value = self.value[:, rows] - self.expected_own(v)[:, rows, None, None]
        factor, shared_factor = torch.linalg.cholesky(own), torch.linalg.cholesky(shared)
        inverse = torch.cholesky_inverse(factor)
        weighted = inverse @ value
        precision = torch.cholesky_inverse(shared_factor) + inverse.sum(1)
        precision_factor = torch.linalg.cholesky(precision)
        mean = torch.cholesky_solve(weighted.sum(1), precision_factor)
        return Solved(inverse, value, mean, torch.cholesky_inverse(precision_factor),
                      torch.cholesky_inverse(shared_factor), (factor, shared_factor, precision_factor))  # fmt: skip

    def _solve(self, v: Variances) -> tuple[torch.Tensor, list[Solved]]:
        """Logarithm of the marginal likelihood (without its constant), and each context's solution."""
        solved = [self.solve(v, context) for context in range(len(self.recorded.contexts))]
        return torch.stack([one.log_likelihood() for one in solved]).sum(), solved

    def _exposed(self, v: Variances, timing: Timing) -> torch.Tensor:
        late = timing.exposure - torch.sigmoid(v.onset) * self._first
        # Endless times would have no derivative; after a thousand experiments nothing moves any more.
        return late.clamp(min=EDGE * self._longest, max=1e3 * self._longest)

    @property
    def _longest(self) -> float:
        finite = self.recorded.exposure[np.isfinite(self.recorded.exposure)]
        return float(finite.max()) if len(finite) else 1.0

    @property
    def _first(self) -> float:
        finite = self.recorded.exposure[np.isfinite(self.recorded.exposure) & (self.recorded.exposure > 0)]
        return float(finite.min()) if len(finite) else 0.0
