"""Gauges of the readers inside a mechanism: the letters of a window, and models whose weights are in a gauge."""

from __future__ import annotations

import copy
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.encoders.guides.steps import StepMap
from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.errors import ModelError
from pajamo.explanations.assays.gauges import Array, gauged_weights, require_distribution
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel

GaugeName = Literal["wild-type", "uniform", "empirical"]


def twin(model: AssayModel) -> AssayModel:
    """A copy of a fitted model that shares nothing that can change."""
    return copy.deepcopy(model)


def buffer(module: nn.Module, name: str) -> Tensor:
    """Numbers that a module keeps but does not fit."""
    kept = getattr(module, name)
    assert isinstance(kept, Tensor)
    return kept


def linear_readers(assembly: Assembly) -> dict[str, LinearEncoder]:
    """The readers whose weights are energies (or ln rates) of letters, by name; black boxes are left out."""
    return {name: reader for name, reader in assembly.readers() if isinstance(reader, LinearEncoder)}


def features_read(reader: LinearEncoder, window: Tensor, part: int | None = None) -> Array:
    """How a reader's number (one of them, where it gives several) follows its weights, shape (rows, features)."""
    if part is None:
        return np.asarray(reader.design(window))
    assert isinstance(reader, StepMap)
    return np.asarray(reader.design_of(window, part))


def letters_read(assembly: Assembly, reader: str, codes: Codes) -> Codes:
    """The letters that a reader sees, one row a sequence and place, on its own strand; shape (rows, width)."""
    terms = [term for term in assembly.blueprint.terms if term.encoder == reader]
    whole = torch.as_tensor(codes)
    return np.concatenate([assembly.window(term, whole).numpy() for term in terms])


def letter_counts(assembly: Assembly, reader: str, codes: Codes) -> Array:
    """How many sequences have each letter at each position of the window, shape (width, letters)."""
    seen, letters = letters_read(assembly, reader, codes), len(assembly.letters)
    return np.stack([np.bincount(column, minlength=letters + 1)[:letters] for column in seen.T]).astype(float)


def gauge_distribution(assembly: Assembly, reader: str, gauge: GaugeName, assay: Assay) -> Array:
    """The distribution of letters that a named gauge stands for, in the window of a reader.

    Parameters
    ----------
    assembly: fitted.
    reader: its name.
    gauge: "wild-type"; "uniform"; or "empirical", the letters of the training set.
    assay: with the wild type and the training set.

    Raises
    ------
    ModelError: the wild type is shorter than the window; or there are no sequences.
    """
    width = assembly.blueprint.readers[reader].length
    if gauge == "uniform":
        return np.full((width, len(assembly.letters)), 1 / len(assembly.letters))
    if gauge == "wild-type":
        codes = wild_type_window(assembly, reader, assay.wild_type)
        return np.eye(len(assembly.letters))[codes]
    counts = np.zeros((width, len(assembly.letters)))
    for experiment in assay.part("training").experiments:
        counts += letter_counts(assembly, reader, experiment.codes)
    if not counts.sum():
        raise ModelError("the empirical gauge needs sequences", where="training set", why="it has no rows")
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def wild_type_window(assembly: Assembly, reader: str, wild_type: Codes) -> Codes:
    """Letters of the wild type where a reader binds it best, shape (width,)."""
    windows = letters_read(assembly, reader, wild_type[None])
    windows = windows[(windows < len(assembly.letters)).all(axis=1)]
    if not len(windows):
        raise ModelError(
            f"the wild type is too short for {reader}",
            why="the wild-type gauge counts energies from the wild type's letters",
            fix="choose another gauge, or declare a wild type of full length",
        )
    with torch.no_grad():
        best = int(assembly.reader(reader)(torch.as_tensor(windows)).argmin())
    return np.asarray(windows[best])


def in_gauge(model: AssayModel, gauge: GaugeName | dict[str, Array], assay: Assay) -> AssayModel:
    """The same model with its readers' weights in a gauge; it predicts the same.

    Parameters
    ----------
    model: fitted.
    gauge: a name, or for each reader the share of each letter at each position, shape (width, letters).
    assay: that it was fitted to.

    Raises
    ------
    ModelError: the gauge is none.
    """
    changed = twin(model)
    for name, reader in linear_readers(changed.assembly).items():
        if isinstance(gauge, dict):
            if name not in gauge:
                continue
            distribution = np.asarray(gauge[name], dtype=float)
            require_distribution(distribution, _shape(changed.assembly, name))
        else:
            distribution = gauge_distribution(changed.assembly, name, gauge, assay)
        with torch.no_grad():
            reader.weights.copy_(torch.as_tensor(gauged_weights(reader, distribution)))
    return changed


def _shape(assembly: Assembly, reader: str) -> tuple[int, int]:
    return assembly.blueprint.readers[reader].length, len(assembly.letters)
