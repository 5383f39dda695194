"""Comparisons on pairs, held against planted weights, closed forms and the published table."""

from __future__ import annotations

import hashlib
from importlib import resources

import numpy as np
import pytest

from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.pairing import CHANNELS, channels
from pajamo.errors import DataError, ModelError
from pajamo.evaluation.pairs.metrics import pearson
from pajamo.evaluation.pairs.ranking import auroc
from pajamo.models.pairs import boosting, network
from pajamo.models.pairs.cfd import cutting_frequency, published
from pajamo.models.pairs.features import differences, how_many, shared_differences
from pajamo.models.pairs.keeping import fewer, kept_aside
from pajamo.models.pairs.lines import Line
from pajamo.models.pairs.network import Convolutional, Network
from pajamo.models.pairs.product import ridge
from pajamo.models.pairs.registry import MODELS, fit_pair_models, restored, task_of

GUIDE = "GACGCATAAAGATGAGACGC"
FAST = ("mismatch-count", "CFD", "position-product", "additive-sigmoid")


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    """Planted weights are plain: few trees and epochs find them."""
    monkeypatch.setattr(boosting, "TREES", 40)
    monkeypatch.setattr(network, "EPOCHS", 5)
    monkeypatch.setattr(network, "BATCH", 32)


def coded(targets, guide=GUIDE + "NGG"):
    turned = enzyme_of("Cas9").from_pam
    return PairAlphabet().encode_pairs([turned(guide)] * len(targets), [turned(t) for t in targets])


def library(rows=600, seed=0):
    """Targets with one to four other bases; rates from a weight of each place, seen through a sigmoid."""
    rng = np.random.default_rng(seed)
    targets = []
    for _ in range(rows):
        letters = list(GUIDE + "TGG")
        for place in rng.choice(20, rng.integers(1, 5), replace=False):
            letters[place] = rng.choice(list("ACGT".replace(letters[place], "")))
        targets.append("".join(letters))
    codes = coded(targets)
    places = np.linspace(-3.0, -0.3, 20)
    total = 2.5 + ((differences(codes, "rate").toarray().reshape(rows, 23, -1).sum(-1))[:, 3:] * places).sum(
        1
    )
    value = -5 + 4 / (1 + np.exp(-total)) + 0.05 * rng.normal(size=rows)
    return codes, value


def experiment(task="rate", rows=600, seed=0):
    codes, value = library(rows, seed)
    sets = np.where(np.arange(rows) % 5 == 4, 2, 0).astype(np.int8)
    if task == "rate":
        return Experiment("one", codes, {"value": value, "censored": np.zeros(rows)}, sets)
    label = (value > np.quantile(value, 0.8)).astype(float)
    guide = (np.arange(rows) % 6).astype(float)
    return Experiment("one", codes, {"label": label, "guide": guide}, sets)


def test_differences_are_the_channels_of_the_alphabet():
    codes, _ = library(50)
    for task, kind in (("rate", "to"), ("cut", "kind")):
        table = differences(codes, task).toarray()
        np.testing.assert_array_equal(table, channels(kind)[codes].reshape(50, -1))


def test_shared_columns_say_that_anything_differs():
    codes = coded(
        [
            GUIDE + "TGG",
            "T" + GUIDE[1:] + "TGG",
            GUIDE[:10] + "A" + GUIDE[10:] + "TGG",
            GUIDE[:5] + GUIDE[6:] + "TGG",
        ]
    )
    length, count = 23, len(CHANNELS["to"])
    shared = shared_differences(codes, "rate").toarray()[:, length * count :].reshape(4, length, 3)
    assert shared.sum(axis=(1, 2)).tolist() == [0, 1, 1, 1]
    assert [int(row.sum(axis=0).argmax()) for row in shared[1:]] == [0, 1, 2]
    assert shared[1, 22, 0] == 1
    assert how_many(codes).tolist() == [0, 1, 1, 1]


