"""Guides and targets of a table are turned, checked, and told apart by what they are, not by how they are written."""

from __future__ import annotations

import pytest

from pajamo.config.assays import EnzymeSettings
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import ENZYMES, enzyme_of
from pajamo.data.assays.pairs.guides import Pairs, read_pairs
from pajamo.data.assays.pairs.pairing import perfect
from pajamo.errors import DataError, StudyError

CAS9, CAS12A, SACAS9 = (enzyme_of(name) for name in ("Cas9", "cas12a", "SaCas9"))
GUIDE = "GACGCATAAAGATGAGACGC"


def one(guide: str, target: str, enzyme: str = "Cas9", pam: int = 0) -> Pairs:
    return read_pairs([guide], [target], enzyme_of(enzyme), pam=pam)


def test_pairs_start_with_the_pam() -> None:
    pairs = one("GACGCATNGG", "GACGCAAAGG")
    assert pairs.guides == ["GGNTACGCAG"]
    assert pairs.targets == ["GGAAACGCAG"]
    assert one("TTTAGACGC", "TTTCGACGC", "Cas12a").guides == ["TTTAGACGC"]


@pytest.mark.parametrize("name", ENZYMES)
def test_what_is_turned_twice_is_as_it_was(name: str) -> None:
    enzyme = enzyme_of(name)
    assert enzyme.as_written(enzyme.from_pam("AACGT")) == "AACGT"
    assert enzyme.has_pam(enzyme.from_pam(enzyme.pam.replace("R", "A").replace("V", "C")))


@pytest.mark.parametrize(
    ("name", "guide"), [("SpRY", "TAC"), ("SpG", "TGA"), ("Cas9-NG", "AGT"), ("xcas9", "CGA")]
)
def test_variants_of_spcas9_take_other_pams(name: str, guide: str) -> None:
    assert one(GUIDE + guide, GUIDE + guide, name).protospacer(0) == GUIDE
    with pytest.raises(DataError, match=f"no PAM of {enzyme_of(name).name}"):
        one(GUIDE + "TCC", GUIDE + "TGG", name)


def test_an_enzyme_may_be_given_by_its_pam() -> None:
    enzyme = enzyme_of(EnzymeSettings(pam="NNAGAAW", side="3'"))
    assert (enzyme.pam, enzyme.asked) == ("NNAGAAW", "NAAGANN")
    with pytest.raises(DataError, match="no PAM of the enzyme with NNAGAAW"):
        read_pairs([GUIDE + "TGG"], [GUIDE + "TGG"], enzyme)
    any_pam = enzyme_of(EnzymeSettings(pam="NNN"))
    pairs = read_pairs([GUIDE + "TAG", GUIDE + "TCC"], [GUIDE + "TGG"] * 2, any_pam)
    assert pairs.different == ("NNN" + GUIDE[::-1],)
    assert read_pairs([GUIDE], [GUIDE], enzyme_of(EnzymeSettings(pam=""))).protospacer(0) == GUIDE


def test_a_pam_is_what_the_motif_allows() -> None:
    for enzyme, allowed, other in (
        (CAS9, ["GGT", "GGN", "GGAC"], ["GNA", "GA", "GA", "TGG"]),
        (CAS12A, ["TTTA", "TTTN"], ["TTTT", "NTTA"]),
        (SACAS9, ["TAGGCA", "TNNGNN"], ["TCGGCA", "AAGGCA"]),
    ):
        assert all(map(enzyme.has_pam, allowed))
        assert not any(map(enzyme.has_pam, other))
    assert (CAS9.asked, CAS12A.asked, SACAS9.asked) == ("GGN", "TTTN", "TNNGNN")


def test_gaps_case_and_the_base_of_the_pams_n_make_no_other_pair() -> None:
    guides = [GUIDE + "NGG", GUIDE + "TGG", GUIDE.lower() + "agg", GUIDE[:5] + "-" + GUIDE[5:] + "CGG"]
    targets = [
        GUIDE + "AGG",
        GUIDE + "AGG",
        GUIDE.replace("T", "U") + "AGG",
        GUIDE[:5] + "_" + GUIDE[5:] + "AGG",
    ]
    pairs = read_pairs(guides, targets, CAS9)
    assert len(set(pairs.keys)) == 1
    assert pairs.different == ("GGN" + GUIDE[::-1],)
    assert pairs.guide_of.tolist() == [0, 0, 0, 0]
    assert pairs.protospacer(0) == GUIDE


