"""A fitted mechanism as a prior of a network: what it predicts, worth so many observations."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pajamo.errors import ModelError, nearest
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.measurements.scalar.gates import LogNormalGates
from pajamo.measurements.scalar.noise.gaussian import GaussianNoise
from pajamo.models.assays.model import AssayModel


class MechanismPrior(nn.Module):
    """Pulls a network's predictions towards those of a fitted mechanism.

    The penalty is `weight` times the mean, over the sequences at hand, of the Kullback-Leibler divergence from what
    the mechanism expects to be recorded to what the network does: as if so many readings drawn from the mechanism
    stood among the data. The sequences need no readings of their own; take new ones at random in each step.

    Attributes
    ----------
    model: the fitted mechanism, which does not change.
    experiment: whose readings are imitated.
    weight: number of pseudo-observations.
    sd: standard deviation of one of them, in the readings' unit; that of the fitted noise if None.
    """

    def __init__(
        self, model: AssayModel, weight: float, experiment: str | None = None, sd: float | None = None
    ) -> None:
        super().__init__()
        known = list(model.experiments)
        name = known[0] if experiment is None and len(known) == 1 else experiment
        if name not in known:
            raise ModelError(
                f"{model.name} has no experiment {name!r}",
                fix=f"{nearest(str(name), known)}give `experiment`, one of: {', '.join(known)}",
            )
        if not (weight >= 0 and weight < float("inf")):
            raise ModelError(f"weight = {weight} is no number of observations", fix="give a number from 0")
        self.model, self.weight, self.experiment, self.sd = model, float(weight), name, sd
        self._measurement = model.assembly.measurement(name)
        if not isinstance(self._measurement, ContinuousReading | FreeBins | LogNormalGates):
            raise ModelError(
                f"the measurement of {name} is neither a continuous reading nor bins",
                why="how far two predictions are apart is known for these",
                fix="take a prior from another experiment of the mechanism",
            )
        if sd is None and isinstance(self._measurement, ContinuousReading):
            _require_spread(self._measurement, name)

    def forward(self, codes: Tensor, predicted: Tensor, inputs: Mapping[str, Tensor] | None = None) -> Tensor:
        """The penalty, in nats, to be added to minus the log-likelihood of all data.

        Parameters
        ----------
        codes: letters of sequences, shape (sequences, length).
        predicted: what the network says of them: the mean reading, shape (sequences,), in the readings' unit; or, for
            bins, ln of the probability of each bin, shape (sequences, bins).
        inputs: concentrations by name, each (sequences,).
        """
        with torch.no_grad():
            activity = self.model.assembly.coordinate(codes, self.experiment, inputs or {})
        reading = isinstance(self._measurement, ContinuousReading)
        distance = self._of_reading if reading else self._of_bins
        return self.weight * distance(activity, predicted).mean()

    def _of_reading(self, activity: Tensor, predicted: Tensor) -> Tensor:
        """Two normal distributions of the same spread."""
        noise = self._measurement.noise
        with torch.no_grad():
            centre = self._measurement.nonlinearity(activity)
            mean = noise.mean(centre).to(predicted.dtype)
            scale = noise.log_scale(centre).exp() if self.sd is None else torch.full_like(mean, self.sd)
        _require_shape(predicted, mean)
        return ((predicted - mean) / scale.to(predicted.dtype)) ** 2 / 2

    def _of_bins(self, activity: Tensor, predicted: Tensor) -> Tensor:
        with torch.no_grad():
            expected = self._measurement.log_probabilities(activity).to(predicted.dtype)
        _require_shape(predicted, expected)
        return (expected.exp() * (expected - predicted)).sum(dim=1)


def mechanism_prior(
    model: AssayModel, weight: float, experiment: str | None = None, sd: float | None = None
) -> MechanismPrior:
    """A fitted mechanism as a penalty on a network's predictions, worth `weight` observations.

    `sd` is the standard deviation of one of them, in the readings' unit; Gaussian noise of the fit gives its own.

    Raises
    ------
    ModelError: the model is not fitted, has no such experiment, a measurement that has no distance, or a noise that
        has no one standard deviation and none is given.
    """
    return MechanismPrior(model, weight, experiment, sd)


def _require_spread(reading: ContinuousReading, experiment: str) -> None:
    if not isinstance(reading.noise, GaussianNoise):
        raise ModelError(
            f"the noise of {experiment} has no one standard deviation",
            why="measured errors differ between rows, and heavy tails have none",
            fix="give `sd`, the standard deviation that a pseudo-observation is to have",
        )


def _require_shape(predicted: Tensor, expected: Tensor) -> None:
    if predicted.shape != expected.shape:
        raise ModelError(
            f"the network predicts shape {tuple(predicted.shape)}, the mechanism {tuple(expected.shape)}",
            where="mechanism prior",
            fix="give one mean reading a sequence, or ln of the probability of each bin",
        )
