"""Splits hold out what they say, and planted leaks are caught."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.config import SplitSettings
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments, Pseudobulk
from pajamo.data.splits import Fold, Split, check_leaks, make_split
from pajamo.errors import IntegrityError, SplitError

GENES = tuple("ABCDEFGH")
PAIRS = tuple(combinations(GENES, 2))[::2]
SINGLES = tuple(Condition((gene,)) for gene in GENES)
DOUBLES = tuple(Condition(pair) for pair in PAIRS)
PERTURBED = SINGLES + DOUBLES


def bulk_of(conditions: tuple[Condition, ...], seed: int = 0, means: np.ndarray | None = None) -> Pseudobulk:
    controls = tuple({condition.control: None for condition in conditions})
    every = controls + conditions
    rng = np.random.default_rng(seed)
    values = (
        rng.normal(size=(len(every), 6))
        if means is None
        else np.vstack([np.zeros((len(controls), 6)), means])
    )
    half = Moments(np.full(len(every), 20), values, np.ones_like(values))
    return Pseudobulk(pd.Index(list("uvwxyz")), every, (half, half))


def split_of(conditions: tuple[Condition, ...] = PERTURBED, seed: int = 0, **settings) -> Split:
    return make_split(SplitSettings(**settings), bulk_of(conditions), seed)


def genes_of(conditions: tuple[Condition, ...]) -> set[str]:
    return {gene for condition in conditions for gene in condition.genes}


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "doubles"},
        {"kind": "cluster", "folds": 3},
        {"kind": "missing-single", "missing": 1},
        {"kind": "missing-single", "missing": 2},
        {"kind": "leave-gene-out", "missing": 1},
        {"kind": "leave-gene-out", "missing": 2},
        {"kind": "unseen-perturbation", "folds": 4},
    ],
)
def test_every_kind_divides_without_overlap_and_is_reproducible(settings: dict) -> None:
    split = split_of(**settings)
    assert split.hash == split_of(**settings).hash
    for fold in split.folds:
        assert fold.train
        assert fold.test
        assert not set(fold.train) & set(fold.test)
        assert set(fold.train) | set(fold.test) <= set(PERTURBED)
    assert split.counts().shape[0] == len(split.folds)


def test_doubles_keep_all_singles_and_hold_out_the_share() -> None:
    split = split_of(kind="doubles", holdout=0.25, folds=7)
    assert len(split.folds) == 7
    assert len({fold.test for fold in split.folds}) > 1
    for fold in split.folds:
        assert set(SINGLES) <= set(fold.train)
        assert len(fold.test) == round(0.25 * len(DOUBLES))
        assert len(fold.train) + len(fold.test) == len(PERTURBED)


@pytest.mark.parametrize("kind", ["doubles", "missing-single"])
def test_larger_shares_contain_smaller_ones(kind: str) -> None:
    quarter, half, most = (split_of(kind=kind, holdout=share, seed=3) for share in (0.25, 0.5, 0.75))
    for small, middle, large in zip(quarter.folds, half.folds, most.folds, strict=True):
        assert set(small.test) < set(middle.test) <= set(large.test)


def test_cluster_groups_doubles_that_respond_alike() -> None:
    means = np.zeros((len(PERTURBED), 6))
    group = np.arange(len(DOUBLES)) % 3
    means[len(SINGLES) + np.arange(len(DOUBLES)), group] = 10.0
    split = make_split(SplitSettings(kind="cluster", folds=3), bulk_of(PERTURBED, means=means), 0)
    found = {frozenset(fold.test) for fold in split.folds}
    planted = {frozenset(d for d, g in zip(DOUBLES, group, strict=True) if g == k) for k in range(3)}
    assert found == planted


@pytest.mark.parametrize("missing", [1, 2])
def test_missing_single_leaves_exactly_as_many_as_asked(missing: int) -> None:
    for seed in range(5):
        for fold in split_of(kind="missing-single", missing=missing, holdout=0.5, seed=seed).folds:
            for double in fold.test:
                assert sum(part in fold.train for part in double.parts()) == 2 - missing
            assert sum(c.order == 2 for c in fold.train) + len(fold.test) == len(DOUBLES)


@pytest.mark.parametrize("missing", [1, 2])
def test_leave_gene_out_holds_every_double_of_the_gene(missing: int) -> None:
    split = split_of(kind="leave-gene-out", missing=missing)
    assert [fold.name for fold in split.folds] == [f"without-{gene}" for gene in sorted(genes_of(DOUBLES))]
    for fold in split.folds:
        gene = fold.name.removeprefix("without-")
        assert set(fold.test) == {d for d in DOUBLES if gene in d.genes}
        singles = {c.genes[0] for c in fold.train if c.order == 1}
        gone = {gene} if missing == 1 else genes_of(fold.test)
        assert singles == set(GENES) - gone


def test_genes_to_leave_out_can_be_named() -> None:
    assert [f.name for f in split_of(kind="leave-gene-out", held=("C",)).folds] == ["without-C"]
    with pytest.raises(SplitError, match="CC is in no combination") as caught:
        split_of(kind="leave-gene-out", held=("CC",))
    assert "did you mean 'C'?" in caught.value.fix


def test_a_triangle_cannot_lack_exactly_one_single_in_each_double() -> None:
    triangles = tuple(Condition(pair) for genes in ("ABC", "DEF") for pair in combinations(genes, 2))
    conditions = (*SINGLES, *triangles)
    split = split_of(conditions, kind="missing-single", missing=1, holdout=0.9)
    assert {len(fold.test) for fold in split.folds} == {4}
    assert split.notes == ("some folds hold out 4 doubles, not 5: no more can each lack exactly one single",)
    assert split_of(conditions, kind="missing-single", missing=2, holdout=0.9).notes == ()


def test_unseen_perturbation_is_a_partition_of_the_genes() -> None:
    split = split_of(kind="unseen-perturbation", folds=4)
    unseen = [set(GENES) - genes_of(fold.train) for fold in split.folds]
    assert sorted(gene for part in unseen for gene in part) == list(GENES)
    for fold, part in zip(split.folds, unseen, strict=True):
        assert set(fold.test) == {c for c in PERTURBED if part & set(c.genes)}


def test_context_and_time_are_left_out_in_turn_or_by_name() -> None:
    conditions = tuple(Condition((g,), c, t) for g in "AB" for c in ("K562", "RPE1") for t in (2.0, 10.0))
    contexts = split_of(conditions, kind="context")
    assert [fold.name for fold in contexts.folds] == ["context=K562", "context=RPE1"]
    assert all(c.context == "K562" for c in contexts.folds[0].test)
    assert len(contexts.folds[0].test) == len(contexts.folds[0].train) == 4
    times = split_of(conditions, kind="time")
    assert [fold.name for fold in times.folds] == ["time=2", "time=10"]
    assert [fold.name for fold in split_of(conditions, kind="time", held=("10",)).folds] == ["time=10"]


def test_a_combination_is_held_out_in_all_contexts_at_once() -> None:
    everywhere = tuple(replace(c, context=context) for c in PERTURBED for context in ("x", "y"))
    for fold in split_of(everywhere, kind="doubles").folds:
        assert not {c.genes for c in fold.test} & {c.genes for c in fold.train}
        assert len(fold.test) == 2 * len({c.genes for c in fold.test})


def test_doubles_without_singles_are_named_and_not_held_out() -> None:
    orphan = Condition(("Y", "Z"))
    for settings in ({"kind": "doubles", "holdout": 0.9}, {"kind": "cluster"}, {"kind": "leave-gene-out"}):
        split = split_of((*PERTURBED, orphan), **settings)
        assert all(orphan not in fold.test for fold in split.folds)
        assert len(split.notes) == 1
        assert "1 combinations" in split.notes[0]
        assert "Y+Z" in split.notes[0]


@pytest.mark.parametrize(
    ("conditions", "settings", "needed", "found"),
    [
        (SINGLES, {"kind": "doubles"}, 2, 0),
        ((*SINGLES, *DOUBLES[:3]), {"kind": "cluster", "folds": 4}, 4, 3),
        ((*DOUBLES, SINGLES[0]), {"kind": "missing-single"}, 2, 0),
        (SINGLES, {"kind": "leave-gene-out"}, 1, 0),
        (SINGLES[:3], {"kind": "unseen-perturbation", "folds": 4}, 4, 3),
        (PERTURBED, {"kind": "context"}, 2, 1),
        (PERTURBED, {"kind": "time"}, 2, 1),
    ],
)
def test_too_little_is_refused_with_what_is_needed_and_found(conditions, settings, needed, found) -> None:
    with pytest.raises(SplitError, match=rf"needs {needed} .*has {found}\n") as caught:
        split_of(conditions, **settings)
    assert caught.value.fix


@pytest.mark.parametrize("kind", ["cluster", "unseen-perturbation"])
def test_a_partition_has_two_parts(kind: str) -> None:
    with pytest.raises(SplitError, match="the study says 1"):
        split_of(kind=kind, folds=1)


def test_unknown_held_values_are_named() -> None:
    conditions = tuple(Condition(("A",), c, t) for c in ("K562", "RPE1") for t in (2.0, 3.0))
    with pytest.raises(SplitError, match="K56") as caught:
        split_of(conditions, kind="context", held=("K56",))
    assert "did you mean 'K562'?" in caught.value.fix
    with pytest.raises(SplitError, match="not a time"):
        split_of(conditions, kind="time", held=("noon",))


def leaked(split: Split, extra: Condition) -> Split:
    first = split.folds[0]
    return replace(split, folds=(Fold(first.name, (*first.train, extra), first.test), *split.folds[1:]))


def test_planted_leaks_are_caught_and_named() -> None:
    doubles = split_of(kind="doubles")
    check_leaks(doubles)
    same = doubles.folds[0].test[0]
    elsewhere = replace(same, context="other")
    missing = split_of(kind="missing-single", missing=1)
    back = next(part for part in missing.folds[0].test[0].parts() if part not in missing.folds[0].train)
    gene = split_of(kind="leave-gene-out", missing=1)
    both = split_of(kind="leave-gene-out", missing=2)
    partner = Condition((next(iter(genes_of(both.folds[0].test) - {"A"})),))
    unseen = split_of(kind="unseen-perturbation", folds=4)
    hidden = next(c for c in unseen.folds[0].test if c.order == 1)
    contexts = tuple(Condition((g,), c, t) for g in "AB" for c in ("x", "y") for t in (1.0, 2.0))
    planted = [
        (doubles, same, str(same)),
        (doubles, elsewhere, str(same)),
        (missing, back, str(missing.folds[0].test[0])),
        (gene, Condition(("A", "X")), "A+X"),
        (both, partner, str(partner)),
        (unseen, Condition((*hidden.genes, "Q")), str(hidden)),
        (split_of(contexts, kind="context"), Condition(("Z",), "x", 9.0), "Z in x at 9"),
        (split_of(contexts, kind="time"), Condition(("Z",), "q", 1.0), "Z in q at 1"),
    ]
    for split, extra, name in planted:
        with pytest.raises(SplitError, match=f"leaks: .*{re.escape(name)}"):
            check_leaks(leaked(split, extra))


def test_controls_singles_and_empty_sides_are_refused() -> None:
    split = split_of(kind="doubles")
    fold = split.folds[0]
    for train, test in (
        ((*fold.train, Condition(())), fold.test),
        (fold.train[1:], (*fold.test, fold.train[0])),
        ((), fold.test),
        (fold.train, ()),
    ):
        with pytest.raises(SplitError):
            check_leaks(replace(split, folds=(Fold("planted", train, test),)))


def test_saved_split_comes_back_and_changes_are_detected(tmp_path: Path) -> None:
    strange = tuple(Condition((name,), "Ωmega/1", 0.1) for name in ("β-actin", "NKX2/5", "C"))
    split = split_of(
        (
            *strange,
            *(Condition((a.genes[0], b.genes[0]), "Ωmega/1", 0.1) for a, b in combinations(strange, 2)),
        ),
        kind="doubles",
    )
    path = tmp_path / "split.json"
    split.save(path)
    assert Split.load(path) == split
    content = json.loads(path.read_text())
    content["folds"][0]["train"].pop()
    path.write_text(json.dumps(content))
    with pytest.raises(IntegrityError, match="changed"):
        Split.load(path)
    for text in ("{", "[]", '{"format": 1}', json.dumps({**content, "format": 99})):
        path.write_text(text)
        with pytest.raises(IntegrityError):
            Split.load(path)
    with pytest.raises(IntegrityError, match="cannot be read"):
        Split.load(tmp_path / "absent.json")


def test_hash_depends_on_everything_but_the_order_of_conditions() -> None:
    split = split_of(kind="doubles")
    fold = split.folds[0]
    turned = replace(split, folds=(Fold(fold.name, fold.train[::-1], fold.test[::-1]), *split.folds[1:]))
    assert turned.hash == split.hash
    others = [replace(split, seed=9), replace(split, folds=split.folds[1:]), replace(split, notes=("x",))]
    assert len({split.hash, *(other.hash for other in others)}) == 4


def test_counts_say_how_much_of_each_held_out_condition_was_seen() -> None:
    fold = Fold("f", SINGLES[:2], (Condition(("A", "B")), Condition(("A", "X")), Condition(("X", "Y"))))
    counts = fold.counts()
    assert (counts["seen_0"], counts["seen_some"], counts["seen_all"]) == (1, 1, 1)
    assert (counts["train_singles"], counts["test_combinations"]) == (2, 3)
