"""A model of an assay: one declared mechanism, seen through the measurement of each experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pajamo.config.assays import (
    BinsSettings,
    ExperimentSettings,
    MeasurementSettings,
    MechanismSettings,
)
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import ModelError, nearest
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.measuring import build_measurement
from pajamo.models.assays.objective import Rows, log_likelihood


class AssayModel:
    """A mechanism, the experiments that see it, and, once fitted, the values of its parameters.

    Attributes
    ----------
    name: as in the study, or of the comparison.
    mechanism: the declaration.
    experiments: what each experiment recorded, and how.
    frame: alphabet, wild type and length of the sequences; None until it is built for an assay.
    assembly: encoder, mechanism and measurements in float64.
    """

    def __init__(
        self,
        name: str,
        mechanism: MechanismSettings,
        experiments: Mapping[str, ExperimentSettings],
        *,
        seed: int = 0,
    ) -> None:
        self.name, self.mechanism, self.experiments, self.seed = name, mechanism, dict(experiments), seed
        self.frame: Frame | None = None
        self._assembly: Assembly | None = None

    @property
    def assembly(self) -> Assembly:
        """The fitted parts.

        Raises
        ------
        ModelError: the model was not fitted.
        """
        if self._assembly is None:
            raise ModelError(f"{self.name} is not fitted", fix="call fit(...) first, or load a fitted model")
        return self._assembly

    def build(self, assay: Assay, knots: int | None = None) -> Assembly:
        """Put the parts together for the sequences of an assay, not yet fitted.

        With `knots`, free bins have so many: few are enough to find a start.
        """
        asked = [
            (key, name)
            for name, e in self.experiments.items()
            for key, given in e.inputs.items()
            if given == "fit"
        ]
        blueprint = compile_mechanism(self.mechanism, assay, asked, where=f"mechanisms.{self.name}")
        self.frame = Frame.of(assay)
        outputs = {
            name: self._output(settings, blueprint.outputs) for name, settings in self.experiments.items()
        }
        complement = assay.alphabet.complement
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            self._assembly = Assembly(
                blueprint,
                assay.alphabet.letters,
                {
                    name: build_measurement(_with_knots(settings.measurement, knots), assay.experiment(name))
                    for name, settings in self.experiments.items()
                },
                outputs,
                {name: settings.measurement.coordinate for name, settings in self.experiments.items()},
                None if complement is None else torch.as_tensor(complement),
            )
        finally:
            torch.set_default_dtype(before)
        return self._assembly

    def _output(self, settings: ExperimentSettings, outputs: tuple[str, ...]) -> int:
        # A map without a mechanism has one trait, whatever a mechanism's outputs are called.
        if len(outputs) == 1:
            return 0
        if settings.output not in outputs:
            raise ModelError(
                f"which output of {self.name} did the experiment record?",
                why=f"the mechanism has several, and the experiment says {settings.output!r}",
                fix=f"{nearest(str(settings.output), outputs)}give `output`, one of: {', '.join(outputs)}",
            )
        return outputs.index(settings.output)

    def coordinate(self, experiment: Experiment) -> NDArray[np.float64]:
        """The activity that the experiment records of each row, as its measurement takes it; see `predict`."""
        rows = Rows.of(experiment)
        with torch.no_grad():
            return self.assembly.coordinate(rows.codes, rows.name, rows.inputs).numpy()

    def log_likelihood(self, experiment: Experiment) -> NDArray[np.float64]:
        """ln p of what was recorded of each row, in nats."""
        with torch.no_grad():
            return log_likelihood(self.assembly, Rows.of(experiment)).numpy()

    def predict(self, experiment: Experiment) -> pd.DataFrame:
        """What a mechanism does with each row's sequence, and what the experiment would record of it.

        Returns
        -------
        One row a row: `activity`, on the mechanism's own scale (the mean rate of its states, which is a probability
        where rates are 0 and 1; a flux in 1/s where transitions make the output; the trait, without a unit, of a map
        without a mechanism); `coordinate`, the same as the measurement takes it: its logit, ln or itself, about the
        mean and in units of the spread over the training set where the measurement normalises; `expected`, the mean
        of what is recorded, in its unit. Where it normalises, the data set no level of the activity: what they leave
        open, priors set.
        """
        rows = Rows.of(experiment)
        with torch.no_grad():
            activity = self.assembly.activity(rows.codes, rows.name, rows.inputs)
            own = activity.on("linear", self.assembly.outputs[rows.name])
            coordinate = self.assembly.normalised(self.assembly.recorded(activity, rows.name), rows.name)
            expected: Tensor = self.assembly.measurement(rows.name).expected(coordinate)
        columns = {"activity": own, "coordinate": coordinate, "expected": expected}
        return pd.DataFrame({name: values.numpy() for name, values in columns.items()})

    def predict_sequences(
        self,
        sequences: Sequence[str],
        *,
        experiment: str | None = None,
        inputs: Mapping[str, ArrayLike] | None = None,
    ) -> pd.DataFrame:
        """What an experiment would record of sequences that it has not seen; see `predicting.predict_sequences`."""
        # Imported here, as predictions are made of models.
        from pajamo.models.assays.predicting import predict_sequences

        return predict_sequences(self, sequences, experiment=experiment, inputs=inputs)


def _with_knots(settings: MeasurementSettings, knots: int | None) -> MeasurementSettings:
    if knots is None or not isinstance(settings, BinsSettings):
        return settings
    return settings.model_copy(update={"knots": knots})
