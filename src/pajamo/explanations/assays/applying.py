"""A fitted model with the energies that a symmetry gives it instead."""

from __future__ import annotations

import numpy as np
import torch

from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import buffer, linear_readers, twin
from pajamo.explanations.assays.mirroring import mirror
from pajamo.explanations.assays.symmetry import Symmetry
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel


def apply(model: AssayModel, symmetry: Symmetry) -> AssayModel:
    """The same model with other energies; what it predicts of every sequence does not change.

    Its posterior may change a little, as priors do not follow the symmetry.

    Raises
    ------
    ModelError: an output is turned upside down that an experiment only sees rising.
    """
    changed = twin(model)
    constants = constant_terms(model.assembly)
    _move_readers(model.assembly, changed.assembly, symmetry, constants)
    _move_constants(changed.assembly, symmetry, constants)
    for number, experiment in enumerate(changed.assembly.experiments):
        _move_scale(changed.assembly, number, symmetry, constants)
        if symmetry.mirrored[changed.assembly.outputs[experiment]]:
            mirror(changed.assembly.measurement(experiment))
    return changed


def constant_terms(assembly: Assembly) -> Array:
    """The value of every constant at its term's place, 0 for what is read; shape (terms,)."""
    mean = buffer(assembly, "constant_mean")
    held = torch.where(buffer(assembly, "free"), assembly.constants, mean).detach().numpy()
    values = np.zeros(len(assembly.blueprint.terms))
    values[assembly.constant_terms] = held
    return values


@torch.no_grad()
def _move_readers(old: Assembly, new: Assembly, symmetry: Symmetry, constants: Array) -> None:
    first = {term.encoder: place for place, term in reversed(list(enumerate(old.blueprint.terms)))}
    for name, reader in linear_readers(new).items():
        row = symmetry.matrix[first[name]]
        mixed = torch.zeros_like(reader.weights)
        for other, source in linear_readers(old).items():
            # Windows of readers that mix are the same, so that the weights of one stand for those of the other.
            if factor := _factor(old, row, other, first[name]):
                mixed += factor * source.weights
        mixed[0] += float(row @ constants + symmetry.shift[first[name]])
        reader.weights.copy_(mixed)


def _factor(assembly: Assembly, row: Array, reader: str, place: int) -> float:
    terms = assembly.blueprint.terms
    same = [
        k
        for k, term in enumerate(terms)
        if (term.encoder, term.start, term.strand) == (reader, terms[place].start, terms[place].strand)
    ]
    return float(row[same].sum())


@torch.no_grad()
def _move_constants(assembly: Assembly, symmetry: Symmetry, constants: Array) -> None:
    moved = symmetry.transformed(constants)[assembly.constant_terms]
    assembly.constants.copy_(
        torch.where(buffer(assembly, "free"), torch.as_tensor(moved), assembly.constants)
    )


def _move_scale(assembly: Assembly, number: int, symmetry: Symmetry, constants: Array) -> None:
    """Where the activity's mean lies and what its unit is, as the measurement sees it."""
    experiment = assembly.experiments[number]
    output, coordinate = assembly.outputs[experiment], assembly.coordinates[experiment]
    factor = float(symmetry.scaled[output, :-1] @ constants + symmetry.scaled[output, -1])
    centre, spread = buffer(assembly, "centre"), buffer(assembly, "spread")
    if symmetry.mirrored[output]:
        centre[number] = (1.0 if coordinate == "linear" else 0.0) - centre[number]
    elif coordinate == "linear":
        centre[number] *= np.exp(factor)
        spread[number] *= np.exp(factor)
    elif assembly.measurement(experiment).normalised:
        centre[number] += factor
