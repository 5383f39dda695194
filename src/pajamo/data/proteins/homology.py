"""Which proteins train, which validate, which are looked at once: relatives are always on the same side."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pajamo.config.proteins import ProteinSplitSettings
from pajamo.data.mapped import MappedFolder, MappedWriter
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.families import families
from pajamo.data.proteins.leaks import LeakReport, leaks
from pajamo.data.proteins.mmseqs import available
from pajamo.errors import IntegrityError, SplitError, warn

KIND: Final = "protein-split"
VERSION: Final = 1
SIDES: Final = ("training", "validation", "test")


@dataclass(frozen=True, eq=False)
class ProteinSplit:
    """Proteins of each side.

    Attributes
    ----------
    training, validation, test: numbers of proteins in the corpus, ascending.
    families: family of each protein of the corpus.
    corpus: digest of the corpus that they number.
    made: how: settings, seed, number of families, whether MMseqs2 helped.
    leaks: what was found of each protein kept aside in training (see `LeakReport.facts`).
    """

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    families: NDArray[np.int64]
    corpus: str
    made: dict[str, Any]
    leaks: dict[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 of the three sides and the corpus: equal splits have equal hashes on every machine."""
        digest = hashlib.sha256(self.corpus.encode())
        for side in SIDES:
            numbers = np.ascontiguousarray(getattr(self, side), dtype="<i8")
            digest.update(f"{side} {len(numbers)}".encode())
            digest.update(numbers.data)
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """Proteins of each side."""
        return {side: len(getattr(self, side)) for side in SIDES}

    def save(self, path: Path) -> None:
        """Write the split as a folder of its own, atomically.

        Raises
        ------
        DataError: something stands there already.
        StorageError: the disk refuses.
        """
        with MappedWriter(path, KIND, VERSION) as writer:
            for array in (*SIDES, "families"):
                writer.write(array, getattr(self, array))
            facts = {"hash": self.hash, "corpus": self.corpus, "made": self.made, "leaks": self.leaks}
            writer.commit(facts)

    @classmethod
    def load(cls, path: Path, corpus: ProteinCorpus) -> ProteinSplit:
        """Read a split and verify that it is what was saved, and of this corpus.

        Raises
        ------
        IntegrityError: missing, altered, or made for other proteins.
        """
        folder = MappedFolder.open(path, KIND, VERSION)
        facts = folder.facts
        training, validation, test, of = (folder.array(array) for array in (*SIDES, "families"))
        made, leaking = dict(facts["made"]), dict(facts["leaks"])
        found = cls(training, validation, test, of, str(facts["corpus"]), made, leaking)
        if found.hash != facts["hash"]:
            raise IntegrityError(
                "the split was changed after it was made", where=str(path), fix="make the split again"
            )
        if found.corpus != corpus.digest:
            raise IntegrityError(
                "the split was made for other proteins",
                where=str(path),
                why=f"it numbers those of a corpus {found.corpus}, and {corpus.folder.path} is {corpus.digest}",
                fix="make the split again, or give the corpus that it was made for",
            )
        return found


def split_proteins(corpus: ProteinCorpus, settings: ProteinSplitSettings, seed: int) -> ProteinSplit:
    """Divide proteins by families, and look for what leaks all the same.

    Parameters
    ----------
    corpus: the proteins.
    settings: how families are found, and the share of them that each side takes (at least one where it is not 0).
    seed: of the order in which families are dealt out.

    Raises
    ------
    DataError: a column of clusters that is not there.
    SplitError: too few families for the sides asked for.
    """
    of = families(corpus, settings)
    number = int(of.max()) + 1
    sizes = [_number(settings.validation, number), _number(settings.test, number)]
    if sum(sizes) >= number:
        raise SplitError(
            f"{number} families cannot be divided into training, validation and test",
            where="[split]",
            why=f"{sizes[0]} would validate and {sizes[1]} test, and none would be left for training",
            fix="give more proteins that are not related, smaller shares, or test = 0",
        )
    order = np.random.default_rng(seed).permutation(number)
    side = np.zeros(number, dtype=np.int8)
    side[order[: sizes[0]]] = 1
    side[order[sizes[0] : sum(sizes)]] = 2
    training, validation, test = (np.flatnonzero(side[of] == one) for one in range(3))
    report = leaks(corpus, np.sort(np.concatenate((validation, test))), training, seed)
    _say(settings, report)
    made = {"settings": settings.model_dump(mode="json"), "seed": seed, "families": number}
    made["mmseqs"] = settings.by == "homology" and available() is not None
    return ProteinSplit(training, validation, test, of, corpus.digest, made, report.facts)


def _number(share: float, families: int) -> int:
    return max(1, round(share * families)) if share else 0


def _say(settings: ProteinSplitSettings, report: LeakReport) -> None:
    if settings.by == "protein":
        warn(f'`split.by = "protein"` keeps no relatives apart. {report.sentence}')
