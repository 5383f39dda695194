"""How a normalised activity moves with the parameters, to second order, and what that does to a likelihood.

With f the activity of each row, m and s its mean and spread over the rows, z = (f - m) / s. Writing j = f' / s, a =
mean(j) and q = mean(z j): z' = j - a - z q, and for any slopes l of the likelihood with k = mean(l z)

    sum l z'' = sum (l - mean(l) - k z) f'' / s - (g q' + q g') - k sum z' z'',    g = sum l z'

A measurement that is not normalised has z = f, and only the first sum remains.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.measurements.scalar.expansion import Expansion
from pajamo.training.assays.newton.view import Response, View


@dataclass(frozen=True)
class Moved:
    """Derivatives of minus ln-likelihood of one experiment by the vector of parameters, instruments kept.

    Attributes
    ----------
    jacobian: of the normalised activity, (rows, size), in single precision where it is large.
    gradient, hessian: shapes (size,) and (size, size).
    information: diagonal of the Fisher information, shape (size,).
    """

    jacobian: Tensor
    gradient: Tensor
    hessian: Tensor
    information: Tensor

    @classmethod
    def of(cls, view: View, response: Response, expansion: Expansion, z: Tensor, convex: bool) -> Moved:
        """Put the derivatives together; `convex`: without what could make the curvature negative."""
        slope, second = expansion.activity(convex)
        _, fisher = (slope, second) if convex else expansion.activity(True)
        jacobian, along = view.jacobian(response), None
        if view.measurement.normalised:
            jacobian, along = _relative(jacobian, z)
        gradient = (slope.to(jacobian.dtype) @ jacobian).double()
        information = (fisher.to(jacobian.dtype) @ jacobian**2).double()
        if convex or along is None:
            hessian = _weighted(jacobian, second)
            if not convex:
                hessian += view.curvature(response, slope)
            return cls(jacobian, gradient, hessian, information)
        tilt = float((slope * z).mean())
        mixed = torch.outer(gradient, along)
        hessian = _weighted(jacobian, second - tilt) - mixed - mixed.T
        hessian += view.curvature(response, slope - slope.mean() - tilt * z)
        return cls(jacobian, gradient, hessian, information)


def _weighted(jacobian: Tensor, weights: Tensor) -> Tensor:
    return ((jacobian * weights.to(jacobian.dtype)[:, None]).T @ jacobian).double()


def _relative(jacobian: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """z' and q of the module's text."""
    mean, along = relative_to(jacobian, z)
    return jacobian - mean - z.to(jacobian.dtype)[:, None] * along, along.double()


def relative_to(jacobian: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """a and q of the module's text: what all rows do, as one more row would see it; shape (size,) each."""
    at = z.to(jacobian.dtype)
    mean, along = torch.stack([torch.ones_like(at), at]) @ jacobian / len(at)
    return mean, along