def test_cfd_is_the_product_of_the_published_weights():
    table = published()
    mismatch = table[table["part"] == "mismatch"].set_index(["position", "guide", "target"])["weight"]
    assert len(mismatch) == 240
    first, second = list(GUIDE), list(GUIDE)
    first[0] = "T"
    second[0], second[19] = "T", "A"
    codes = coded(["".join(each) + pam for each, pam in ((GUIDE, "TGG"), (first, "TGG"), (second, "AAG"))])
    one, last = mismatch[(1, "G", "T")], mismatch[(20, "C", "A")]
    pam = table[(table["part"] == "pam") & (table["target"] == "AG")]["weight"].item()
    np.testing.assert_allclose(cutting_frequency(codes), [1.0, one, one * last * pam])


def test_the_shipped_table_is_as_recorded():
    folder = resources.files("pajamo.data.public") / "shipped" / "cfd"
    content = (folder / "cfd.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() in (folder / "SOURCE.md").read_text(encoding="utf-8")
    assert "CC0" in (folder / "LICENSE.txt").read_text(encoding="utf-8")


def test_cfd_says_nothing_of_bulges_and_of_other_guides():
    assert cutting_frequency(coded([GUIDE[:5] + GUIDE[6:] + "TGG"])).tolist() == [0.0]
    assert cutting_frequency(coded([GUIDE[:10] + "A" + GUIDE[10:] + "TGG"])).tolist() == [0.0]
    with pytest.raises(ModelError, match="20 bases"):
        cutting_frequency(coded([GUIDE[:18] + "TGG"], GUIDE[:18] + "NGG"))


def test_a_ridge_is_that_of_the_normal_equations():
    rng = np.random.default_rng(1)
    table = differences(library(80)[0], "rate")
    value = rng.normal(size=80)
    dense = np.column_stack([np.ones(80), table.toarray()])
    penalty = 2.0 * np.eye(dense.shape[1])
    penalty[0, 0] = 0
    exact = np.linalg.solve(dense.T @ dense + penalty, dense.T @ value)
    np.testing.assert_allclose(ridge(table, value, 2.0), exact[1:], atol=1e-10)


def test_a_line_keeps_the_order_and_is_the_best_one():
    rng = np.random.default_rng(2)
    score = rng.normal(size=200)
    value = 3 - 2 + 0.5 * score + 0.1 * rng.normal(size=200)
    line = Line.of(score, value, "rate")
    slope, intercept = np.polyfit(score, value, 1)
    assert (line.slope, line.intercept) == (pytest.approx(slope), pytest.approx(intercept))
    assert (np.diff(Line.of(score, -value, "rate")(np.sort(score))) > 0).all()
    chance = Line.of(score, (value > 1).astype(float), "cut")(score)
    assert chance.mean() == pytest.approx((value > 1).mean(), abs=1e-4)


@pytest.mark.parametrize("name", [*FAST, "gradient-boosting"])
def test_rates_of_unseen_targets_are_ranked(name):
    data = experiment()
    test = data.part("test")
    model = fit_pair_models(data, [name])[name]
    least = {"mismatch-count": 0.3, "CFD": 0.3, "additive-sigmoid": 0.95}.get(name, 0.8)
    assert pearson(model.predict(test.codes), test.recorded["value"]) > least


@pytest.mark.parametrize("name", [*FAST, "gradient-boosting"])
def test_cuts_of_unseen_targets_are_told(name):
    data = experiment("cut")
    test = data.part("test")
    said = fit_pair_models(data, [name])[name].predict(test.codes)
    assert ((said >= 0) & (said <= 1)).all()
    assert auroc(said, test.recorded["label"]) > (0.7 if name in FAST[:2] else 0.85)


def test_what_another_guide_may_have_is_learned_from_what_it_shares():
    """The base that the guide itself has at a place is never seen instead of it; it is as bad as others there."""
    codes, value = library(800, seed=3)
    model = fit_pair_models(
        Experiment("one", codes, {"value": value, "censored": np.zeros(800)}, np.zeros(800, np.int8)),
        ["additive-sigmoid"],
    )["additive-sigmoid"]
    other = "C" * 20
    changed = other[:19] + "G"
    matched, mismatched = (
        model.predict(coded([other + "TGG"], other + "NGG")),
        model.predict(coded([changed + "TGG"], other + "NGG")),
    )
    assert matched > mismatched + 0.5


def test_the_network_has_the_size_of_its_model_and_learns():
    assert 60_000 < sum(own.numel() for own in Network(23).parameters()) < 75_000
    data = experiment(rows=300)
    test = data.part("test")
    model = fit_pair_models(data, ["convolutional"])["convolutional"]
    assert pearson(model.predict(test.codes), test.recorded["value"]) > 0.5


@pytest.mark.parametrize("name", [*FAST, "gradient-boosting"])
def test_test_rows_are_never_looked_at(name):
    data = experiment(rows=200)
    other = data.recorded["value"].copy()
    other[data.set_of == 2] = 1e3
    said = [
        fit_pair_models(
            Experiment("one", data.codes, {"value": own, "censored": np.zeros(200)}, data.set_of), [name]
        )[name].predict(data.codes)
        for own in (data.recorded["value"], other)
    ]
    np.testing.assert_array_equal(*said)


@pytest.mark.parametrize("task", ["rate", "cut"])
@pytest.mark.parametrize("name", FAST)
def test_a_model_that_was_kept_says_the_same_bits(name, task):
    data = experiment(task, rows=200)
    model = fit_pair_models(data, [name])[name]
    again = restored(name, task, {key: own.copy() for key, own in model.state().items()})
    np.testing.assert_array_equal(again.predict(data.codes), model.predict(data.codes))


def test_a_network_that_was_kept_says_the_same_bits():
    codes, _ = library(30)
    model = Convolutional("rate")
    model.network, model.level, model.spread, model._fitted = Network(23), 0.5, 2.0, True
    again = restored("convolutional", "rate", model.state())
    np.testing.assert_array_equal(again.predict(codes), model.predict(codes))


def test_trees_are_fitted_anew_to_the_same_bits():
    data = experiment(rows=150)
    one, other = (fit_pair_models(data, ["gradient-boosting"])["gradient-boosting"] for _ in range(2))
    np.testing.assert_array_equal(one.predict(data.codes), other.predict(data.codes))
    with pytest.raises(ModelError, match="not saved"):
        one.state()


def test_pairs_and_guides_stay_on_one_side():
    codes = library(100)[0]
    codes[50:] = codes[:50]
    value = np.arange(100.0) % 7
    train, aside = kept_aside(codes, value, np.zeros(100, np.int8), None, seed=0, labels=False)
    assert not {row.tobytes() for row in codes[train]} & {row.tobytes() for row in codes[aside]}
    assert len(train) + len(aside) == 100
    guide = np.arange(100) % 10
    train, aside = kept_aside(codes, value, np.zeros(100, np.int8), guide, seed=0, labels=False)
    assert not set(guide[train]) & set(guide[aside])


def test_the_validation_set_is_what_is_kept_aside():
    codes, value = library(60)
    sets = (np.arange(60) % 3).astype(np.int8)
    train, aside = kept_aside(codes, value, sets, None, seed=0, labels=False)
    assert (sets[train] == 0).all()
    assert (sets[aside] == 1).all()


def test_fewer_rows_stand_for_all():
    value = (np.arange(1000) < 20).astype(float)
    rows, weights = fewer(value, np.arange(1000), 120, np.random.default_rng(0))
    assert len(rows) == 120
    assert value[rows].sum() == 20
    assert weights.sum() == pytest.approx(1000)
    assert weights @ value[rows] == 20


def test_what_cannot_be_learned_is_refused():
    data = experiment("cut", rows=100)
    nothing = Experiment("one", data.codes, {**data.recorded, "label": np.zeros(100)}, data.set_of)
    with pytest.raises(DataError, match="nothing to learn"):
        fit_pair_models(nothing, ["mismatch-count"])
    with pytest.raises(ModelError, match="no comparison"):
        fit_pair_models(data, ["crystal-ball"])
    with pytest.raises(ModelError, match="rates and cuts"):
        task_of(Experiment("bins", data.codes, {"counts": np.ones((100, 3))}, data.set_of))
    with pytest.raises(ModelError, match="not fitted"):
        MODELS["mismatch-count"]("rate").predict(data.codes)
    with pytest.raises(ModelError, match="not of a model"):
        restored("additive-sigmoid", "rate", {"line": np.zeros(2)})
