"""Sites of Cas9 with bases inserted by their PAM: those without a difference are cut as the matched target is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.data.assays.pairs.pairing import names, perfect


@pytest.fixture(scope="module")
def sites(dev_data: Path) -> pd.DataFrame:
    """The measured sites, and what differs from the guide, by position: -1 to -3 the PAM, 1 to 20 the protospacer."""
    table = pd.read_csv(dev_data / "kinetics" / "nucleaseq_wtcas9_unique.csv.gz")
    pairs = read_pairs(table["on_target"], table["sequence"], enzyme_of("Cas9"))
    codes = PairAlphabet(pam=3).encode_pairs(pairs.guides, pairs.targets)
    place, name = [-3, -2, -1, *range(1, 21)], names()
    listed = [
        [f"{place[at]} {name[row[at]]}" for at in np.flatnonzero(differs)]
        for row, differs in zip(codes, ~perfect()[codes], strict=True)
    ]
    return table.assign(differences=["; ".join(own) for own in listed])


def test_sites_without_a_difference_are_cut_as_the_matched_target(sites: pd.DataFrame) -> None:
    """Any base in place of the N of NGG, and any base inserted behind the two G."""
    same = sites[sites["differences"] == ""]
    assert len(same) == 18
    assert same["descriptors"].str.contains("-3[ACGT]-2 -2G-1").sum() == 8
    matched = sites.loc[sites["descriptors"].str.contains("Matched"), "log10_k"]
    assert same["log10_k"].between(matched.min() - 0.3, matched.max() + 0.3).all()


@pytest.mark.parametrize(
    ("inserted", "difference"),
    [
        ("1A-1", "-1 N>T+A"),
        ("-1C-2", "-1 N>C+T"),
        ("-2A-3", "-3 G>A"),
        ("-2T-3", "-3 G>T"),
        ("-3A-2 -2A-1", "-2 G>A"),
        ("-3T-2 -2C-1", "-2 G>C"),
        ("-2A-1 20A21", "-1 N>A+T; 20 G=+A"),
        ("d2", "2 G-"),
    ],
)
def test_what_is_inserted_by_the_pam_is_a_bulge_another_pam_or_flank(
    sites: pd.DataFrame, inserted: str, difference: str
) -> None:
    found = sites[(sites["descriptors"] == inserted) & (sites["guide"] == "sgRNA1")]
    assert found["differences"].tolist() == [difference]


def test_no_gap_is_inside_the_pam_unless_the_site_ends_there(sites: pd.DataFrame) -> None:
    inside = sites["differences"].str.contains(r"-[123] \S-|-[23] \S*\+")
    assert 0 < inside.sum() == sites.loc[inside, "descriptors"].str.contains("d-2|d-3").sum()
