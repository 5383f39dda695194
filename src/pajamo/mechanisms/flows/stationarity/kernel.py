"""Kernel stationarity: at rest the generator averages to zero on every smooth function, not only on moments.

The kernel deviation from stationarity of Lorch, Krause and Schölkopf (2024, AISTATS, "Causal modeling with stationary
diffusions"): the expectation over pairs of independent cells of A_x A_x' k(x, x'), with the generator
A phi = f . grad phi + half trace(D Hessian phi) applied to both arguments of a Gaussian kernel.
"""

from __future__ import annotations

import torch

from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.stationarity.estimators import Estimator, pair_mean
from pajamo.mechanisms.flows.stationarity.losses import kept_components


def kernel_deviation(
    drift: Drift,
    cells: torch.Tensor,
    diffusion: torch.Tensor,
    intervention: Intervention,
    *,
    bandwidth: float,
    estimator: Estimator = "U",
    others: torch.Tensor | None = None,
) -> torch.Tensor:
    """Deviation from stationarity of the cells of one perturbation, without unit. A scalar.

    Divided by the square of the mean decay, so that time has no unit. Components whose own equation a hard edit
    has replaced are left out of the functions that are tried, not of the drift of the others.

    Parameters
    ----------
    cells: shape (cells, components).
    diffusion: D, symmetric, level squared per unit of time, shape (components, components).
    intervention: of one row.
    bandwidth: of the kernel exp(-|x - x'|^2 / 2 bandwidth^2), in the unit of the state (`median_bandwidth`).
    estimator: "V" (all pairs, biased), "U" (pairs of different cells), "linear" (disjoint pairs, linear in cells).
    others: an independent second half of the cells; all pairs across the halves are averaged and `estimator` is
        not used.
    """
    kept = kept_components(intervention)[0]
    noise = diffusion[kept][:, kept]
    first = _moving(drift, cells, intervention, kept)
    rate = _rate(drift, kept)
    if others is not None:
        found = _pairs(first, _moving(drift, others, intervention, kept), noise, bandwidth).mean()
    elif estimator == "linear":
        even = len(cells) - len(cells) % 2
        one, other = (tuple(part[i:even:2] for part in first) for i in (0, 1))
        found = _generator(*one, *other, noise, bandwidth).mean()
    else:
        found = pair_mean(_pairs(first, first, noise, bandwidth), estimator)
    return found / rate**2


def median_bandwidth(cells: torch.Tensor, most: int = 500) -> float:
    """Median distance between two of the first `most` cells, in the unit of the state."""
    apart = torch.pdist(cells[:most].detach())
    return float(apart.median().clamp(min=torch.finfo(cells.dtype).tiny))


Cells = tuple[torch.Tensor, torch.Tensor]


def _moving(drift: Drift, cells: torch.Tensor, intervention: Intervention, kept: torch.Tensor) -> Cells:
    repeated = intervention[torch.zeros(len(cells), dtype=torch.long, device=cells.device)]
    return cells[:, kept], drift(cells, repeated)[:, kept]


def _rate(drift: Drift, kept: torch.Tensor) -> torch.Tensor | float:
    decay = getattr(drift, "decay", None)
    return 1.0 if decay is None else decay[kept].detach().mean()


def _pairs(first: Cells, second: Cells, noise: torch.Tensor, bandwidth: float) -> torch.Tensor:
    (x, u), (y, v) = first, second
    return _generator(x[:, None], u[:, None], y[None], v[None], noise, bandwidth)


def _generator(
    x: torch.Tensor,
    u: torch.Tensor,
    y: torch.Tensor,
    v: torch.Tensor,
    noise: torch.Tensor,
    bandwidth: float,
) -> torch.Tensor:
    """A_x A_y k(x, y) in closed form; u, v the drifts at x, y; shapes (..., components), broadcast.

    With r = x - y, l the bandwidth and q = r' D r / l^4 - trace D / l^2 (so that D : Hessian k = q k):
    A_x A_y k / k = u.v / l^2 - u.r v.r / l^4 + (u - v)' D r / l^4 - q (u - v).r / 2 l^2
    + trace(D D) / 2 l^4 - r' D D r / l^6 + q^2 / 4.
    """
    r, square = x - y, bandwidth**2
    spread = r @ noise
    q = (spread * r).sum(-1) / square**2 - torch.trace(noise) / square
    drifting = (u * v).sum(-1) / square - (u * r).sum(-1) * (v * r).sum(-1) / square**2
    mixed = ((u - v) * spread).sum(-1) / square**2 - q * ((u - v) * r).sum(-1) / (2 * square)
    spreading = noise.square().sum() / (2 * square**2) - spread.square().sum(-1) / square**3 + q.square() / 4
    return (drifting + mixed + spreading) * torch.exp(-r.square().sum(-1) / (2 * square))
