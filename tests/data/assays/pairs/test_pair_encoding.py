"""Guide-target pairs become codes, and back: against a plain reference, pair by pair, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from pajamo.data.assays import alphabet_of
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.pairing import channels, names, perfect
from pajamo.data.assays.pairs.prices import EXTEND, FLANK, MISMATCH, OPEN, PAM_GAP, PAM_MISMATCH
from pajamo.errors import DataError

PAIRS = PairAlphabet()


def named(text: str) -> list[str]:
    """Names of the codes of one pair, without those of missing positions."""
    codes = PAIRS.encode([text])[0]
    return [PAIRS.names[code] for code in codes if code != PAIRS.missing]


def reference(guide: str, target: str, pam: int = 0) -> list[str]:
    """Names of the codes of one pair, by recursion over every alignment and every length of the flank."""
    most = max(len(target) - len(guide), 0) if pam else 0
    tried = [aligned(guide, target[flank:], pam) for flank in range(most + 1)]
    return min(enumerate(tried), key=lambda way: way[1][1] + FLANK * way[0])[1][0]


def aligned(guide: str, target: str, pam: int) -> tuple[list[str], int]:
    """One pair by memoised recursion over every alignment: names of its codes, and the cost.

    A pairing is preferred to a gap of the same cost, so that bulges lie far from the PAM.
    """

    def gap(i: int, before: str, kind: str) -> int:
        return (EXTEND if before == kind else OPEN) + (PAM_GAP if i < pam else 0)

    @cache
    def best(i: int, j: int, before: str) -> tuple[int, str]:
        if i == len(guide) and j == len(target):
            return 0, ""
        ways = []
        if i < len(guide) and j < len(target):
            differ = guide[i] not in ("N", target[j])
            price = PAM_MISMATCH if i < pam else MISMATCH
            ways.append((best(i + 1, j + 1, "pair")[0] + price * differ, "pair"))
        if i < len(guide):
            ways.append((best(i + 1, j, "del")[0] + gap(i, before, "del"), "del"))
        if j < len(target):
            ways.append((best(i, j + 1, "ins")[0] + gap(i, before, "ins"), "ins"))
        return min(ways, key=lambda way: way[0])

    return followed(guide, target, lambda *place: best(*place)[1]), best(0, 0, "pair")[0]


def followed(guide: str, target: str, way: Callable[[int, int, str], str]) -> list[str]:
    """Names of the codes of one pair, step by step along an alignment."""
    i, j, before = 0, 0, "pair"
    met, behind = [""] * len(guide), [""] * len(guide)
    while i < len(guide) or j < len(target):
        before = way(i, j, before)
        if before == "pair":
            met[i] = target[j]
        elif before == "ins":
            behind[max(i - 1, 0)] += target[j]
        i, j = i + (before != "ins"), j + (before != "del")
    found = []
    for own, other, more in zip(guide, met, behind, strict=True):
        base = f"{own}=" if own == other else f"{own}>{other}" if other else f"{own}-"
        found.append(base + (f"+{more if len(more) == 1 else 'N'}" if more else ""))
    return found


def random_pairs(seed: int, pairs: int, length: int) -> list[tuple[str, str]]:
    """Guides, and targets that come of them by a few substitutions, insertions and deletions."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(pairs):
        guide = [*rng.choice(list("ACGTN"), size=2), *rng.choice(list("ACGT"), size=length - 2)]
        target = [base if base != "N" else "A" for base in guide]
        for place in rng.integers(0, length, size=rng.integers(0, 8)):
            target[place] = str(rng.choice(list("ACGT")))
        for _ in range(rng.integers(0, 3)):
            target.insert(int(rng.integers(0, len(target) + 1)), str(rng.choice(list("ACGTN"))))
        for _ in range(rng.integers(0, 3)):
            target.pop(int(rng.integers(0, len(target))))
        found.append(("".join(guide), "".join(target)))
    return found


@pytest.mark.parametrize("pam", [0, 2, 3, 6])
@pytest.mark.parametrize("length", [4, 9, 15])
def test_codes_equal_a_reference_pair_by_pair(length: int, pam: int) -> None:
    pairs = random_pairs(length, 150, length)
    alphabet = PairAlphabet(pam=pam)
    codes = alphabet.encode_pairs([guide for guide, _ in pairs], [target for _, target in pairs])
    for row, (guide, target) in zip(codes, pairs, strict=True):
        assert [PAIRS.names[code] for code in row] == reference(guide, target, pam), (guide, target)


@pytest.mark.parametrize("pam", [0, 2, 4])
def test_pairs_that_have_little_in_common_are_aligned_as_the_reference_does(pam: int) -> None:
    """Random targets of any length near the guide's, which stray far from base against base."""
    rng, alphabet = np.random.default_rng(pam), PairAlphabet(pam=pam)
    for _ in range(120):
        guide = "".join(rng.choice(list("ACGTN"), size=10))
        target = "".join(rng.choice(list("ACGT"), size=rng.integers(6, 15)))
        found = [PAIRS.names[code] for code in alphabet.encode_pairs([guide], [target])[0]]
        assert found == reference(guide, target, pam), (guide, target)


