"""Draws of a mechanism: its parameters beside what each set of them predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive.base import Array, Rows
from pajamo.campaigns.predictive.factor import downdated
from pajamo.campaigns.predictive.sampled import SampledPredictive
from pajamo.errors import ModelError, nearest


class ParameterPredictive(SampledPredictive):
    """Posterior draws of a mechanism's parameters, each with the true values that it predicts.

    Parameters
    ----------
    draws: predictions, shape (S, N, D) or (S, N); draw s is what parameters s predict.
    parameters: shape (S, P), in a space where they are about Gaussian (energies, logarithms of rates).
    names: of the parameters, P of them.
    noise, scale: as in `ValuePredictive`.

    Raises
    ------
    ModelError: parameters that do not go with draws or names, or that are not finite.
    """

    def __init__(
        self,
        draws: ArrayLike,
        parameters: ArrayLike,
        names: Sequence[str],
        noise: ArrayLike | None = None,
        scale: ArrayLike | None = None,
    ) -> None:
        super().__init__(draws, noise, scale)
        self.parameters, self.names = np.asarray(parameters, dtype=float), tuple(names)
        if self.parameters.shape != (len(self.draws), len(self.names)):
            raise ModelError(
                f"parameters have the shape {self.parameters.shape}: {len(self.draws)} draws of "
                f"{len(self.names)} named parameters are needed",
                where="predictive distribution",
                fix="give the parameters that each draw of predictions was made with, one row a draw",
            )
        if not np.isfinite(self.parameters).all():
            raise ModelError(
                "a draw of the parameters is not finite",
                where="predictive distribution",
                fix="leave out such draws, predictions and all",
            )

    def take(self, rows: Rows) -> ParameterPredictive:
        """The same for some of the candidates."""
        return ParameterPredictive(
            self.draws[:, rows], self.parameters, self.names, self.noise[rows], self.scale
        )

    def condition(self, rows: Rows) -> ParameterPredictive:
        """Draws of predictions and of parameters moved together, by the joint Gaussian's root (as `downdated`).

        All outputs of a candidate are measured at once, and each says something of all others.
        """
        size, outputs = self.mean.shape
        means = np.concatenate([self.mean.ravel(), self.parameters.mean(axis=0)])
        values = np.concatenate([self.draws.reshape(len(self.draws), -1), self.parameters], axis=1)
        root = np.sqrt(len(values) - 1.0)
        factor = (values - means).T / root
        for row in rows:
            for output in range(outputs):
                factor = downdated(factor, factor[row * outputs + output], float(self.noise[row, output]))
        moved = means + root * factor.T
        split = size * outputs
        return ParameterPredictive(
            moved[:, :split].reshape(self.draws.shape), moved[:, split:], self.names, self.noise, self.scale
        )

    def of_interest(self, about: Sequence[str] | None) -> Array:
        """Draws of the parameters with these names, or of all; shape (S, number of them).

        Raises
        ------
        ModelError: a name that no parameter has.
        """
        return self.parameters if about is None else self.parameters[:, place_of(about, self.names)]


def place_of(about: Sequence[str], names: Sequence[str]) -> list[int]:
    """Places of some parameters among all.

    Raises
    ------
    ModelError: a name that no parameter has, or no name.
    """
    missing = [name for name in about if name not in names]
    if missing or not about:
        hint = nearest(missing[0], names) if missing else ""
        raise ModelError(
            f"no parameter is called {missing[0]!r}" if missing else "no parameter is named",
            where="goal",
            fix=f"{hint}choose among: {', '.join(names)}",
        )
    return [list(names).index(name) for name in about]
