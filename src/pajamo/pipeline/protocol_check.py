"""`pajamo protocol check`: what was done, what models assume of it, and what the data say of that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pajamo.config import DataSettings, ProtocolSettings, Study
from pajamo.data.public.datasets import resolve
from pajamo.data.reading.columns import labels
from pajamo.data.reading.h5ad import H5ad
from pajamo.data.reading.screens import read_conditions, read_screen
from pajamo.data.reading.stores import open_recorded
from pajamo.errors import StudyError
from pajamo.models.registry import cards
from pajamo.pipeline.loading import find_protocol, with_batch
from pajamo.protocols.agreement import require_agreement
from pajamo.protocols.assumptions import ASSUMPTIONS
from pajamo.protocols.diagnostics.result import Diagnostic
from pajamo.protocols.diagnostics.run import diagnose
from pajamo.protocols.drawing import arms_of
from pajamo.protocols.groups import words_of_groups
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.references import matched_references
from pajamo.protocols.report import ProtocolReport
from pajamo.protocols.says import Statement, protocol_says
from pajamo.protocols.stored import write_protocol

UNTESTED = ("untested", "", "the screen cannot tell")
"""What the data say of an assumption that no test is about."""


def check_protocol(
    data: DataSettings,
    given: ProtocolSettings | Protocol | None,
    name: str,
    *,
    seed: int = 0,
    test: bool = True,
) -> ProtocolReport:
    """Check what was done to the cells of a screen.

    Arguments
    ---------
    given: the protocol as a study or a program says it; that of the file is taken if there is none.
    test: also read all cells and test what they can tell of each assumption.

    Raises
    ------
    StudyError: the protocol contradicts itself or the screen.
    DataError, IntegrityError, DownloadError: the screen cannot be read.
    """
    data = resolve(data)
    found = find_protocol(given, data)
    source = "study" if given is not None else "none" if found is None else "file"
    protocol = found or Protocol.plain()
    data = with_batch(data, protocol)
    assert data.path is not None
    opened = open_recorded(data.path)
    conditions, condition_of = read_conditions(opened, data)
    require_agreement(protocol, conditions)
    references = matched_references(protocol, conditions, condition_of, _batches(opened, data))
    says = protocol_says(protocol, conditions)
    # A screen without the controls that it needs cannot be read as one; its protocol can.
    tested = diagnose(read_screen(data), seed) if test and bool(references["found"].all()) else ()
    return ProtocolReport(
        name=name,
        protocol=protocol,
        source=source,
        arms=tuple(arms_of(protocol, conditions)),
        words=words_of_groups(protocol, conditions, condition_of),
        references=references,
        assumptions=_assumptions(says, tested, written=found is not None),
        diagnostics=tested,
    )


def store_protocol(study: Study, out: Path) -> Path:
    """Write a copy of a study's screen that also holds the study's protocol.

    Raises
    ------
    StudyError: there is no protocol, or it contradicts itself, the screen or the file's own.
    DataError: `out` exists already.
    StorageError: the disk refuses; nothing is left behind.
    """
    data = resolve(study.data)
    found = find_protocol(study.protocol, data)
    assert data.path is not None
    if found is None:
        raise StudyError(
            "the study says nothing of what was done to the cells",
            where=f"study {study.name}",
            fix="add [protocol] with its steps",
        )
    require_agreement(found, read_conditions(open_recorded(data.path), data)[0])
    return write_protocol(data.path, found, out)


def _batches(opened: H5ad, data: DataSettings) -> Sequence[str] | None:
    return None if data.batch is None else labels(opened.obs, data.batch, "batch").astype(str).to_list()


def _assumptions(says: dict[str, Statement], tested: Sequence[Diagnostic], *, written: bool) -> pd.DataFrame:
    """Each assumption with the models that make it, what the protocol says of it and what the data say."""
    rows = []
    known = cards()
    answers = {d.question.assumption: d for d in tested}
    for name in ASSUMPTIONS:
        said = _said(says[name]) if written else "nothing is written of it"
        models = ", ".join(card.name for card in known if name in card.assumes)
        answer = answers.get(name)
        seen = (answer.found, answer.question.name, answer.sentence) if answer else UNTESTED
        rows.append((name, models, said, *seen))
    return pd.DataFrame(rows, columns=["assumption", "models", "protocol", "data", "test", "sentence"])


def _said(statement: Statement) -> str:
    return f"{statement.said}: {statement.sentence}" if statement.sentence else statement.said
