"""What a scheme can learn from its pairs at all: the rank of its Jacobian, whatever the values of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pajamo.data.assays.assay import Assay
from pajamo.encoders.guides.steps import StepMap
from pajamo.errors import ModelError
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import linear_readers, twin
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.gauge import design
from pajamo.training.assays.starts import some

POINTS = 3
"""Random parameters at which the rank is taken; the largest counts, as fewer are an accident of the values."""
SPREAD = 1.0
"""Standard deviation of random constants and weights, as ln of rates."""
MOST_ROWS = 4000
RANK = 1e-9
"""Singular value, relative to the largest, below which a direction changes no output."""

OPEN = 1e-5
"""Share of a linear function that null directions hold from which it counts as open."""


@dataclass(frozen=True)
class Structure:
    """Directions of the parameters that change no output of the training pairs, at random parameters.

    Attributes
    ----------
    size: number of parameters: weights of readers and constants.
    rank: how many of their directions outputs can tell apart.
    null: an orthonormal basis of the others, shape (size, size - rank).
    readers: coordinates of each reader.
    constants: coordinate of each constant, by the name of its term.
    unseen: for each reader, names of the weights that no training pair switches on.
    weights: for each reader, how many weights it has.
    """

    size: int
    rank: int
    null: Array
    readers: Mapping[str, slice]
    constants: Mapping[str, int]
    unseen: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, int]

    def of_constant(self, name: str) -> Array:
        """The direction of a constant, shape (size,)."""
        return np.asarray(np.eye(1, self.size, self.constants[name])[0])

    def of_weights(self, reader: str, features: Array) -> Array:
        """The direction of a linear function of a reader's weights; features (..., features) to (..., size)."""
        direction = np.zeros((*features.shape[:-1], self.size))
        direction[..., self.readers[reader]] = features
        return direction

    def open(self, direction: Array) -> Array:
        """What of a linear function of the parameters, shape (size,), outputs leave open: its null components."""
        found = self.null.T @ direction
        seen = np.linalg.norm(found) <= OPEN * np.linalg.norm(direction)
        return np.zeros_like(found) if seen else found


def structure(model: AssayModel, assay: Assay, *, seed: int = 0) -> Structure:
    """Rank of the Jacobian of the recorded outputs by the parameters: what no fit can determine, before any fit.

    A scheme may hold rates that only ever enter as a sum or ratio (two constants in one rate, a step that the output
    does not see). The derivatives of every training pair's ln output by every weight and constant are taken at random
    parameters; directions along which all vanish there vanish almost everywhere (Rothenberg 1971, Econometrica
    39:577; for kinetic schemes Chis et al. 2011, PLoS ONE 6:e27755). Instruments are left out: each output is taken
    as recorded on its own scale.

    Parameters
    ----------
    model: declared; fitted or not.
    assay: that it is to be fitted to.
    seed: of the random parameters.

    Raises
    ------
    ModelError: a reader is no linear map, or there are no training pairs.
    """
    training = assay.part("training")
    assembly = twin(model).build(training)
    if len(linear_readers(assembly)) != len(assembly.blueprint.readers):
        raise ModelError(
            f"{model.name} has a reader that is no linear map", why="its weights are no ln rates of changes"
        )
    generator = torch.Generator().manual_seed(seed)
    rows = some(rows_of(training), MOST_ROWS, generator)
    if not sum(map(len, rows)):
        raise ModelError("there is nothing to learn from", where="training set", why="it has no rows")
    found = [_decomposed(assembly, rows, generator) for _ in range(POINTS)]
    values, vectors = max(found, key=lambda each: _rank(each[0]))
    return _structure(assembly, rows_of(training), _rank(values), vectors)


def _structure(assembly: Assembly, rows: tuple[Rows, ...], rank: int, vectors: Array) -> Structure:
    coordinates, terms = Coordinates(assembly), assembly.blueprint.terms
    return Structure(
        vectors.shape[1],
        rank,
        vectors[rank:].T,
        {block.key: block.where for block in coordinates.readers},
        {terms[place].name: where for place, where in coordinates.constants},
        {name: unseen_weights(assembly, name, rows) for name in linear_readers(assembly)},
        {name: reader.features for name, reader in linear_readers(assembly).items()},
    )


def _rank(values: Array) -> int:
    return int((values > RANK * values.max(initial=0.0)).sum())


