"""The encoders of a blueprint's readers, by the name that a study gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from pajamo.data.assays.pairs.pairing import LETTERS as PAIRINGS
from pajamo.encoders.guides import linear as guides
from pajamo.encoders.guides.factorised import FactorisedMap
from pajamo.encoders.guides.network import MismatchNetwork
from pajamo.encoders.guides.steps import StepMap
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.convolution import ConvolutionEncoder
from pajamo.encoders.sequence.encoder import SequenceEncoder
from pajamo.encoders.sequence.network import NetworkEncoder
from pajamo.encoders.sequence.pairs import NeighbourEncoder, PairwiseEncoder
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Reader


def build_encoder(reader: Reader, letters: str) -> SequenceEncoder:
    """The encoder that reads the sequence, or the guide-target pair, for one or several terms.

    Raises
    ------
    StudyError: an encoder that does not read such an input, a prior energy matrix for an encoder that has none, or a
        black box without hidden layers.
    """
    paired = letters == PAIRINGS
    builders = OF_PAIRS if paired else OF_SEQUENCES
    name = reader.settings.encoder
    if name not in builders:
        what, other = ("guide-target pairs", "sequences") if paired else ("sequences", "guide-target pairs")
        raise StudyError(
            f"an encoder {name!r} does not read {what}",
            where="encoder",
            why=f"it is one of {other}",
            fix=f"give one of: {', '.join(builders)}",
        )
    return builders[name](reader, letters)


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


def _pair_additive(reader: Reader, _: str) -> SequenceEncoder:
    return guides.additive(reader.length, reader.settings.changes, sd=reader.settings.sd)


def _pair_convolution(reader: Reader, _: str) -> SequenceEncoder:
    settings = reader.settings
    return guides.convolution(reader.length, settings.changes, settings.kernel, sd=settings.sd)


def _pair_smooth(reader: Reader, _: str) -> SequenceEncoder:
    return guides.smooth(reader.length, reader.settings.changes, reader.settings.knots, sd=reader.settings.sd)


def _pair_pooled(reader: Reader, _: str) -> SequenceEncoder:
    return guides.pooled(
        reader.length, reader.settings.changes, reader.settings.kernel, sd=reader.settings.sd
    )


def _pair_profile(reader: Reader, _: str) -> SequenceEncoder:
    return guides.profile(reader.length, reader.settings.changes, sd=reader.settings.sd)


def _pair_factorised(reader: Reader, _: str) -> SequenceEncoder:
    return FactorisedMap(reader.length, reader.settings.changes, sd=reader.settings.sd)


def _pair_network(reader: Reader, _: str) -> SequenceEncoder:
    return MismatchNetwork(reader.length, reader.settings.changes, _hidden(reader), sd=reader.settings.sd)


def _pair_steps(reader: Reader, _: str) -> SequenceEncoder:
    settings = reader.settings
    return StepMap(reader.length, settings.pam, settings.any_base, unlike=settings.unlike)


Builders = Mapping[str, Callable[[Reader, str], SequenceEncoder]]
OF_SEQUENCES: Builders = {
    "additive": _additive,
    "neighbour": _neighbour,
    "pairwise": _pairwise,
    "network": _network,
    "convolution": _convolution,
}
OF_PAIRS: Builders = {
    "additive": _pair_additive,
    "convolution": _pair_convolution,
    "smooth": _pair_smooth,
    "pooled": _pair_pooled,
    "profile": _pair_profile,
    "factorised": _pair_factorised,
    "network": _pair_network,
    "steps": _pair_steps,
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
