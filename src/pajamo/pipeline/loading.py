"""What a study names, read and summarised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

from pajamo.config import BuiltIn, DataSettings, ProtocolSettings, Study
from pajamo.data.cells import Halves, sample_halves, seen_cells
from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.pseudobulk import Pseudobulk, pseudobulk
from pajamo.data.public.datasets import resolve
from pajamo.data.reading.priors import Embedding, read_embeddings
from pajamo.data.reading.screens import read_screen
from pajamo.data.screen import Screen
from pajamo.data.store import content_hash
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import expressed, one_hot
from pajamo.protocols.agreement import require_agreement
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.stored import read_protocol, settled
from pajamo.protocols.structure import batch_column

ONE_HOT, EXPRESSION = get_args(BuiltIn)


@dataclass(frozen=True)
class Loaded:
    """A study with its screen, summarised by condition.

    Attributes
    ----------
    study: as the user wrote it.
    data: where the screen is, its data set resolved to a file and columns.
    screen: cells by genes; values stay in the file if they are many.
    bulk: means and variances by condition and random half.
    embeddings: prior vectors of genes by the name of their table, "" for the only one; those that are built in are
        made for each training set.
    protocol: what was done to the cells, from the study or the screen's file; None if neither says.
    """

    study: Study
    data: DataSettings
    screen: Screen
    bulk: Pseudobulk
    embeddings: Mapping[str, Embedding]
    protocol: Protocol | None = None

    @cached_property
    def data_hash(self) -> str:
        """Hash of the screen's file or store."""
        assert self.data.path is not None
        return content_hash(self.data.path)

    @cached_property
    def halves(self) -> Halves:
        """Cells of each condition by half; empty if distributions are off or the screen is too large."""
        return sample_halves(self.screen, seed=self.study.seed) if self.study.evaluation.distributions else {}

    @property
    def shared_control(self) -> bool:
        """Whether truth and predictor see the same control cells."""
        return self.study.evaluation.control == "shared"

    @property
    def perturbed(self) -> tuple[Condition, ...]:
        """Every condition but the controls."""
        return tuple(c for c in self.screen.conditions if not c.is_control)

    def training_set(
        self, conditions: Sequence[Condition], *, counts: bool = False, embedding: str = ""
    ) -> TrainingSet:
        """What a model may see when these are the training conditions; with raw counts if asked for.

        `embedding` names one of the study's, where it names several.
        """
        return self.with_embedding(self._plain_training_set(conditions, counts=counts), embedding)

    def with_embedding(self, training: TrainingSet, embedding: str) -> TrainingSet:
        """The training set with an embedding of genes; those that are built in are made from it."""
        if embedding == ONE_HOT:
            perturbed = sorted({gene for condition in self.perturbed for gene in condition.genes})
            return replace(training, embedding=one_hot(perturbed))
        if embedding == EXPRESSION:
            assert self.study.priors is not None
            return replace(training, embedding=expressed(training, self.study.priors.dimensions))
        return replace(training, embedding=self.embeddings.get(embedding, {}))

    def _plain_training_set(self, conditions: Sequence[Condition], *, counts: bool) -> TrainingSet:
        wanted = set(conditions)
        cells = seen_cells(self.halves, shared_control=self.shared_control)
        table = None
        if counts and self.screen.scale == "counts":
            table = CountTable.from_screen(
                self.screen, conditions, seed=self.study.seed, shared_control=self.shared_control
            )
        return TrainingSet.from_pseudobulk(
            self.bulk,
            conditions,
            shared_control=self.shared_control,
            cells={c: x for c, x in cells.items() if c in wanted or c.is_control},
            counts=table,
            protocol=self.protocol,
        )


def load(study: Study) -> Loaded:
    """Read what a study names.

    Raises
    ------
    DataError, DownloadError, IntegrityError, StudyError: from reading the screen, its protocol and the priors.
    """
    data = resolve(study.data)
    protocol = find_protocol(study.protocol, data)
    data = with_batch(data, protocol)
    screen = read_screen(data)
    if protocol is not None:
        require_agreement(protocol, screen.conditions)
    embeddings = read_embeddings(study.priors) if study.priors else {}
    return Loaded(study, data, screen, pseudobulk(screen, study.seed), embeddings, protocol)


def find_protocol(given: ProtocolSettings | Protocol | None, data: DataSettings) -> Protocol | None:
    """What was done to the cells, as the study says or as their file does.

    Raises
    ------
    StudyError: the protocol contradicts itself, or the study and the file contradict each other.
    IntegrityError: the file is damaged, or what it holds is not a protocol.
    """
    assert data.path is not None
    # What a study says of itself is checked before any file is opened.
    own = _of_screen(given, data)
    return settled(own, _of_screen(read_protocol(data.path), data), str(data.path))


def _of_screen(given: ProtocolSettings | Protocol | None, data: DataSettings) -> Protocol | None:
    """The protocol of a screen whose cells have times if [data] names a column of them."""
    settings = given.settings if isinstance(given, Protocol) else given
    return None if settings is None else Protocol.from_settings(settings, timed=data.time is not None)


def with_batch(data: DataSettings, protocol: Protocol | None) -> DataSettings:
    """The same settings, with the protocol's column of batches where [data] names none."""
    named = batch_column(protocol.settings) if protocol else None
    return data if data.batch or not named else data.model_copy(update={"batch": named})
