"""On-targets that a table does not list: figures as it stands, and without these rows."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import ENZYMES
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.data.assays.pairs.pairing import on_targets
from pajamo.errors import DataError
from pajamo.evaluation.pairs.conventions import RAW, REMOVED, cut_guides, judge_cuts
from pajamo.evaluation.pairs.discrimination import difference, discrimination, per_guide

PAM = 3


def table(guides: int = 6, rows: int = 30, seed: int = 0) -> Experiment:
    """Each guide's own target, labelled 0, and targets with one base changed."""
    rng = np.random.default_rng(seed)
    listed = []
    for guide in ["".join(row) for row in rng.choice(list("ACGT"), size=(guides, 20))]:
        listed.append((guide + "NGG", guide + "TGG"))
        for place in rng.integers(0, 20, rows - 1):
            target = guide[:place] + ("A" if guide[place] != "A" else "C") + guide[place + 1 :]
            listed.append((guide + "NGG", target + "AGG"))
    pairs = read_pairs([g for g, _ in listed], [t for _, t in listed], ENZYMES["Cas9"], pam=PAM)
    codes = PairAlphabet(pam=PAM).encode_pairs(pairs.guides, pairs.targets)
    label = (rng.random(len(codes)) < 0.2).astype(float)
    label[::rows] = 0
    recorded = {"label": label, "guide": pairs.guide_of.astype(float)}
    return Experiment("cells", codes, recorded, np.full(len(codes), 2, np.int8))


def test_on_targets_are_the_rows_that_match_the_protospacer() -> None:
    """Whatever base stands in place of the PAM's N."""
    assert (np.flatnonzero(on_targets(table().codes, PAM)) == np.arange(0, 180, 30)).all()


def test_figures_are_those_of_the_rows_that_count() -> None:
    """One pass over resamples gives what each figure alone gives on the rows of its convention."""
    experiment = table()
    rng = np.random.default_rng(1)
    label, guide = experiment.recorded["label"], experiment.recorded["guide"]
    said = {"one": label + rng.normal(size=len(label)), "other": rng.normal(size=len(label))}
    judged = judge_cuts(experiment, said, "one", PAM, seed=4)
    kept = ~on_targets(experiment.codes, PAM)
    for convention, rows in ((RAW, np.ones(len(label), bool)), (REMOVED, kept)):
        for name, own in said.items():
            expected = discrimination(own[rows], label[rows], guide[rows], seed=4)
            line = judged.scores[
                (judged.scores["convention"] == convention) & (judged.scores["model"] == name)
            ]
            for key, value in expected.items():
                assert line[key].iloc[0] == (value if isinstance(value, str) else pytest.approx(value))
        apart = difference(said["one"][rows], said["other"][rows], label[rows], guide[rows], seed=4)
        own = judged.differences[judged.differences["convention"] == convention]
        assert np.allclose(own[["difference", "low", "high"]], apart[["difference", "low", "high"]])


def test_the_right_answer_on_unlisted_on_targets_costs_precision() -> None:
    """A model that is right about every row but the on-targets: 1 without them, and less as the table stands."""
    experiment = table()
    label = experiment.recorded["label"]
    right = np.where(on_targets(experiment.codes, PAM), 2.0, label)
    scores = judge_cuts(experiment, {"right": right}, "right", PAM).scores.set_index("convention")["auprc"]
    found, wrong = label.sum(), 6
    assert scores[REMOVED] == pytest.approx(1.0)
    assert scores[RAW] == pytest.approx(found / (found + wrong))


def test_guides_are_named_and_judged_alone() -> None:
    """As `per_guide` on the rows of the second convention; guides of which nothing was found are left out."""
    experiment = table()
    label, guide = experiment.recorded["label"].copy(), experiment.recorded["guide"]
    label[guide == 2] = 0
    experiment = Experiment("cells", experiment.codes, {"label": label, "guide": guide}, experiment.set_of)
    said = np.random.default_rng(2).normal(size=len(label))
    found = cut_guides(experiment, {"m": said}, list("abcdef"), PAM)
    assert list(found["guide"]) == ["a", "b", "d", "e", "f"]
    kept = ~on_targets(experiment.codes, PAM)
    alone = per_guide(said[kept], label[kept], guide[kept])
    assert np.allclose(found["auprc"], alone["auprc"][[0, 1, 3, 4, 5]])


def test_tables_without_both_labels_are_refused() -> None:
    """Areas compare two kinds of sites."""
    experiment = table()
    nothing = {**experiment.recorded, "label": np.zeros(180)}
    with pytest.raises(DataError, match="tell apart"):
        judge_cuts(
            Experiment("e", experiment.codes, nothing, experiment.set_of), {"m": np.zeros(180)}, "m", PAM
        )
