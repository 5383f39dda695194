"""The encoders of a blueprint's readers, by the name that a study gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.convolution import ConvolutionEncoder
from pajamo.encoders.sequence.encoder import SequenceEncoder
from pajamo.encoders.sequence.network import NetworkEncoder
from pajamo.encoders.sequence.pairs import NeighbourEncoder, PairwiseEncoder
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Reader


def build_encoder(reader: Reader, letters: str) -> SequenceEncoder:
    """The encoder that reads the sequence for one or several terms.

    Raises
    ------
    StudyError: a prior energy matrix for an encoder that has none, or a black box without hidden layers.
    """
    return BUILDERS[reader.settings.encoder](reader, letters)


def _additive(reader: Reader, letters: str) -> SequenceEncoder:
    return AdditiveEncoder(reader.length, letters, sd=reader.settings.sd, matrix=_matrix(reader))


def _neighbour(reader: Reader, letters: str) -> SequenceEncoder:
    return NeighbourEncoder(reader.length, letters, sd=reader.settings.sd, matrix=_matrix(reader))


def _pairwise(reader: Reader, letters: str) -> SequenceEncoder:
    return PairwiseEncoder(reader.length, letters, sd=reader.settings.sd, matrix=_matrix(reader))


def _network(reader: Reader, letters: str) -> SequenceEncoder:
    return NetworkEncoder(reader.length, letters, _hidden(reader), sd=reader.settings.sd)


def _convolution(reader: Reader, letters: str) -> SequenceEncoder:
    return ConvolutionEncoder(reader.length, letters, _hidden(reader), sd=reader.settings.sd)


BUILDERS: Mapping[str, Callable[[Reader, str], SequenceEncoder]] = {
    "additive": _additive,
    "neighbour": _neighbour,
    "pairwise": _pairwise,
    "network": _network,
    "convolution": _convolution,
}


def _matrix(reader: Reader) -> torch.Tensor | None:
    if reader.matrix is None:
        return None
    return torch.as_tensor(reader.matrix, dtype=torch.get_default_dtype())


def _hidden(reader: Reader) -> tuple[int, ...]:
    settings = reader.settings
    if reader.matrix is not None:
        raise StudyError(
            f"a prior energy matrix is given for a site whose encoder is {settings.encoder!r}",
            why="the weights of a black box are no energies of letters",
            fix="use encoder = 'additive', 'neighbour' or 'pairwise', or leave `matrix` out",
        )
    if not settings.hidden or min(settings.hidden) < 1:
        raise StudyError(
            f"hidden = {list(settings.hidden)} is no list of layer sizes",
            why=f"a {settings.encoder} encoder needs at least one hidden layer of at least one unit",
            fix="give for example hidden = [64, 64]",
        )
    return settings.hidden
