"""What sets the pace of each transition: a constant or a reading of the sequence, which transitions may share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pajamo.config.assays import TransitionSettings
from pajamo.config.assays.reading import ReadingSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Reader, Term
from pajamo.models.assays.compiling.columns import Columns
from pajamo.models.assays.compiling.naming import known, refuse_repeated
from pajamo.models.assays.compiling.windows import refuse_sliding, require_one_length, window_length

Transitions = Mapping[str, TransitionSettings]
UNIT = "ln(1/s)"
PACE = "ln k "
VARIES = 1.5
"""Standard deviation of what an experiment has of its own, in kT or in ln of a rate."""


def pace_columns(transitions: Transitions) -> Columns:
    """One term for each constant or reading; transitions with a known rate have none.

    Raises
    ------
    StudyError: transitions that share a pace read different parts of the sequence.
    """
    paces = {name: _pace(name, transition) for name, transition in transitions.items()}
    shared = list(dict.fromkeys(pace for pace in paces.values() if pace))
    incidence = np.array([[pace == column for column in shared] for pace in paces.values()], dtype=float)
    terms = tuple(_term(pace, transitions) for pace in shared)
    return Columns(terms, incidence.reshape(len(transitions), len(shared)))


def varying_columns(varies: Sequence[str], paces: Columns, assay: Assay) -> Columns:
    """A factor of its own for each experiment and named pace, as ln; none where there is one experiment.

    Raises
    ------
    StudyError: there is no such pace, or it is named twice.
    """
    names = [term.name for term in paces.terms]
    refuse_repeated(varies, "varies", "a rate has one factor in each experiment")
    for pace in varies:
        known(pace, [name.removeprefix(PACE) for name in names], "fitted rate", "varies")
    experiments = [e.name for e in assay.experiments] if len(assay.experiments) > 1 else []
    chosen = [(pace, name) for pace in varies for name in experiments]
    terms = tuple(
        Term(f"{_name(pace)} in {name}", UNIT, initial=0.0, sd=VARIES, experiment=name)
        for pace, name in chosen
    )
    return Columns(terms, paces.incidence[:, [names.index(_name(pace)) for pace, _ in chosen]])


def pace_readers(transitions: Transitions, assay: Assay) -> dict[str, Reader]:
    """What reads the sequence for the paces that it sets.

    Raises
    ------
    StudyError: a window outside the sequence, or with several placements.
    DataError: sequences of different length.
    """
    readers = {}
    for pace in dict.fromkeys(_pace(name, transition) for name, transition in transitions.items()):
        name, reads = _reading(pace, transitions) if pace else ("", None)
        if reads is not None:
            where = f"transitions.{name}.reads"
            refuse_sliding(reads, where)
            readers[_name(pace)] = Reader(reads, window_length(reads, assay, where))
            require_one_length(assay, f"the rate of {pace!r}")
    return readers


def _pace(name: str, transition: TransitionSettings) -> str:
    return "" if transition.rate is not None else transition.of or name


def _name(pace: str) -> str:
    return f"{PACE}{pace}"


def _reading(pace: str, transitions: Transitions) -> tuple[str, ReadingSettings | None]:
    """The transition that says what a pace reads, and what that is."""
    members = [name for name, transition in transitions.items() if _pace(name, transition) == pace]
    reading = [name for name in members if transitions[name].reads is not None]
    if not reading:
        return members[0], None
    first = transitions[reading[0]].reads
    for other in reading[1:]:
        if transitions[other].reads != first:
            raise StudyError(
                f"{pace!r} reads different parts of the sequence",
                where=f"transitions.{other}.reads",
                why=f"it shares its rate with {reading[0]}, which reads another part or in another way",
                fix="give `reads` in one of them, or another name as `of`",
            )
    return reading[0], first


def _term(pace: str, transitions: Transitions) -> Term:
    name, reads = _reading(pace, transitions)
    if reads is None:
        return Term(_name(pace), UNIT, sd=transitions[name].sd)
    strand = "-" if reads.strand == "-" else "+"
    return Term(_name(pace), UNIT, encoder=_name(pace), start=reads.start, strand=strand)