def test_the_base_in_place_of_the_pams_n_makes_no_other_codes() -> None:
    """NGG and TGG beside a protospacer are one guide, and meet a target alike."""
    alphabet, target = PairAlphabet(pam=3), GUIDE[1:] + "AGG"
    written = [GUIDE + "NGG", GUIDE + "TGG", GUIDE + "t_GG", "-" + GUIDE + "AGG"]
    targets = [target, target, "-" + GUIDE[1:] + "A-GG", "--" + target]
    pairs = read_pairs(written, targets, CAS9)
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets)
    assert (codes == codes[0]).all()
    assert pairs.as_written() == (written, targets)
    assert read_pairs(["TTTA" + GUIDE], ["TTTC" + GUIDE], CAS12A).guides == ["TTTA" + GUIDE]


def test_guides_are_numbered_as_they_appear_and_rows_keep_the_numbers() -> None:
    guides = ["AAAAATGG", "CCCCCTGG", "AAAAAAGG", "GGGGGTGG"]
    pairs = read_pairs(guides, ["AAAAATGG"] * 4, CAS9)
    assert pairs.guide_of.tolist() == [0, 1, 0, 2]
    some = pairs.rows(pairs.guide_of.nonzero()[0])
    assert some.guide_of.tolist() == [1, 2]
    assert some.as_written() == (["CCCCCTGG", "GGGGGTGG"], ["AAAAATGG"] * 2)
    assert [some.protospacer(place) for place in range(3)] == ["AAAAA", "CCCCC", "GGGGG"]


def test_protospacers_of_enzymes_with_other_pams_lie_at_the_same_positions() -> None:
    alphabet = PairAlphabet(pam=4)
    short, long = (
        one(GUIDE + "TGG", GUIDE + "TGG", pam=4),
        one("TTTA" + GUIDE[::-1], "TTTA" + GUIDE[::-1], "Cas12a", 4),
    )
    first, second = (alphabet.encode_pairs(pairs.guides, pairs.targets)[0] for pairs in (short, long))
    assert first[0] == alphabet.missing
    assert (first[4:] == second[4:]).all()
    assert perfect()[first].all()
    assert short.keys == ["GGN" + GUIDE[::-1] + ":GGT" + GUIDE[::-1]]
    assert short.as_written() == ([GUIDE + "TGG"], [GUIDE + "TGG"])


@pytest.mark.parametrize(
    ("guide", "target", "words"),
    [
        (
            GUIDE,
            GUIDE + "TGG",
            ["1 guides have no PAM of Cas9", "row 3", "20 letters", "20 bases and NGG", 'pam = "NNN"'],
        ),
        ("NGG", GUIDE + "TGG", ["no PAM of Cas9", "3 letters"]),
        ("GG", GUIDE + "TGG", ["no PAM"]),
        (GUIDE[:9] + "N" + GUIDE[10:] + "TGG", GUIDE + "TGG", ["N in their protospacer", "row 3"]),
        (GUIDE + "TGG", "TGG", ["1 targets are no longer than the PAM", "row 3", "'TGG'"]),
        (GUIDE + "TGG", "", ["no target", "row 3"]),
        ("", GUIDE, ["no guide", "row 3"]),
        (GUIDE + "XGG", GUIDE, ["letters outside the alphabet", "row 3", "'X'"]),
        (GUIDE + "TGG", GUIDE + "-ZGG", ["letters outside the alphabet", "row 3", "'Z'"]),
        (None, GUIDE, ["no guide", "row 3"]),
    ],
)
def test_what_is_no_pair_says_why(guide: str, target: str, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        read_pairs([GUIDE + "TGG", guide], [GUIDE + "TGG", target], CAS9, where="t.csv", rows=[2, 3])
    for word in [*words, "t.csv"]:
        assert word in str(caught.value)


def test_a_target_may_have_any_pam() -> None:
    assert one(GUIDE + "TGG", GUIDE + "AAT").n == 1


def test_a_guide_of_cas12a_has_its_pam_in_front() -> None:
    with pytest.raises(DataError, match="TTTV and 20 bases"):
        one(GUIDE + "TGG", GUIDE + "TGG", "Cas12a")


def test_a_guide_whose_pam_contradicts_its_enzyme_says_what_to_do() -> None:
    with pytest.raises(DataError, match=r"""enzyme = \{ pam = "NNN", side = "3'" \} takes any PAM"""):
        one(GUIDE + "TAG", GUIDE + "TAG")
    assert read_pairs([GUIDE + "TAG"], [GUIDE + "TGG"], enzyme_of(EnzymeSettings(pam="NRG"))).n == 1


def test_an_unknown_enzyme_names_the_nearest() -> None:
    with pytest.raises(StudyError, match="did you mean 'Cas12a'"):
        enzyme_of("Cas12")
