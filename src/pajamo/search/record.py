"""Every evaluation of a search on record: a line of JSON a generation, so that a search that was killed goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pajamo.data.atomic import storage_errors
from pajamo.errors import IntegrityError
from pajamo.search.space import Candidate

FILE = "evaluations.jsonl"


@dataclass(frozen=True)
class Evaluation:
    """One hypothesis that was trained.

    Attributes
    ----------
    number: position among all, from 0.
    candidate: what was tried.
    reward: as the search counts it, more being better; -inf where training failed.
    steps: training steps that it got.
    """

    number: int
    candidate: Candidate
    reward: float
    steps: int


class Record:
    """The file of a search's evaluations. Lines are only ever added; a line that a kill cut short is dropped.

    A generation is one line, so that it is there as a whole or not at all: what comes next depends on whole ones.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.evaluations = list(_read(path)) if path.is_file() else []

    def add(self, made: Sequence[Evaluation]) -> None:
        """Append a generation and bring it to the disk before going on.

        Raises
        ------
        StorageError: the disk refuses.
        """
        line = json.dumps([_facts(one) for one in made]) + "\n"
        with storage_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.evaluations += made


def _facts(one: Evaluation) -> dict[str, object]:
    return {
        "number": one.number,
        "mechanism": one.candidate.mechanism,
        "places": list(one.candidate.places),
        "reward": one.reward if one.reward > -float("inf") else None,
        "steps": one.steps,
    }


def _read(path: Path) -> Iterator[Evaluation]:
    """Every whole line; what follows the last one is cut off the file.

    Raises
    ------
    IntegrityError: a line before the last is not as it was written.
    """
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    number = 0
    for line_number, line in enumerate(content[:whole].splitlines(), start=1):
        try:
            generation = [_evaluation(facts, number + n) for n, facts in enumerate(json.loads(line))]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                "the record of a search is damaged",
                where=f"{path}, line {line_number}",
                why=str(error),
                fix="remove the line and all after it: the search goes on from there",
            ) from error
        number += len(generation)
        yield from generation


def _evaluation(facts: dict[str, Any], number: int) -> Evaluation:
    if facts["number"] != number:
        raise ValueError(f"evaluation {number} is expected, and {facts['number']} found")
    reward = -float("inf") if facts["reward"] is None else float(facts["reward"])
    candidate = Candidate(str(facts["mechanism"]), tuple(map(int, facts["places"])))
    return Evaluation(number, candidate, reward, int(facts["steps"]))
