"""Small promoters with known energies: an activator and a polymerase with short sites, sorted into five bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from pajamo.config.assays import BinsSettings, ContinuousSettings, ExperimentSettings, declare
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.starts import lay_over

WIDTH = 4
LENGTH = 2 * WIDTH
BINS = 5
INTERACTION = -3.0
WILD_TYPE = -2.5
"""Energies in kT."""
SITES = {"CRP": {"start": 0, "length": WIDTH}, "RNAP": {"start": WIDTH, "length": WIDTH}}


def promoter(**changes):
    """The four states of the lac promoter, on short sites."""
    declared = {"sites": SITES, "interactions": {"CRP+RNAP": {}}, "transcribes": ["RNAP"]}
    return declare("thermodynamic", **declared | changes)


def bins(**changes):
    """Five sorted bins with a few knots."""
    columns = tuple(f"bin{b}" for b in range(BINS))
    return ExperimentSettings(path="table.csv", measurement=BinsSettings(columns=columns, knots=8, **changes))


def reading(**changes):
    """One number a sequence."""
    return ExperimentSettings(path="table.csv", measurement=ContinuousSettings(**changes))


def library(rows, seed, name="one", inputs=None):
    """Random sequences, the wild type being the first; nothing was recorded yet."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (rows, LENGTH)).astype(np.uint8)
    codes[0] = 0
    nothing = {"counts": np.zeros((rows, BINS)), "value": np.zeros(rows)}
    sets = np.where(np.arange(rows) % 10 == 9, 2, 0).astype(np.int8)
    experiment = Experiment(name, codes, nothing, sets, inputs or {})
    return Assay(alphabet_of("dna"), np.zeros(LENGTH, np.uint8), (experiment,))


def planted(mechanism=None, rows=3000, seed=0, settings=None, interaction=INTERACTION, reads=10, noise=1.0):
    """A model at known energies, its instrument laid over them, and data that it was sorted into.

    The wild type binds best; a cell's fluorescence is the logit of the activity with noise, cut into equal bins. Of
    each sequence so many cells were read.
    """
    assay = library(rows, seed)
    model = AssayModel("planted", mechanism or promoter(), {"one": settings or bins()})
    model.build(assay)
    set_energies(model, interaction)
    experiment = assay.experiments[0]
    activity = torch.as_tensor(raw_activity(model, experiment))
    random = np.random.default_rng([seed, 1])
    cells = activity.numpy()[:, None] + noise * random.logistic(size=(rows, reads))
    place = np.searchsorted(np.quantile(cells, np.arange(1, BINS) / BINS), cells)
    recorded = {"counts": np.eye(BINS)[place].sum(axis=1), "value": cells.mean(axis=1)}
    filled = Experiment("one", experiment.codes, recorded, experiment.set_of, experiment.inputs)
    assay = Assay(assay.alphabet, assay.wild_type, (filled,))
    # The instrument is what suits these energies best, so that the model as a whole is the truth to draw from.
    part = rows_of(assay.part("training"))
    lay_over(model.assembly, part)
    problem = Problem(model.assembly, part)
    problem.settle(1e-9)
    _fit_instruments(problem)
    return model, assay


def _fit_instruments(problem, steps=15):
    """Newton steps of instruments that are not projected, the energies staying as they are."""
    for block in problem.coordinates.instruments:
        for _ in range(steps):
            quadratic = problem.expand(True)
            own = quadratic.hessian[block.where, block.where]
            move = torch.zeros(problem.size, dtype=torch.float64)
            move[block.where] = -torch.linalg.solve(own, quadratic.gradient[block.where])
            problem.coordinates.move(move.clamp(-0.5, 0.5))


def redrawn(model, assay, seed):
    """New readings of every sequence from a model that is the truth."""
    generator = torch.Generator().manual_seed(seed)
    experiments = []
    for experiment in assay.experiments:
        rows = Rows.of(experiment)
        activity = torch.as_tensor(model.coordinate(experiment))
        with torch.no_grad():
            drawn = model.assembly.measurement(experiment.name).draw(activity, rows.recorded, generator)
        recorded = {name: values.numpy() for name, values in drawn.items()}
        experiments.append(replace(experiment, recorded=recorded))
    return replace(assay, experiments=tuple(experiments))


def set_energies(model, interaction=INTERACTION):
    """Known energies: each mutation costs between a half and two kT (four are enough to unbind a site)."""
    assembly, random = model.assembly, np.random.default_rng(5)
    with torch.no_grad():
        for _, reader in assembly.readers():
            matrix = random.uniform(0.5, 2.0, (reader.length, 4))
            matrix[:, 0] = 0.0
            reader.weights[0] = WILD_TYPE + matrix.mean(axis=1).sum()
            centred = matrix - matrix.mean(axis=1, keepdims=True)
            reader.weights[1 : 1 + matrix.size] = torch.as_tensor(centred.ravel())
        assembly.constants.fill_(interaction)


def raw_activity(model, experiment):
    """The activity on its natural scale, before normalisation."""
    assembly = model.assembly
    inputs = {name: torch.as_tensor(values) for name, values in experiment.inputs.items()}
    with torch.no_grad():
        activity = assembly.activity(torch.as_tensor(experiment.codes), experiment.name, inputs)
        return assembly.recorded(activity, experiment.name).numpy()
