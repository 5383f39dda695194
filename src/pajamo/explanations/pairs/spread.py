"""How ln rates of pairs follow the parameters, and how far the data leave them open (Laplace's approximation)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import linear_readers
from pajamo.explanations.assays.information import Information, information
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.newton.gauge import design


class Parameters(Protocol):
    """Coordinates of the weights and constants of a model: those of an information, or of its structure."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def constants(self) -> Mapping[str, int]:
        """Coordinate of each constant."""

    def of_constant(self, name: str) -> Array:
        """The direction of a constant, shape (size,)."""

    def of_weights(self, reader: str, features: Array) -> Array:
        """The direction of a linear function of a reader's weights; features (..., features) to (..., size)."""


def information_of(model: AssayModel, assay: Assay) -> Information | None:
    """The curvature of the posterior; None for a model with a black box or product among its readers, which has none.

    Raises
    ------
    ModelError: the model is not fitted.
    """
    readers = model.assembly.blueprint.readers
    if len(linear_readers(model.assembly)) != len(readers):
        return None
    return information(model, assay)


def rate_directions(network: KineticNetwork, found: Parameters, codes: Codes) -> Array:
    """How ln of each rate follows the coordinates of an information, shape (pairs, transitions, size).

    ln rates are linear in weights and constants, so that this is exact.
    """
    terms = np.stack(
        [_direction(network, found, place, codes) for place in range(len(network.assembly.blueprint.terms))]
    )
    return np.asarray(np.einsum("rt,tps->prs", network.law.incidence.numpy(), terms))


def drawn_log_rates(
    network: KineticNetwork, found: Information, codes: Codes, number: int, seed: int
) -> Array:
    """ln rates of pairs at draws from the Laplace posterior, shape (draws, pairs, transitions)."""
    moves = found.draws(number, seed)
    own = network.log_rates(codes).numpy()
    return np.asarray(own + np.einsum("prs,ds->dpr", rate_directions(network, found, codes), moves))


def _direction(network: KineticNetwork, found: Parameters, place: int, codes: Codes) -> Array:
    """How one term of each pair follows the coordinates, shape (pairs, size)."""
    assembly = network.assembly
    term = assembly.blueprint.terms[place]
    if not assembly.blueprint.counts(term, network.experiment):
        return np.zeros((len(codes), found.size))
    if term.encoder is not None:
        reader = linear_readers(assembly)[term.encoder]
        window = assembly.window(term, torch.as_tensor(codes))
        features = design(reader, window, torch.float64, term.part)
        return found.of_weights(term.encoder, np.asarray(features))
    if term.name in found.constants:
        return np.tile(found.of_constant(term.name), (len(codes), 1))
    return np.zeros((len(codes), found.size))
