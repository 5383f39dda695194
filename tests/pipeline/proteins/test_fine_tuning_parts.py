"""Parts of fine-tuning: linear maps against scikit-learn and closed forms, baselines by hand, sets that leak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge as SklearnRidge

from pajamo.config.proteins import ProteinModelSettings
from pajamo.config.proteins.fine_tuning import FineTuningStudy
from pajamo.config.strict import parse
from pajamo.data.proteins.alphabet import RESIDUES, TOKENS
from pajamo.errors import DataError, PajamoWarning, SplitError, StudyError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.pipeline.proteins.fine_tuning import baselines
from pajamo.pipeline.proteins.fine_tuning.baselines import BY_TYPE, FROZEN, composition, told_by_baselines
from pajamo.pipeline.proteins.fine_tuning.linear import STRENGTHS, Scale, fit_logistic, fit_ridge
from pajamo.pipeline.proteins.fine_tuning.sets import LabelledSets, load_sets

TRAINING = {"steps": 1, "schedule": {"warm_up": 0}}


def quiet(_: str) -> None:
    """Nobody looks."""


def loaded(folder: Path, rows: list[str], split: Any = None, **data: Any) -> LabelledSets:
    (folder / "t.csv").write_text("\n".join(["sequence,label,set", *rows]) + "\n")
    raw = {"model": folder, "data": {"path": folder / "t.csv", **data}, "training": TRAINING}
    if split:
        raw["split"] = split
    return load_sets(parse(FineTuningStudy, raw, "study"), folder / "steps", quiet)


def sequences(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(RESIDUES), size)) for size in rng.integers(20, 40, count)]


def test_ridge_is_that_of_scikit_learn_at_the_strength_that_validation_likes() -> None:
    rng = np.random.default_rng(0)
    x, kept, new = rng.normal(3, 2, (40, 30)), rng.normal(3, 2, (20, 30)), rng.normal(3, 2, (5, 30))
    weights = rng.normal(size=30)
    y, kept_y = x @ weights + rng.normal(0, 5, 40), kept @ weights + rng.normal(0, 5, 20)
    scale, errors, fits = Scale.of(x), [], []
    for strength in STRENGTHS:
        fits.append(SklearnRidge(alpha=strength * len(x)).fit(scale(x), y))
        errors.append(((fits[-1].predict(scale(kept)) - kept_y) ** 2).mean())
    found = fit_ridge(x, y, kept, kept_y)
    best = int(np.argmin(errors))
    assert found.strength == STRENGTHS[best]
    np.testing.assert_allclose(found(new), fits[best].predict(scale(new)), rtol=1e-6)


def test_logistic_regression_finds_planted_odds_and_leaves_unseen_classes_at_zero() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 2))
    labels = (rng.random(4000) < 1 / (1 + np.exp(-(0.5 + 2 * x[:, 0])))).astype(np.int64)
    found = fit_logistic(x[:3000], labels[:3000], x[3000:], labels[3000:], 3)
    told = found(np.array([[0.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_allclose(np.log(told[:, 1] / told[:, 0]), [0.5, 2.5], atol=0.35)
    assert (told[:, 2] == 0).all()
    assert found(np.zeros((0, 2))).shape == (0, 3)


def test_noise_is_held_back_as_strongly_as_can_be() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 25)), rng.normal(size=30)
    assert fit_ridge(x, y, rng.normal(size=(200, 25)), rng.normal(size=200)).strength == STRENGTHS[-1]


def test_a_column_that_never_changes_does_no_harm() -> None:
    x = np.stack([np.arange(10.0), np.full(10, 7.0)], axis=1)
    found = fit_ridge(x, 3 * x[:, 0] + 1, x, 3 * x[:, 0] + 1)
    np.testing.assert_allclose(found(np.array([[20.0, 7.0]])), 61, rtol=1e-3)


def test_composition_is_counted_by_hand(tmp_path: Path) -> None:
    rows = [f"{one},{number},{side}" for number, (one, side) in enumerate(zip(
        ["AAC", "AAAA", "CW"], ["train", "validation", "test"], strict=True))]  # fmt: skip
    found = composition(loaded(tmp_path, rows, set="set").proteins)
    assert found[0, TOKENS.index("A")] == pytest.approx(2 / 3)
    assert found[2, TOKENS.index("W")] == 0.5
    np.testing.assert_allclose(found[:, -1], np.log([3, 4, 2]))
    np.testing.assert_allclose(found[:, :-1].sum(axis=1), 1)


def test_classes_of_residue_types_are_counted_with_one_more_of_each(tmp_path: Path) -> None:
    rows = ["AAC,HH-,train", "ACW,CHC,train", "AC,HC,validation", "ACY,H-C,test"]
    sets = loaded(tmp_path, rows, kind="residues", set="set")
    model = ProteinLanguageModel(ProteinModelSettings(layers=1, width=8, heads=1))
    model.initialise(0)
    found = told_by_baselines(sets, model, quiet)
    # A was H twice and C once; nothing is known of Y.
    np.testing.assert_allclose(found[BY_TYPE], [[2 / 5, 3 / 5], [1 / 2, 1 / 2]])
    assert found[FROZEN].shape == (2, 2)
    np.testing.assert_allclose(found[FROZEN].sum(axis=1), 1)


def test_too_many_residues_are_drawn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = ["train"] * 20 + ["validation"] * 10 + ["test"] * 5
    rows = [
        f"{one},{''.join('H' if letter in RESIDUES[:10] else 'C' for letter in one)},{side}"
        for one, side in zip(sequences(35), sides, strict=True)
    ]
    sets = loaded(tmp_path, rows, kind="residues", set="set")
    model = ProteinLanguageModel(ProteinModelSettings(layers=1, width=32, heads=1))
    model.initialise(0)
    monkeypatch.setattr(baselines, "MOST_RESIDUES", 150)
    rows, labels = baselines._drawn(sets, model, sets.split.training)
    assert 100 < len(rows) == len(labels) < 200
    found = told_by_baselines(sets, model, quiet)[FROZEN]
    assert len(found) == sum(len(sets.proteins.tokens[number]) for number in sets.split.test)


def test_the_tables_own_sets_are_kept_and_repeats_across_them_are_said(tmp_path: Path) -> None:
    known = sequences(6)
    sides = ["train", "training", "train", "validation", "test", "test"]
    rows = [f"{one},{n},{side}" for n, (one, side) in enumerate(zip(known, sides, strict=True))]
    rows[5] = f"{known[0]},9,test"
    with pytest.warns(PajamoWarning) as caught:
        sets = loaded(tmp_path, rows, set="set")
    said = [str(one.message) for one in caught]
    assert any("1 of 6 proteins repeat" in text for text in said)
    assert any("1 of 2 test proteins have the residues of a training protein" in text for text in said)
    assert sets.split.counts() == {"training": 3, "validation": 1, "test": 2}
    assert sets.repeated == 1
    assert sets.split.leaks["largest_containment"] == 1.0
    assert list(sets.table()["set"]) == ["training"] * 3 + ["validation"] + ["test"] * 2
    families = sets.table()["family"]
    assert families[0] == families[5]
    assert families.nunique() == 5


def test_proteins_without_a_known_residue_are_left_out(tmp_path: Path) -> None:
    rows = ["AC,HC,train", "AW,--,train", "AY,CH,validation", "AF,H-,test"]
    with pytest.warns(PajamoWarning, match="of 1 proteins no residue has a label"):
        sets = loaded(tmp_path, rows, kind="residues", set="set")
    assert sets.proteins.sequences == ("AC", "AY", "AF")
    assert sets.split.counts() == {"training": 1, "validation": 1, "test": 1}


def test_relatives_stay_together_where_no_set_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = []
    for ancestor in sequences(30, seed=5):
        for _ in range(2):
            letters = list(ancestor * 2)
            letters[rng.integers(len(letters))] = "W"
            rows.append(f"{''.join(letters)},{rng.normal():.3f},")
    sets = loaded(tmp_path, rows, {"validation": 0.2, "test": 0.2})
    side = sets.table()["set"].to_numpy()
    assert (side[::2] == side[1::2]).all()
    assert sets.units == "families"
    assert sets.repeated == 0


@pytest.mark.parametrize(
    ("rows", "data", "split", "error", "told"),
    [
        (["AC,1,train", "AW,2,test"], {"set": "set"}, None, SplitError, "no protein of the set 'validation'"),
        (["AC,1,", "AW,2,"], {}, {"test": 0.0}, StudyError, "no protein would be tested"),
        (["AC,1,", "AW,2,"], {}, {"by": "column", "families": "f"}, StudyError, "no column of families"),
        (["AC,a,train", "AW,a,validation", "AY,b,test"], {"set": "set", "kind": "classification"}, None, DataError,
         "all of one class: a"),
        (["MKVLAAGHTREWQ,1,", "MKVLAAGHTREWY,2,"], {}, None, SplitError, "cannot be divided"),
    ],
)  # fmt: skip
def test_sets_that_cannot_be_are_refused(
    tmp_path: Path, rows: list[str], data: Any, split: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        loaded(tmp_path, rows, split, **data)
