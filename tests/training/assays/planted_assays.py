"""Small assays with planted energies: two sites on random sequences, seen through any instrument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from pajamo.config.assays import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    ExperimentSettings,
    MeasurementSettings,
    MechanismSettings,
    declare,
)
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.starts import lay_over

LENGTH = 8
TWO_SITES: dict[str, Any] = {
    "sites": {"A": {"start": 0, "length": 3}, "R": {"start": 4, "length": 4}},
    "interactions": {"A+R": {}},
    "transcribes": ["R"],
}
LINE = ContinuousSettings(nonlinearity="linear")
TANH = ContinuousSettings(nonlinearity="tanh", hidden=3, coordinate="logit")
RNA = BarcodeSettings(rna="rna", dna="dna")
ENERGIES = {"A": 1.5, "R": 1.5, "interaction": -3.0}
"""Spread of the planted matrices and the planted interaction, in kT."""
SHARPNESS = 1.5
"""How fast planted bins change with the activity."""


def bins(number: int = 4, *, library: bool = False, knots: int = 12, **more: Any) -> BinsSettings:
    """Settings of a sorter with so many bins."""
    columns = tuple(f"bin_{b}" for b in range(number))
    return BinsSettings(columns=columns, library="library" if library else None, knots=knots, **more)


def two_sites(**changes: Any) -> MechanismSettings:
    """Activator A and polymerase R, which A attracts."""
    return declare("thermodynamic", **(TWO_SITES | changes))


def latent(encoder: str = "additive", **changes: Any) -> MechanismSettings:
    """A number that the sequence sets."""
    return declare("latent", **({"reads": {"encoder": encoder, "hidden": (5, 4)}} | changes))


def unread(name: str, settings: MeasurementSettings, rows: int, random: np.random.Generator) -> Experiment:
    """Random sequences with what an instrument would say of nothing: how many reads, DNA or errors each row has."""
    codes = random.integers(0, 4, (rows, LENGTH)).astype(np.uint8)
    sets = (np.arange(rows) % 5 == 4).astype(np.int8)
    return Experiment(name, codes, _nothing(settings, rows, random), sets)


def _nothing(settings: MeasurementSettings, rows: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    if isinstance(settings, BinsSettings):
        counts = random.poisson(3.0, (rows, len(settings.columns))).astype(float)
        return {"counts": counts} | ({"library": random.poisson(4.0, rows) + 0.0} if settings.library else {})
    if isinstance(settings, BarcodeSettings):
        return {"rna": random.poisson(30.0, rows) + 0.0, "dna": random.poisson(30.0, rows) + 1.0}
    value = random.normal(size=rows)
    return {"value": value} | ({"error": np.full(rows, 0.3)} if settings.error else {})


def study(
    mechanism: MechanismSettings,
    measurements: Mapping[str, MeasurementSettings],
    *,
    rows: int = 300,
    seed: int = 0,
    inputs: Mapping[str, Mapping[str, float | str]] | None = None,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[AssayModel, Assay]:
    """A model and an assay whose recorded arrays are random; `columns` are the inputs' values by experiment."""
    random = np.random.default_rng(seed)
    experiments = []
    for name, settings in measurements.items():
        found = unread(name, settings, rows, random)
        given = {k: np.full(rows, v, float) for k, v in (columns or {}).get(name, {}).items()}
        experiments.append(Experiment(name, found.codes, found.recorded, found.set_of, given))
    declared = {
        name: ExperimentSettings(
            path="table.csv", measurement=settings, inputs=dict((inputs or {}).get(name, {}))
        )
        for name, settings in measurements.items()
    }
    assay = Assay(alphabet_of("dna"), np.zeros(LENGTH, np.uint8), tuple(experiments))
    return AssayModel("model", mechanism, declared, seed=seed), assay


def plant(
    model: AssayModel,
    assay: Assay,
    seed: int = 7,
    *,
    energy: float = 1.5,
    constants: Sequence[float] | None = None,
    shape: Mapping[str, Any] | None = None,
) -> tuple[Assay, Assembly]:
    """Give a model planted energies, and the assay what its instruments then record."""
    truth = model.build(assay)
    generator = torch.Generator().manual_seed(seed)
    parts = rows_of(assay)
    with torch.no_grad():
        for _, reader in truth.readers():
            reader.randomise(generator)
            if hasattr(reader, "weights"):
                drawn = torch.randn(reader.weights.shape, generator=generator, dtype=torch.float64)
                reader.weights.copy_(energy * drawn)
        if len(truth.constants):
            wanted = constants or [ENERGIES["interaction"]] * len(truth.constants)
            truth.constants.copy_(torch.where(truth.free, torch.tensor(wanted), truth.constant_mean))
    lay_over(truth, parts)
    with torch.no_grad():
        _sharpen(truth)
        for name, value in (shape or {}).items():
            truth.get_parameter(name).copy_(torch.as_tensor(value))
    experiments = []
    for experiment, rows in zip(assay.experiments, parts, strict=True):
        activity = truth.coordinate(rows.codes, rows.name, rows.inputs).detach()
        with torch.no_grad():
            drawn = truth.measurement(rows.name).draw(activity, rows.recorded, generator)
        recorded = {key: values.numpy() for key, values in drawn.items()}
        experiments.append(
            Experiment(rows.name, experiment.codes, recorded, experiment.set_of, experiment.inputs)
        )
    return Assay(assay.alphabet, assay.wild_type, tuple(experiments)), truth


def _sharpen(assembly: Assembly) -> None:
    """Instruments that tell activities apart: each bin at its own place, little noise."""
    for measurement in assembly.measurements:
        if hasattr(measurement, "curves"):
            number, _knots = measurement.curves.shape
            places = torch.linspace(-1.5, 1.5, number)[:, None]
            # Shares of the bins as if each curve were a parabola about its place; straight, so that no prior objects.
            measurement.curves.copy_(SHARPNESS * (2 * places * measurement.grid.centres - places**2))
        elif hasattr(measurement, "noise"):
            measurement.noise.log_scale.coefficients[0] = -2.0
        elif hasattr(measurement, "spread"):
            measurement.spread.fill_(-3.0)


def placed(
    model: AssayModel, assay: Assay, seed: int = 1, energy: float = 0.7
) -> tuple[Assembly, tuple[Rows, ...]]:
    """An assembly at a random point, its instruments laid over the activities and then moved a little."""
    assembly = model.build(assay)
    generator = torch.Generator().manual_seed(seed)
    parts = rows_of(assay)
    with torch.no_grad():
        for _, reader in assembly.readers():
            reader.weights.copy_(energy * torch.randn(reader.weights.shape, generator=generator).double())
        assembly.constants.copy_(torch.randn(assembly.constants.shape, generator=generator).double())
        lay_over(assembly, parts)
        for parameter in assembly.measurements.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator).double()
    return assembly, parts