def test_costs_that_do_not_fit_into_a_byte_are_counted_all_the_same() -> None:
    rng, alphabet = np.random.default_rng(0), PairAlphabet(pam=3)
    for length, other in ((62, 62), (60, 66), (66, 59)):
        guide, target = ("".join(rng.choice(list("ACGT"), size=size)) for size in (length, other))
        row = alphabet.encode_pairs([guide], [target])[0]
        assert [PAIRS.names[code] for code in row] == reference(guide, target, 3)


def test_pairs_of_equal_length_without_a_gap_in_reach_are_compared_base_by_base() -> None:
    rng = np.random.default_rng(0)
    guides = rng.choice(list("ACGT"), size=(300, 20))
    targets = guides.copy()
    for row, target in enumerate(targets):
        target[rng.integers(0, 20, size=row % 5)] = "A"
    codes = PAIRS.encode_pairs(["".join(row) for row in guides], ["".join(row) for row in targets])
    found = np.array(PAIRS.names)[codes]
    same = guides == targets
    assert (found[same] == np.char.add(guides, "=")[same]).all()
    assert (found[~same] == np.char.add(np.char.add(guides, ">"), targets)[~same]).all()


def test_a_bulge_that_explains_six_mismatches_is_taken_as_one() -> None:
    """A base left out and another added at the end: cheaper than pairing base by base."""
    guide = "GGNACGTACGTACGTACGTACGT"
    target = "GGAACGTACTACGTACGTACGTA"
    found = PAIRS.encode([f"{guide}:{target}"])[0]
    assert (~perfect()[found]).sum() == 2
    assert [PAIRS.names[code] for code in found] == reference(guide, target)


def test_a_bulge_lies_as_far_from_the_pam_as_its_bases_allow() -> None:
    """In a run of A the last one is the one that is left out, or behind which one is added."""
    assert named("GGCAAAT:GGCAAT") == ["G=", "G=", "C=", "A=", "A=", "A-", "T="]
    assert named("GGCAAT:GGCAAAT") == ["G=", "G=", "C=", "A=", "A=+A", "T="]


CAS9 = "GGNCGCAGAGTAGAAATACGCAG"
"""A guide from its PAM outwards."""


@pytest.mark.parametrize(
    ("pam", "differences"),
    [
        ("TGG", []),
        ("TGGA", []),
        ("TGGG", []),
        ("TGGCA", []),
        ("TGGGG", []),
        ("TGAG", ["0 G>A"]),
        ("TGCGA", ["0 G>C"]),
        ("TAGCG", ["1 G>A"]),
        ("ATGG", ["2 N>T+A"]),
        ("CTGGA", ["3 C=+C"]),
        ("TAGG", ["2 N>A+T"]),
        ("TCGGG", ["2 N>C+T"]),
        ("GG", ["3 C-"]),
        ("TGC", ["0 G>C"]),
        ("ACC", ["0 G>C", "1 G>C"]),
    ],
)
def test_the_pam_lies_next_to_the_protospacer_and_what_is_beyond_is_flank(
    pam: str, differences: list[str]
) -> None:
    """What follows the protospacer of a site of Cas9, written 5' to 3', and what differs by position."""
    codes = PairAlphabet(pam=3).encode([f"{CAS9}:{pam[::-1]}{CAS9[3:]}"])[0]
    assert [f"{place} {names()[codes[place]]}" for place in np.flatnonzero(~perfect()[codes])] == differences


def test_a_flank_leaves_no_trace_whatever_the_pair() -> None:
    rng, alphabet = np.random.default_rng(5), PairAlphabet(pam=3)
    targets = [list("GGT" + CAS9[3:]) for _ in range(60)]
    for target in targets:
        for place in rng.integers(3, 20, size=3):
            target[place] = str(rng.choice(list("ACGT")))
    bare = ["".join(target) for target in targets]
    for flank in ("A", "CT", "TCA"):
        codes = alphabet.encode_pairs([CAS9] * 60, [flank + target for target in bare])
        np.testing.assert_array_equal(codes, alphabet.encode_pairs([CAS9] * 60, bare))


def test_gaps_are_taken_as_they_are_written() -> None:
    assert named("GGCA-AT:GGC-TAT") == ["G=", "G=", "C=", "A-+T", "A=", "T="]
    assert named("G--CA:GTTCA") == ["G=+N", "C=", "A="]
    assert named("-GCA:TGCA") == ["G=+T", "C=", "A="]
    assert named("G-CA:G-CT") == ["G=", "C=", "A>T"]


