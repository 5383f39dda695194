"""Targets of a guide to order: how many there are, that each is what it says, and refusals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.pairing import perfect

GUIDE = "GACGCATAAAGATGAGACGCTGG"
CAS12A = "TTTA" + "GACGCATAAAGATGAGACGC"


def test_every_single_mismatch_is_there_once():
    made = pajamo.design_targets([GUIDE], deletions=False, insertions=False)
    assert made["kind"].tolist() == ["matched"] + ["mismatch"] * 60
    assert made.loc[0, ["guide", "target", "changes", "differences"]].tolist() == [GUIDE, GUIDE, "", 0]
    assert made["target"].is_unique
    for target, changes in made[["target", "changes"]].iloc[1:].itertuples(index=False):
        own, met, place = re.fullmatch(r"(.)>(.) at (\d+)", changes).groups()
        at = 20 - int(place)
        assert (GUIDE[at], target[at]) == (own, met)
        assert target[:at] + GUIDE[at] + target[at + 1 :] == GUIDE


def test_bulges_are_where_an_alignment_finds_them():
    made = pajamo.design_targets([GUIDE], mismatches=False)
    bulges = made[made["kind"] != "matched"]
    # Three bases of one run are one deletion.
    assert (bulges["kind"] == "deletion").sum() == 18
    enzyme, alphabet = enzyme_of("Cas9"), PairAlphabet(pam=3)
    turned = [[enzyme.from_pam(text) for text in bulges[column]] for column in ("guide", "target")]
    codes = alphabet.encode_pairs(*turned)
    assert ((~perfect()[codes]).sum(axis=1) == 1).all()
    for row, changes in zip(codes, bulges["changes"], strict=True):
        place = int(np.flatnonzero(~perfect()[row])[0])
        name = alphabet.names[row[place]]
        said = (
            f"{name} at {place - 2}" if name.endswith("-") else f"{name.partition('=')[2]} behind {place - 2}"
        )
        assert said == changes


def test_doubles_are_drawn_by_the_seed_and_all_if_asked_for():
    only = {"mismatches": False, "deletions": False, "insertions": False}
    one, same, other = (pajamo.design_targets([GUIDE], doubles=25, seed=seed, **only) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert set(one["target"]) != set(other["target"])
    assert (one["kind"] == "double").sum() == 25
    apart = [sum(a != b for a, b in zip(GUIDE, target, strict=True)) for target in one["target"]]
    assert apart == one["differences"].tolist() == [0] + [2] * 25
    assert len(pajamo.design_targets([GUIDE], doubles=None, **only)) == 1 + 190 * 9


def test_places_are_counted_from_the_pam_on_either_side():
    made = pajamo.design_targets([CAS12A], enzyme="Cas12a", deletions=False, insertions=False, pam=True)
    kinds = made["kind"].value_counts()
    # TTTV: three places ask for T and one for anything but T.
    assert (kinds["mismatch"], kinds["PAM"]) == (60, 12)
    beside = made[made["changes"].str.endswith(" at 1")]["target"]
    assert all(target[:4] == "TTTA" and target[5:] == CAS12A[5:] and target[4] != "G" for target in beside)


def test_designs_go_from_a_file_to_a_file_that_can_be_scored(tmp_path: Path, command):
    (tmp_path / "guides.txt").write_text(f"{GUIDE}\n{GUIDE[::-1][3:]}AGG\n{GUIDE}\n", encoding="utf-8")
    outcome = command(
        "targets", tmp_path / "guides.txt", "--doubles", "3", "--output", tmp_path / "targets.csv"
    )
    assert outcome.code == 0, outcome.err
    assert "2 matched" in outcome.out
    made = pd.read_csv(tmp_path / "targets.csv", keep_default_na=False)
    assert (made["kind"] == "double").sum() == 6
    pajamo_made = pajamo.design_targets(tmp_path / "guides.txt", doubles=3)
    pd.testing.assert_frame_equal(made, pajamo_made)


@pytest.mark.parametrize(
    ("guides", "words"),
    [
        ([], "there are no guides"),
        (["GACGCATAAAGATGAGACGCTGA"], "no PAM of Cas9"),
        (["GACGCATAAAGATGAGACGCNGG"], "no base"),
        (["GACGCATAAAGA-GAGACGCTGG"], "no base"),
        (["GACGCATAAAGAXGAGACGCTGG"], "letters outside"),
    ],
)
def test_guides_that_cannot_be_ordered_are_refused(guides, words):
    with pytest.raises(pajamo.PajamoError, match=words):
        pajamo.design_targets(guides)


def test_numbers_below_zero_are_refused():
    with pytest.raises(pajamo.PajamoError, match="doubles"):
        pajamo.design_targets([GUIDE], doubles=-1)
