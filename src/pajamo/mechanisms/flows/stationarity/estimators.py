"""Squares of expectations from single cells: with and without the bias of using each cell twice."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from pajamo.errors import ModelError

Estimator = Literal["V", "U", "linear"]


def squared_mean(values: torch.Tensor, estimator: Estimator) -> torch.Tensor:
    """|E v|^2 from values of independent cells, shape (cells, features). A scalar.

    "V" is the square of the mean, biased upwards by variance / cells; "U" averages the products of all pairs of
    different cells; "linear" those of disjoint pairs.
    """
    count = _enough(len(values), estimator)
    if estimator == "linear":
        return (values[0 : count - 1 : 2] * values[1:count:2]).sum(-1).mean()
    summed = values.sum(0).square().sum()
    if estimator == "V":
        return summed / count**2
    return (summed - values.square().sum()) / (count * (count - 1))


def pair_mean(products: torch.Tensor, estimator: Literal["V", "U"]) -> torch.Tensor:
    """The same from products h(x, x') of all pairs, shape (cells, cells). A scalar."""
    count = _enough(len(products), estimator)
    if estimator == "V":
        return products.mean()
    return (products.sum() - products.diagonal().sum()) / (count * (count - 1))


def _enough(count: int, estimator: str) -> int:
    """The number of cells that are used: an even one for disjoint pairs."""
    if estimator not in get_args(Estimator):
        raise ModelError(
            f"unknown estimator {estimator!r}",
            where="a stationarity loss",
            fix="take one of " + ", ".join(get_args(Estimator)),
        )
    if count < 2 and estimator != "V":
        raise ModelError(
            f"{count} cell is too few for an estimate from pairs of cells",
            where=f"the {estimator} estimator of a stationarity loss",
            fix='give two cells or more, or take estimator="V"',
        )
    return count - count % 2 if estimator == "linear" else count
