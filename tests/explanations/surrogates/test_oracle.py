"""Asking an oracle: wrong answers are refused with the sequence shown, and an interrupted assay goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pajamo.errors import DataError
from pajamo.explanations.surrogates.oracle import ask


def count_a(sequences: list[str]) -> list[int]:
    return [s.count("A") for s in sequences]


@pytest.mark.parametrize(
    "answer",
    [list, np.asarray, torch.tensor, lambda v: torch.tensor(v)[:, None], lambda v: np.asarray(v)[:, None]],
)
def test_any_column_of_numbers_is_an_answer(answer: Any) -> None:
    found = ask(lambda s: answer(count_a(s)), ["AA", "CA", "CC", "AA"], batch=2)
    assert found.tolist() == [2, 1, 0, 2]


@pytest.mark.parametrize(
    ("oracle", "words"),
    [
        (lambda s: count_a(s)[:-1], r"shape \(1,\) for 2 sequences"),
        (lambda s: np.zeros((len(s), 3)), r"shape \(2, 3\)"),
        (lambda s: [0.0, float("nan")], "nan for 1 of 2"),
        (lambda s: ["high"] * len(s), "holds no numbers"),
        (lambda s: None, r"shape \(\)"),
    ],
)
def test_other_answers_are_refused(oracle: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        ask(oracle, ["AC", "GT"])


def test_the_offending_sequence_is_shown() -> None:
    with pytest.raises(DataError, match="'GT'"):
        ask(lambda s: [float("inf") if x == "GT" else 0.0 for x in s], ["AC", "GT"])


def test_an_interrupted_assay_goes_on_from_its_cache(tmp_path: Path) -> None:
    sequences, cache, asked = [a + b for a in "ACGT" for b in "ACGT"], tmp_path / "answers.csv", []

    def fragile(part: list[str]) -> list[int]:
        asked.extend(part)
        if len(asked) > 8:
            raise RuntimeError
        return count_a(part)

    with pytest.raises(RuntimeError):
        ask(fragile, sequences, batch=4, cache=cache)
    cache.write_text(cache.read_text()[:-3])
    asked.clear()
    found = ask(lambda s: asked.extend(s) or count_a(s), sequences, batch=4, cache=cache)
    assert found.tolist() == count_a(sequences)
    assert len(asked) == 1 + 9


def test_the_cache_of_another_oracle_is_refused(tmp_path: Path) -> None:
    cache = tmp_path / "answers.csv"
    ask(count_a, ["AA", "AC"], cache=cache)
    with pytest.raises(DataError, match="another oracle"):
        ask(lambda s: [7.0] * len(s), ["AA", "AC"], cache=cache)
    cache.write_text("one,two,three\n")
    with pytest.raises(DataError, match="holds something else"):
        ask(count_a, ["AA"], cache=cache)
