"""The record of a search survives a kill in the middle of a line, and says where it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from pajamo.errors import IntegrityError
from pajamo.search.record import Evaluation, Record
from pajamo.search.space import Candidate


def generation(first: int, count: int = 3) -> list[Evaluation]:
    return [
        Evaluation(first + n, Candidate("cycle-3", (n, first)), -0.1 * n if n else -float("inf"), 5)
        for n in range(count)
    ]


def test_what_is_read_is_what_was_added(tmp_path: Path) -> None:
    record = Record(tmp_path / "evaluations.jsonl")
    record.add(generation(0))
    record.add(generation(3))
    assert Record(record.path).evaluations == generation(0) + generation(3) == record.evaluations


def test_rewards_keep_every_bit(tmp_path: Path) -> None:
    record = Record(tmp_path / "evaluations.jsonl")
    exact = Evaluation(0, Candidate("a", ()), 0.1 + 0.2, 1)
    record.add([exact])
    assert Record(record.path).evaluations == [exact]


def test_a_kill_at_any_byte_of_a_line_loses_that_generation_alone(tmp_path: Path) -> None:
    record = Record(tmp_path / "evaluations.jsonl")
    record.add(generation(0))
    whole = record.path.stat().st_size
    record.add(generation(3))
    content = record.path.read_bytes()
    for cut in range(whole, len(content)):
        record.path.write_bytes(content[:cut])
        again = Record(record.path)
        assert again.evaluations == generation(0)
        assert record.path.stat().st_size == whole
    again.add(generation(3))
    assert record.path.read_bytes() == content


@pytest.mark.parametrize(
    "damage",
    [b"not json\n", b'[{"number": 7}]\n', b'[{"number": 0, "mechanism": "a"}]\n', b"\xff\xfe\n", b"7\n"],
)
def test_damage_before_the_end_names_the_line(tmp_path: Path, damage: bytes) -> None:
    record = Record(tmp_path / "evaluations.jsonl")
    record.add(generation(0))
    with record.path.open("ab") as file:
        file.write(damage)
    with pytest.raises(IntegrityError, match="damaged") as error:
        Record(record.path)
    assert "line 2" in error.value.where
