"""Labelled proteins and which of them are learned from, kept for choices, and looked at once at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config.proteins.fine_tuning import FineTuningStudy
from pajamo.data.atomic import write_text
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.homology import ProteinSplit, split_proteins
from pajamo.data.proteins.labelled import LabelledProteins, read_labelled
from pajamo.data.proteins.leaks import leaks
from pajamo.errors import DataError, SplitError, StudyError, warn
from pajamo.pipeline.once import Progress

IN_TABLE: Final = {"training": "train", "validation": "validation", "test": "test"}
"""What the table calls each side."""
OWN: Final = "the table's own"


@dataclass(frozen=True)
class LabelledSets:
    """What a study teaches and judges on.

    Attributes
    ----------
    study: as it was asked for.
    proteins: all of them, with labels.
    split: numbers of the proteins of each side, and what training gives away of those kept aside.
    """

    study: FineTuningStudy
    proteins: LabelledProteins
    split: ProteinSplit

    @property
    def own(self) -> bool:
        """Whether the table said which proteins are tested."""
        return self.study.data.set is not None

    @property
    def units(self) -> str:
        """What is resampled for intervals."""
        return "proteins" if self.own or self.study.split.by == "protein" else "families"

    @property
    def repeated(self) -> int:
        """Test proteins whose residues are those of a training protein."""
        known = {self.proteins.sequences[number] for number in self.split.training}
        return sum(self.proteins.sequences[number] in known for number in self.split.test)

    def table(self) -> pd.DataFrame:
        """One row a protein, in the order of the labelled rows of the table."""
        side = np.full(len(self.proteins), "", dtype=object)
        for name in IN_TABLE:
            side[getattr(self.split, name)] = name
        columns = {
            "protein": np.arange(len(self.proteins)) + 1,
            "residues": [len(one) for one in self.proteins.tokens],
            "set": side,
            "family": np.asarray(self.split.families),
        }
        return pd.DataFrame(columns)


def load_sets(study: FineTuningStudy, steps: Path, progress: Progress) -> LabelledSets:
    """Read labels; the corpus and the split are made in a folder if they have not been made there before.

    Raises
    ------
    DataError: whatever is wrong with the table; or proteins that are learned from are all of one class.
    SplitError: the table has no protein of one of the sets, or there are too few families.
    StudyError: no protein would be tested, or families are to be read from a column.
    """
    _require_sides(study)
    proteins = _with_labels(read_labelled(study.data), study.data.path.name)
    corpus = _corpus(proteins, steps, progress)
    path = steps / "split"
    if not path.is_dir():
        progress("dividing proteins" if study.data.set is None else "looking for what the sets share")
        split = (
            _own(study, proteins, corpus)
            if study.data.set
            else split_proteins(corpus, study.split, study.seed)
        )
        split.save(path)
    found = LabelledSets(study, proteins, ProteinSplit.load(path, corpus))
    _require_classes(found)
    return found


def _require_sides(study: FineTuningStudy) -> None:
    if study.data.set is not None:
        return
    if study.split.test == 0:
        raise StudyError(
            "no protein would be tested",
            where="[split] test",
            fix="give a share above 0, or name the table's column of sets in [data] set",
        )
    if study.split.by == "column":
        raise StudyError(
            "a table of labels has no column of families",
            where="[split] by",
            fix='say by = "homology", or divide the proteins yourself and name the column in [data] set',
        )


def _with_labels(proteins: LabelledProteins, name: str) -> LabelledProteins:
    """Those of which at least one residue is known: others have no loss, and a batch of them would have no mean."""
    if proteins.kind != "residues":
        return proteins
    known = [number for number in range(len(proteins)) if len(known_places(proteins, number))]
    if len(known) == len(proteins):
        return proteins
    warn(f"{name}: of {len(proteins) - len(known):,} proteins no residue has a label; they are left out")
    return replace(
        proteins,
        sequences=tuple(proteins.sequences[number] for number in known),
        tokens=tuple(proteins.tokens[number] for number in known),
        labels=tuple(proteins.labels[number] for number in known),
        sets=None if proteins.sets is None else proteins.sets[known],
    )


def _corpus(proteins: LabelledProteins, steps: Path, progress: Progress) -> ProteinCorpus:
    """The proteins as a corpus, so that families and leaks are looked for as everywhere else."""
    path = steps / "corpus"
    if not path.is_dir():
        progress(f"{len(proteins):,} labelled proteins")
        fasta = steps / "proteins.fasta"
        lines = (f">{number}\n{one}\n" for number, one in enumerate(proteins.sequences, start=1))
        write_text(fasta, "".join(lines))
        build_corpus(fasta, path)
    return ProteinCorpus.open(path)


def _own(study: FineTuningStudy, proteins: LabelledProteins, corpus: ProteinCorpus) -> ProteinSplit:
    """The table's sets; proteins with the same residues count as one family."""
    assert proteins.sets is not None
    sides = [np.flatnonzero(proteins.sets == name) for name in IN_TABLE.values()]
    for name, numbers in zip(IN_TABLE.values(), sides, strict=True):
        if not len(numbers):
            raise SplitError(
                f"the table has no protein of the set {name!r}",
                where=f"{study.data.path}, column {study.data.set!r}",
                why="strengths of the baselines are chosen on validation, and everything is judged on test",
                fix="name some proteins so, or leave [data] set out and let [split] divide them",
            )
    training, validation, test = sides
    _, families = np.unique(np.array(proteins.sequences, dtype=np.str_), return_inverse=True)
    report = leaks(corpus, np.sort(np.concatenate((validation, test))), training, study.seed)
    made: dict[str, Any] = {"sets": OWN, "column": study.data.set}
    found = ProteinSplit(
        training, validation, test, families.astype(np.int64), corpus.digest, made, report.facts
    )
    _say_repeated(LabelledSets(study, proteins, found))
    return found


def _say_repeated(sets: LabelledSets) -> None:
    if sets.repeated:
        warn(
            f"{sets.repeated:,} of {len(sets.split.test):,} test proteins have the residues of a training protein: "
            "what is said of them is remembered"
        )


def _require_classes(sets: LabelledSets) -> None:
    if sets.proteins.kind == "regression":
        return
    present = np.unique(known_labels(sets.proteins, sets.split.training))
    if len(present) < 2:
        names = [sets.proteins.classes[number] for number in present]
        raise DataError(
            f"proteins that are learned from are all of one class: {', '.join(names) or 'none'}",
            where=str(sets.study.data.path),
            fix="divide the proteins otherwise, or give more of them",
        )


def known_labels(proteins: LabelledProteins, numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Labels of some proteins: one each, or those of all their residues of which something is known."""
    if proteins.kind != "residues":
        return np.asarray(proteins.labels)[numbers]
    found = [proteins.labels[number][known_places(proteins, number)] for number in numbers]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def known_places(proteins: LabelledProteins, number: int) -> NDArray[np.int64]:
    """Residues of a protein, from 0, of which something is known."""
    return np.flatnonzero(np.asarray(proteins.labels[number]) >= 0)
