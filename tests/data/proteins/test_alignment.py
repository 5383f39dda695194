"""Local alignment of one protein with many, against the recursion written out."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.proteins.alignment import aligned
from pajamo.data.proteins.alphabet import PAD, RESIDUE_TOKENS, TOKENS
from pajamo.data.proteins.blosum import blosum62


def codes(text: str) -> np.ndarray:
    return np.array([TOKENS.index(letter) for letter in text], dtype=np.uint8)


def side_by_side(*texts: str) -> np.ndarray:
    found = np.full((len(texts), max(map(len, texts))), PAD, dtype=np.uint8)
    for row, text in enumerate(texts):
        found[row, : len(text)] = codes(text)
    return found


def naive_score(a: np.ndarray, b: np.ndarray, gap: int) -> int:
    scores = blosum62()
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i, x in enumerate(a, start=1):
        for j, y in enumerate(b, start=1):
            table[i, j] = max(
                0, table[i - 1, j - 1] + scores[x, y], table[i - 1, j] - gap, table[i, j - 1] - gap
            )
    return int(table.max())


@pytest.mark.parametrize("gap", [1, 4, 11])
def test_scores_are_those_of_the_recursion(gap: int) -> None:
    rng = np.random.default_rng(gap)
    query = rng.choice(RESIDUE_TOKENS, 23)
    others = np.full((12, 30), PAD, dtype=np.uint8)
    for row in range(12):
        length = rng.integers(1, 31)
        others[row, :length] = rng.choice(RESIDUE_TOKENS, length)
        others[row, : min(8, length)] = query[5 : 5 + min(8, length)]
    facing, score = aligned(query, others, gap)
    for row, other in enumerate(others):
        assert score[row] == naive_score(query, other[other != PAD], gap)
    assert facing.shape == (12, 23)


def test_what_faces_what_adds_up_to_the_score() -> None:
    query = codes("MKTAYIAKQRQISFVKSHFSRQ")
    others = side_by_side("MKTAYIAKQRQISFVKSHFSRQ", "TAYIAKISFVKSHF", "AYIAKQRWWQISFVK")
    facing, score = aligned(query, others, gap=4)
    table = blosum62()
    pairs = [(query[f != PAD], f[f != PAD]) for f in facing]
    matched = [int(table[q, o].sum()) for q, o in pairs]
    assert matched == [int(s) + 4 * gaps for s, gaps in zip(score, (0, 3, 2), strict=True)]
    assert [len(q) for q, _ in pairs] == [22, 14, 13]


def test_strangers_face_nothing() -> None:
    facing, score = aligned(codes("WWWW"), side_by_side("GGGG"))
    assert (facing == PAD).all()
    assert score[0] == 0


def test_blosum62_is_symmetric_and_each_residue_likes_itself_most() -> None:
    scores = blosum62()
    np.testing.assert_array_equal(scores, scores.T)
    own = scores[np.ix_(RESIDUE_TOKENS, RESIDUE_TOKENS)]
    assert (own.argmax(axis=1) == np.arange(20)).all()
    # Figure 2 of the paper, on its diagonal in the order of the letters.
    assert list(own.diagonal()) == [4, 9, 6, 5, 6, 6, 8, 4, 5, 4, 5, 6, 7, 5, 5, 4, 5, 4, 11, 7]
    letter = TOKENS.index
    assert scores[letter("C"), letter("E")] == -4
    assert scores[letter("I"), letter("V")] == 3
