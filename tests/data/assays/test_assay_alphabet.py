"""Letters become small integers and come back; what is no letter is shown with its row and what was likely meant."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.assays.alphabet import NAMED, Alphabet, alphabet_of
from pajamo.errors import DataError, StudyError

DNA = alphabet_of("dna")


def test_every_letter_has_its_place_and_comes_back() -> None:
    for name, letters in NAMED.items():
        alphabet = alphabet_of(name)
        codes = alphabet.encode([letters, letters[::-1]])
        np.testing.assert_array_equal(codes[0], np.arange(len(letters)))
        assert codes.dtype == np.uint8
        assert alphabet.decode(codes) == [letters, letters[::-1]]


def test_fast_encoding_equals_a_letter_by_letter_one() -> None:
    rng = np.random.default_rng(0)
    for varied in (False, True):
        lengths = rng.integers(1, 9, size=200) if varied else np.full(200, 8)
        sequences = ["".join(rng.choice(list("ACGT"), size=n)) for n in lengths]
        codes = DNA.encode(sequences)
        longest = max(map(len, sequences))
        naive = np.full((200, longest), 4)
        for row, sequence in enumerate(sequences):
            for place, letter in enumerate(sequence):
                naive[row, place] = "ACGT".index(letter)
        np.testing.assert_array_equal(codes, naive)
        assert DNA.decode(codes) == sequences


def test_codes_can_be_written_to() -> None:
    codes = DNA.encode(["ACGT", "AAAA"])
    assert codes.flags.writeable


def test_complement_twice_is_the_same() -> None:
    for name in ("dna", "rna"):
        complement = alphabet_of(name).complement
        assert complement is not None
        np.testing.assert_array_equal(complement[complement], np.arange(5))
    assert alphabet_of("protein").complement is None


@pytest.mark.parametrize(
    ("alphabet", "sequence", "words"),
    [
        ("dna", "ACgT", ["'g' at position 2", "upper and lower case"]),
        ("dna", "ACUU", ["'U' at position 2", "alphabet 'rna'"]),
        ("rna", "ACTU", ["'T' at position 2"]),
        ("rna", "ACTT", ["alphabet 'dna'"]),
        ("protein", "MK*", ["'*' at position 2", "alphabet 'protein*'"]),
        ("dna", "ACNT", ["'N'", "not read"]),
        ("dna", "AC-T", ["gap"]),
        ("dna", "ACGT ", ["' ' at position 4", "space"]),
        ("dna", "ACéT", ["'é' at position 2"]),
        ("dna", "AC\0T", ["position 2"]),
        ("01", "0120", ["'2' at position 2", "the alphabet is 01"]),
        ("dna", "", ["no sequence"]),
    ],
)
def test_what_is_no_letter_is_shown(alphabet: str, sequence: str, words: list[str]) -> None:
    good = alphabet_of(alphabet).letters[0] * 4
    with pytest.raises(DataError) as caught:
        alphabet_of(alphabet).encode([good, good, sequence, sequence], "table.csv", [2, 3, 7, 9])
    assert "table.csv, row 7" in caught.value.where
    for word in words:
        assert word in str(caught.value)


def test_value_that_is_no_text_is_shown() -> None:
    with pytest.raises(DataError, match="no sequence") as caught:
        DNA.encode(["A", float("nan")])  # type: ignore[list-item]
    assert "row 1: nan" in caught.value.where


def test_names_of_alphabets_are_known_in_any_case() -> None:
    assert alphabet_of("DNA") == alphabet_of("dna")
    assert alphabet_of("01").letters == "01"


@pytest.mark.parametrize("letters", ["", "A", "ACCA", "A C", "AÉ", "A\n"])
def test_what_is_no_alphabet_is_refused(letters: str) -> None:
    with pytest.raises(StudyError, match="is no alphabet"):
        alphabet_of(letters)


def test_no_sequences_give_no_codes() -> None:
    assert Alphabet("AB").encode([]).shape == (0, 0)
