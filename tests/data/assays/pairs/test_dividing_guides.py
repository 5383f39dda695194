"""Every guide is in one set, whatever table its rows are in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.dividing import divided, protospacers
from pajamo.data.assays.pairs.enzymes import ENZYMES
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.errors import SplitError

CAS9, PAM = ENZYMES["Cas9"], 3
RNG = np.random.default_rng(5)
GUIDES = ["".join(row) for row in RNG.choice(list("ACGT"), size=(14, 20))]


def experiment_of(name: str, guides: list[str], rows: int = 4) -> Experiment:
    """So many pairs a guide, one base of each changed; every second was found."""
    alphabet = PairAlphabet(pam=PAM)
    listed = [(f"{guide}NGG", f"{guide[:k]}{'A' if guide[k] != 'A' else 'C'}{guide[k + 1 :]}AGG")
              for guide in guides for k in range(rows)]  # fmt: skip
    pairs = read_pairs([g for g, _ in listed], [t for _, t in listed], CAS9, pam=PAM)
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets)
    label = np.arange(len(codes)) % 2.0
    return Experiment(
        name, codes, {"label": label, "guide": pairs.guide_of * 1.0}, np.zeros(len(codes), np.int8)
    )


def assay_of(**guides: list[str]) -> Assay:
    """Tables with these guides."""
    experiments = tuple(experiment_of(name, own) for name, own in guides.items())
    return Assay(PairAlphabet(pam=PAM), experiments[0].codes[0], experiments)


def divide(assay: Assay, **more: object) -> object:
    """With the usual enzyme."""
    return divided(assay, {e.name: CAS9 for e in assay.experiments}, pam=PAM, **more)  # type: ignore[arg-type]


def sets_by_guide(made: object) -> dict[str, set[int]]:
    """All sets in which a guide has rows."""
    found: dict[str, set[int]] = {}
    for experiment in made.assay.experiments:  # type: ignore[attr-defined]
        guides, place = protospacers(experiment.codes, PAM, CAS9)
        for guide, number in zip(place, experiment.set_of, strict=True):
            found.setdefault(guides[guide], set()).add(int(number))
    return found


def test_protospacers_are_read_back_from_codes() -> None:
    """The guide of a pair is known from its codes, whatever its target is."""
    guides, place = protospacers(experiment_of("a", GUIDES[:3]).codes, PAM, CAS9)
    assert sorted(guides) == sorted(GUIDES[:3])
    assert [guides[p] for p in place] == [guide for guide in GUIDES[:3] for _ in range(4)]


def test_shorter_guides_have_shorter_names() -> None:
    """Missing codes at the end are no letters."""
    alphabet = PairAlphabet(pam=PAM)
    pairs = read_pairs(
        [GUIDES[0] + "NGG", GUIDES[1][:17] + "NGG"],
        [GUIDES[0] + "AGG", GUIDES[1][:17] + "AGG"],
        CAS9,
        pam=PAM,
    )
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets)
    guides, place = protospacers(codes, PAM, CAS9)
    assert [guides[p] for p in place] == [GUIDES[0], GUIDES[1][:17]]


@pytest.mark.parametrize("seed", range(5))
def test_every_guide_is_in_one_set(seed: int) -> None:
    """Also where tables share guides, and the guides of test tables are test guides everywhere."""
    assay = assay_of(one=GUIDES[:8], other=GUIDES[5:12], test=[*GUIDES[11:], GUIDES[0]])
    made = divide(assay, tests=["test"], share=0.25, seed=seed)
    found = sets_by_guide(made)
    assert all(len(sets) == 1 for sets in found.values())
    assert all(found[guide] == {2} for guide in [*GUIDES[11:], GUIDES[0]])
    assert {place for sets in found.values() for place in sets} == {0, 1, 2}
    assert any("one: 4 rows of 1 guides" in note for note in made.notes)  # type: ignore[attr-defined]


def test_each_table_with_several_guides_is_validated() -> None:
    """A share of the guides of each table is drawn, not of all together; a table of one guide gives none."""
    made = divide(assay_of(one=GUIDES[:5], other=GUIDES[5:10], single=GUIDES[10:11]), tests=[], share=0.2)
    counts = made.counts()  # type: ignore[attr-defined]
    drawn = counts[counts["set"] == "validation"]
    assert list(drawn["experiment"]) == ["one", "other"]
    assert (drawn["guides"] == 1).all()
    assert (drawn["found"] == 2).all()


def test_named_validation_guides_are_the_only_ones() -> None:
    """Nothing is drawn beside them."""
    made = divide(assay_of(one=GUIDES[:8]), tests=[], validation_guides=GUIDES[2:4])
    found = sets_by_guide(made)
    assert {guide for guide, sets in found.items() if sets == {SETS.index("validation")}} == set(GUIDES[2:4])


def test_a_validation_guide_that_is_tested_is_refused() -> None:
    """It would choose among models by what they are tested on."""
    with pytest.raises(SplitError, match="test guides"):
        divide(assay_of(one=GUIDES[:4], test=GUIDES[3:5]), tests=["test"], validation_guides=[GUIDES[3]])


def test_tables_that_leave_no_guide_are_refused() -> None:
    """All training guides are test guides."""
    with pytest.raises(SplitError, match="no guide is left"):
        divide(assay_of(one=GUIDES[:2], test=GUIDES[:2]), tests=["test"])


def test_near_guides_across_the_division_are_noted() -> None:
    """Two bases apart: targets of one are targets of the other."""
    near = "AA" + GUIDES[0][2:] if not GUIDES[0].startswith("AA") else "CC" + GUIDES[0][2:]
    made = divide(assay_of(one=GUIDES[:3], test=[near]), tests=["test"], share=0.0)
    assert any("differ by" in note for note in made.notes)  # type: ignore[attr-defined]


def test_sets_that_rows_come_with_do_not_count() -> None:
    """A table's random split by pair would put a guide on both sides."""
    assay = assay_of(one=GUIDES[:6])
    random = np.random.default_rng(0).integers(0, 3, assay.experiments[0].n).astype(np.int8)
    mixed = replace(assay, experiments=(replace(assay.experiments[0], set_of=random),))
    one, other = divide(assay, tests=[]), divide(mixed, tests=[])
    assert (one.assay.experiments[0].set_of == other.assay.experiments[0].set_of).all()  # type: ignore[attr-defined]