def _decomposed(
    assembly: Assembly, rows: tuple[Rows, ...], generator: torch.Generator
) -> tuple[Array, Array]:
    """Singular values of the Jacobian at random parameters, and right vectors, shape (size, size)."""
    with torch.no_grad():
        for reader in linear_readers(assembly).values():
            reader.weights.copy_(
                SPREAD * torch.randn(reader.features, generator=generator, dtype=torch.float64)
            )
        number = len(assembly.constant_terms)
        assembly.constants.copy_(SPREAD * torch.randn(number, generator=generator, dtype=torch.float64))
    jacobian = torch.cat([jacobian_of(assembly, part) for part in rows])
    # With fewer rows than parameters the right vectors beyond the rows are needed too: they are null directions.
    few = len(jacobian) < jacobian.shape[1]
    _, values, vectors = torch.linalg.svd(jacobian, full_matrices=few)
    return values.numpy(), vectors.numpy()


def jacobian_of(assembly: Assembly, rows: Rows) -> Tensor:
    """Derivatives of each row's recorded activity by weights and constants, shape (rows, size)."""
    coordinates = Coordinates(assembly)
    # Instruments, which stand last, are no part of the scheme.
    size = coordinates.size - sum(block.where.stop - block.where.start for block in coordinates.instruments)
    blocks = {block.key: block.where for block in coordinates.readers}
    readers, places = linear_readers(assembly), dict(coordinates.constants)
    slopes = _slopes(assembly, rows)
    total = torch.zeros(len(rows), size, dtype=torch.float64)
    for name, reader in readers.items():
        if isinstance(reader, StepMap):
            total[:, blocks[name]] = _by_steps(assembly, rows, name, reader, slopes)
    for number, term in enumerate(assembly.blueprint.terms):
        if not assembly.blueprint.counts(term, rows.name) or isinstance(
            readers.get(term.encoder or ""), StepMap
        ):
            continue
        if term.encoder is not None:
            features = design(
                readers[term.encoder], assembly.window(term, rows.codes), torch.float64, term.part
            )
            total[:, blocks[term.encoder]] += slopes[:, number, None] * features
        elif number in places:
            total[:, places[number]] += slopes[:, number]
    return total


def _by_steps(assembly: Assembly, rows: Rows, name: str, reader: StepMap, slopes: Tensor) -> Tensor:
    """What all steps of an R-loop give together, shape (rows, weights): one step after the other takes minutes."""
    of_steps, window = slopes.new_zeros(len(rows), reader.steps), None
    for number, term in enumerate(assembly.blueprint.terms):
        if term.encoder == name and assembly.blueprint.counts(term, rows.name):
            assert term.part is not None
            of_steps[:, term.part] += slopes[:, number]
            window = assembly.window(term, rows.codes)
    if window is None:
        return slopes.new_zeros(len(rows), reader.features)
    entered = reader.channels[window.long()] * of_steps[:, reader.step_of]
    return torch.cat([of_steps @ reader.base, entered.flatten(1) @ reader.spread], dim=1)


def _slopes(assembly: Assembly, rows: Rows) -> Tensor:
    """Derivatives of each row's recorded activity by the terms, shape (rows, terms)."""
    terms = assembly.terms(rows.codes, rows.name).detach().requires_grad_(True)
    activity = assembly.law(terms, assembly.offsets(rows.codes, rows.inputs))
    (slopes,) = torch.autograd.grad(assembly.recorded(activity, rows.name).sum(), terms)
    return slopes


def unseen_weights(assembly: Assembly, reader: str, rows: tuple[Rows, ...]) -> tuple[str, ...]:
    """Names of a reader's weights that no row switches on: whatever they are, nothing that was recorded changes."""
    encoder = linear_readers(assembly)[reader]
    seen = torch.zeros(encoder.features, dtype=torch.bool)
    for term in assembly.blueprint.terms:
        if term.encoder == reader:
            for part in (own for own in rows if assembly.blueprint.counts(term, own.name)):
                windows = np.unique(assembly.window(term, part.codes).numpy(), axis=0)
                seen |= (encoder.design(torch.as_tensor(windows)) != 0).any(dim=0)
    return tuple(name for name, was in zip(encoder.names(), seen.tolist(), strict=True) if not was)