def test_how_a_sequence_is_written_does_not_matter() -> None:
    assert (PAIRS.encode(["ggnacguT:GGAACGTt"]) == PAIRS.encode(["GGNACGTT:GGAACGTT"])).all()
    assert (PAIRS.encode(["G_CA:GTCA"]) == PAIRS.encode(["G-CA:GTCA"])).all()


def test_n_of_a_guide_is_no_mismatch_and_n_of_a_target_none_either() -> None:
    codes = PAIRS.encode(["GGNAC:GGTAC", "GGNAC:GGNAC", "GGAAC:GGANC"])
    assert perfect()[codes].all()
    for changes in ("to", "kind"):
        assert not channels(changes)[codes].any()


def test_pairs_of_many_shapes_are_each_as_if_alone() -> None:
    texts = ["GGNACGT:GGAACGT", "GGNAC:GGNAT", "GGNACG:GGNACGT", "GG-AC:GGTAC", ".GGA:.GGT", "GGNACGT:GGT"]
    together = PAIRS.encode(texts)
    for row, text in zip(together, texts, strict=True):
        alone = PAIRS.encode([text])[0]
        np.testing.assert_array_equal(row[: len(alone)], alone)
        assert (row[len(alone) :] == PAIRS.missing).all()


def test_a_shorter_pam_leaves_the_first_positions_missing() -> None:
    codes = PAIRS.encode([".GGNACGT:.GGTACGA", "TTTVACGT:TTTAACGA".replace("V", "N")])
    assert codes[0, 0] == PAIRS.missing
    np.testing.assert_array_equal(codes[0, 4:], codes[1, 4:])


def test_codes_go_to_text_and_back() -> None:
    texts = [f"{guide}:{target}" for guide, target in random_pairs(1, 100, 12)] + [".GGNACGT:.GGTACGA"]
    codes = PAIRS.encode(texts)
    # Where several bases are inserted, or one before the first position, the text says less than the pair did.
    plain = [row for row in codes if not any("+N" in PAIRS.names[c] for c in row if c != PAIRS.missing)]
    assert len(plain) > 50
    np.testing.assert_array_equal(PAIRS.encode(PAIRS.decode(np.array(plain))), plain)


def test_many_pairs_equal_the_same_one_at_a_time() -> None:
    """More pairs than are aligned at once, most of which need the whole table."""
    rng = np.random.default_rng(3)
    guides = ["".join(row) for row in rng.choice(list("ACGT"), size=(9000, 9))]
    targets = ["".join(row) for row in rng.choice(list("ACGT"), size=(9000, 9))]
    codes = PAIRS.encode_pairs(guides, targets)
    for row in rng.integers(0, 9000, size=60):
        np.testing.assert_array_equal(codes[row], PAIRS.encode_pairs([guides[row]], [targets[row]])[0])


def test_nothing_is_encoded_as_nothing() -> None:
    assert PAIRS.encode([]).shape == (0, 0)


def test_the_alphabet_has_a_name_and_a_name_for_each_code() -> None:
    assert alphabet_of("guide-target") == PAIRS
    assert len(set(names())) == len(PAIRS.letters) == PAIRS.missing
    assert PAIRS.complement is None


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["GGA:GGA", "GGAGGA"], ["row 1", "GUIDE:TARGET"]),
        (["GGA:GGA", ":GGA"], ["no guide", "row 1"]),
        (["GGA:GGA", "GGA:"], ["no target", "row 1"]),
        (["GGA:GGA", "---:GGA"], ["no guide", "row 1", "'---'"]),
        (["GGA:GGA", "GGA:GXA", "GGX:GGA"], ["1 guides", "row 2", "'X' in 'GGX'", "A, C, G, T"]),
        (["GGA:GGA", "GGA:GXA", "GGA:GÜA"], ["2 targets", "row 1", "'X' in 'GXA'"]),
        (["GGA:GGA", "G.A:GGA"], ["row 1", "'.' in 'G.A'"]),
        (["GG-A:GGA"], ["4 columns and its target 3", "row 0", "both without"]),
        (["GGAA:GGA", "GGAA:GG-"], ["4 columns and its target 3", "row 1"]),
        ([".GGAA:GGAAA"], ["row 0"]),
    ],
)
def test_what_cannot_be_encoded_says_why(texts: list[str], words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        PAIRS.encode(texts, where="t.csv")
    for word in [*words, "t.csv"]:
        assert word in str(caught.value)


def test_errors_name_the_row_of_the_file() -> None:
    with pytest.raises(DataError, match=r"row 17: 'Q' in 'GQA'"):
        PAIRS.encode_pairs(["GGA", "GGA"], ["GGA", "GQA"], rows=[12, 17])
    with pytest.raises(DataError, match="2 guides and 1 targets"):
        PAIRS.encode_pairs(["GGA", "GGA"], ["GGA"])
    with pytest.raises(DataError, match="row 1: None"):
        PAIRS.encode_pairs(["GGA", None], ["GGA", "GGA"])  # type: ignore[list-item]
