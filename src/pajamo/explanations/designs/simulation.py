"""Assays that a mechanism would give: a library, and what each experiment records of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.splitting import random_sets
from pajamo.errors import DataError, ModelError
from pajamo.explanations.designs.mutagenesis import Mutagenesis, variants_of
from pajamo.explanations.designs.recording import conditions_of, effort, invested
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel


def simulate(
    model: AssayModel,
    library: Mutagenesis | Sequence[str],
    *,
    reads: float = 100.0,
    error: float | None = None,
    inputs: Mapping[str, Mapping[str, float]] | None = None,
    holdout: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> Assay:
    """What every experiment of a model would record of a library.

    Parameters
    ----------
    model: fitted, or declared with given energies.
    library: how variants of the wild type are made, or the sequences themselves.
    reads: mean reads of a variant in an experiment (DNA counts, for barcodes); variants without any are left out.
    error: standard error of a continuous reading, where the experiment records one.
    inputs: for each experiment concentrations that its table gives in a column.
    holdout: shares of the sequences for validation and test.
    seed: the same seed gives the same assay.

    Raises
    ------
    DataError: sequences of another alphabet or length, or so few reads that no variant has any.
    ModelError: the model has no parameters yet, or a concentration or an error is missing.
    """
    frame = frame_of(model)
    if isinstance(library, Mutagenesis):
        wild_type = frame.padded([frame.wild_type])[0]
        codes = variants_of(wild_type, len(frame.alphabet.letters), library, seed)
    else:
        codes = frame.padded(list(library), "library")
    sets = random_sets(frame.alphabet.decode(codes), holdout, seed)
    given = inputs or {}
    experiments = [
        _recorded(model, name, codes, sets, reads, error, given.get(name, {}), seed + number)
        for number, name in enumerate(model.experiments)
    ]
    return Assay(frame.alphabet, frame.padded([frame.wild_type])[0], tuple(experiments))


def frame_of(model: AssayModel) -> Frame:
    """What the model knows of its sequences.

    Raises
    ------
    ModelError: it was never built for an assay.
    """
    if model.frame is None:
        raise ModelError(
            f"{model.name} has no parameters yet", fix="fit it, or give energies with `declared_model`"
        )
    return model.frame


@torch.no_grad()
def _recorded(
    model: AssayModel, name: str, codes: Codes, sets: np.ndarray, reads: float, error: float | None,
    given: Mapping[str, float], seed: int,
) -> Experiment:  # fmt: skip
    settings, whole = model.experiments[name].measurement, torch.as_tensor(codes)
    inputs = conditions_of(model, name, len(codes), given)
    empty = effort(settings, len(codes), reads, error, np.random.default_rng([seed, 1]))
    kept = invested(settings, empty) > 0
    if not bool(kept.any()):
        raise DataError(f"no variant has a read at {reads:g} reads a variant", fix="ask for more `reads`")
    whole, empty = whole[kept], {key: values[kept] for key, values in empty.items()}
    inputs = {key: values[kept] for key, values in inputs.items()}
    activity = model.assembly.coordinate(whole, name, inputs)
    generator = torch.Generator().manual_seed(seed)
    drawn = model.assembly.measurement(name).draw(activity, empty, generator)
    return Experiment(
        name,
        whole.numpy(),
        {key: values.numpy() for key, values in drawn.items()},
        sets[kept.numpy()],
        {key: values.numpy() for key, values in inputs.items()},
    )
