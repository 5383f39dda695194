"""A split as an artefact: its folds, its table of counts, and a file that carries its own hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pajamo.config import SplitSettings
from pajamo.data.atomic import write_text
from pajamo.data.conditions import Condition
from pajamo.errors import IntegrityError, StudyError

FORMAT = 1
TITLES = {
    "doubles": "new combinations",
    "cluster": "combinations unlike those in training",
    "missing-single": "combinations of which a single was never measured",
    "leave-gene-out": "combinations of a gene that no training combination holds",
    "unseen-perturbation": "genes that were never perturbed in training",
    "context": "an unseen context",
    "time": "an unseen time",
}
"""What each kind of split asks of a model."""
WITHOUT = "without-"
"""Start of the name of a fold that leaves out one gene."""


@dataclass(frozen=True)
class Fold:
    """One division of the perturbed conditions; controls belong to both sides.

    Attributes
    ----------
    name: what is held out, for tables ("repeat-1", "without-KLF1", "time=5").
    train: conditions that a model may see, sorted. Conditions may be in neither side.
    test: conditions that it must predict, sorted.
    """

    name: str
    train: tuple[Condition, ...]
    test: tuple[Condition, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "train", tuple(sorted(self.train)))
        object.__setattr__(self, "test", tuple(sorted(self.test)))

    def counts(self) -> dict[str, int | str]:
        """Singles and combinations on both sides, and how many genes of the held-out ones were seen alone.

        `seen_0`, `seen_1` and `seen_all` divide the held-out conditions by how many of their
        genes have a training single in the same setting: none, some, all.
        """
        seen = set(self.train)
        known = [sum(part in seen for part in condition.parts()) for condition in self.test]
        every = [n == condition.order for n, condition in zip(known, self.test, strict=True)]
        return {
            "fold": self.name,
            "train_singles": sum(c.order == 1 for c in self.train),
            "train_combinations": sum(c.order > 1 for c in self.train),
            "test_singles": sum(c.order == 1 for c in self.test),
            "test_combinations": sum(c.order > 1 for c in self.test),
            "seen_0": sum(n == 0 for n in known),
            "seen_some": sum(n > 0 and not whole for n, whole in zip(known, every, strict=True)),
            "seen_all": sum(every),
        }


@dataclass(frozen=True)
class Split:
    """Every fold of one split, and how it was made.

    Attributes
    ----------
    kind: as in SplitSettings.
    seed: of the random choices.
    settings: what was asked for.
    folds: at least one.
    notes: what a reader of the results must know: doubles that were not used, and why.
    """

    kind: str
    seed: int
    settings: SplitSettings
    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the split asks of a model, in words."""
        share = (
            f", {self.settings.holdout:.0%} held out" if self.kind in ("doubles", "missing-single") else ""
        )
        return TITLES.get(self.kind, self.kind) + share

    def counts(self) -> pd.DataFrame:
        """One row a fold: singles and combinations on both sides (see Fold.counts)."""
        return pd.DataFrame([fold.counts() for fold in self.folds])

    @property
    def hash(self) -> str:
        """SHA-256 of the split's canonical JSON: equal for equal splits on every machine."""
        text = json.dumps(
            self._content(), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        )
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def to_json(self) -> str:
        """The split and its hash as JSON that people can read."""
        content = {"sha256": self.hash, **self._content()}
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "split") -> Split:
        """Read what `to_json` wrote.

        Raises
        ------
        IntegrityError: not a split, of a later format, or changed since it was written.
        """
        try:
            content = json.loads(text)
            split = cls._from_content(content)
            written = content["sha256"]
        except (ValueError, KeyError, TypeError, AttributeError, StudyError) as error:
            raise IntegrityError(
                "this is not a split of pajamo", where=where, why=str(error), fix="make the split again"
            ) from None
        if split.hash != written:
            raise IntegrityError(
                "the split was changed after it was made",
                where=where,
                why=f"its content hashes to {split.hash[:12]}…, the file says {str(written)[:12]}…",
                fix="make the split again, so that its name stands for what it holds",
            )
        return split

    def save(self, path: Path) -> None:
        """Write the split atomically.

        Raises
        ------
        StorageError: the disk refuses; what stood at `path` before still stands.
        """
        write_text(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Split:
        """Read a split and verify its hash.

        Raises
        ------
        IntegrityError: missing, unreadable, or not what was saved.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError("the split cannot be read", where=str(path), why=str(error)) from None
        return cls.from_json(text, where=str(path))

    def _content(self) -> dict[str, Any]:
        folds = [
            {"name": fold.name, "train": [_row(c) for c in fold.train], "test": [_row(c) for c in fold.test]}
            for fold in self.folds
        ]
        return {
            "format": FORMAT,
            "kind": self.kind,
            "seed": self.seed,
            "settings": self.settings.model_dump(mode="json"),
            "notes": list(self.notes),
            "folds": folds,
        }

    @classmethod
    def _from_content(cls, content: Mapping[str, Any]) -> Split:
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']} is not known to this version of pajamo")
        folds = tuple(
            Fold(
                str(fold["name"]), tuple(map(_condition, fold["train"])), tuple(map(_condition, fold["test"]))
            )
            for fold in content["folds"]
        )
        settings = SplitSettings.model_validate(content["settings"])
        return cls(str(content["kind"]), int(content["seed"]), settings, folds, tuple(content["notes"]))


def _row(condition: Condition) -> list[Any]:
    return [list(condition.genes), condition.context, float(condition.time)]


def _condition(row: list[Any]) -> Condition:
    genes, context, time = row
    return Condition(tuple(map(str, genes)), str(context), float(time))
