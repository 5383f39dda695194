"""Planted interactions are recovered from noisy cells, and predictions are judged by the same rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pajamo.config import DataSettings
from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.reading.screens import read_screen
from pajamo.errors import DataError
from pajamo.evaluation.categories import read_categories
from pajamo.evaluation.distance_correlation import centred_distances, correlation
from pajamo.evaluation.interaction_classes import CLASSES, Rules, classify
from pajamo.evaluation.interactions import interaction_scores
from pajamo.evaluation.pair_fit import PairNoise, huber, least_squares, noise_corrected, residual_square
from pajamo.evaluation.responses import Responses

G = 400
PAIR = Condition(("A", "B"))


def planted(
    make_bulk, combine, similar: float = 0.0, cells: int = 200, seed: int = 0, genes: int = G
) -> Responses:
    """A pair whose true double response is `combine` of its singles'; one cell's standard deviation is 1."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=genes)
    b = similar * a + np.sqrt(1 - similar**2) * rng.normal(size=genes)
    means = {Condition(()): np.zeros(genes), Condition(("A",)): a, Condition(("B",)): b, PAIR: combine(a, b)}
    return Responses.measured(make_bulk(means, cells=cells, seed=seed + 1))


def only_row(responses: Responses):
    table = interaction_scores(responses)
    assert list(table.index) == ["A+B"]
    return table.iloc[0]


NEW = np.random.default_rng(99).normal(size=G)


@pytest.mark.parametrize(
    ("combine", "similar", "expected"),
    [
        (lambda a, b: a + b, 0.0, "additive"),
        (lambda a, b: 0.8 * (a + b), 0.0, "additive"),
        (lambda a, b: 1.6 * (a + b), 0.95, "synergy-similar"),
        (lambda a, b: 1.6 * (a + b), 0.0, "synergy-dissimilar"),
        (lambda a, b: 0.25 * (a + b), 0.0, "suppressor"),
        (lambda a, b: 0.5 * (a + b), 0.95, "redundant"),
        (lambda a, b: a + 0.1 * b, 0.0, "epistasis"),
        (lambda a, b: 2.4 * a + 0.1 * b, 0.0, "potentiation"),
        (lambda a, b: 0.3 * (a + b) + 1.5 * NEW, 0.0, "neomorphic"),
        (lambda a, b: 0 * a, 0.0, "undetermined"),
    ],
)
def test_planted_classes_are_recovered(make_bulk, combine, similar: float, expected: str) -> None:
    assert only_row(planted(make_bulk, combine, similar))["class"] == expected
    assert expected in CLASSES


@pytest.mark.parametrize(("c1", "c2"), [(1.0, 1.0), (1.5, 1.4), (0.4, 0.3), (1.0, 0.0)])
def test_planted_coefficients_are_recovered_without_attenuation(make_bulk, c1: float, c2: float) -> None:
    fits = [only_row(planted(make_bulk, lambda a, b: c1 * a + c2 * b, cells=8, seed=s)) for s in range(12)]
    corrected = np.mean([[f["c1"], f["c2"]] for f in fits], axis=0)
    raw = np.mean([[f["c1_raw"], f["c2_raw"]] for f in fits], axis=0)
    np.testing.assert_allclose(corrected, [c1, c2], atol=0.06)
    assert raw[0] < c1 - 0.04
    assert np.mean([f["magnitude"] for f in fits]) == pytest.approx(np.hypot(c1, c2), abs=0.08)


def test_additive_residual_is_noise_corrected_with_an_honest_error(make_bulk) -> None:
    null = [only_row(planted(make_bulk, lambda a, b: a + b, cells=20, seed=s)) for s in range(20)]
    # A squared norm of 1.64 standard errors is a norm of 3.1 of its own.
    assert np.mean([r["additive_residual"] <= 3.1 * r["additive_residual_se"] for r in null]) >= 0.9
    extra = 0.3 * np.random.default_rng(5).normal(size=G)
    true = np.linalg.norm(extra)
    off = [only_row(planted(make_bulk, lambda a, b: a + b + extra, cells=100, seed=s)) for s in range(20)]
    z = [(r["additive_residual"] - true) / r["additive_residual_se"] for r in off]
    assert np.mean(np.abs(z) < 2) >= 0.8
    assert np.mean([r["additive_residual"] for r in off]) == pytest.approx(true, rel=0.1)


def test_residual_square_is_unbiased_with_its_standard_error() -> None:
    rng = np.random.default_rng(0)
    genes, variance = 200, np.full(200, 0.5)
    truth = rng.normal(size=genes) * 0.7
    noise = PairNoise(*(np.zeros(genes),) * 3, variance)
    drawn = [
        residual_square(
            np.zeros((genes, 2)), truth + rng.normal(size=genes) * np.sqrt(0.5), np.zeros(2), noise
        )
        for _ in range(400)
    ]
    values, errors = np.array(drawn).T
    assert values.mean() == pytest.approx((truth**2).sum(), abs=4 * values.std() / 20)
    # r² is estimated gene by gene and cut at zero, which makes the error a little too large, never too small.
    assert 1.0 <= errors.mean() / values.std() < 1.35


def test_prediction_is_judged_as_it_stands(make_bulk) -> None:
    responses = planted(make_bulk, lambda a, b: 0.2 * (a + b), cells=20)
    a, b = (responses.delta[responses.position[part]] for part in PAIR.parts())
    salt = Prediction("salt", responses.genes, (PAIR,), (a + b)[None], np.ones((1, G)), np.zeros((1, G)))
    row = only_row(responses.predicted(salt))
    assert (row["c1"], row["c2"]) == (pytest.approx(1), pytest.approx(1))
    assert row["class"] == "additive"
    assert row["additive_residual"] == pytest.approx(0, abs=1e-6)
    assert only_row(responses)["class"] == "suppressor"


def test_fits_agree_with_the_textbook_and_robust_one_ignores_outliers() -> None:
    rng = np.random.default_rng(1)
    singles = rng.normal(size=(300, 2))
    double = singles @ [0.7, 0.4] + 0.1 * rng.normal(size=300)
    np.testing.assert_allclose(least_squares(singles, double), np.linalg.lstsq(singles, double)[0], rtol=1e-6)
    wild = double.copy()
    wild[:15] += 30 * singles[:15, 0]
    assert np.abs(huber(singles, wild) - [0.7, 0.4]).max() < 0.05
    assert np.abs(least_squares(singles, wild) - [0.7, 0.4]).max() > 0.5


def test_correction_cannot_explode_where_singles_are_all_noise() -> None:
    rng = np.random.default_rng(2)
    one = np.ones(50)
    for _ in range(50):
        singles, double = rng.normal(size=(50, 2)), rng.normal(size=50)
        fitted = noise_corrected(singles, double, PairNoise(one, one, 0 * one, one))
        assert np.linalg.norm(fitted) < 4 * np.linalg.norm(least_squares(singles, double)) + 1e-9


def test_distance_correlation_equals_its_definition() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=30), rng.normal(size=(30, 2))

    def centred(v: np.ndarray) -> np.ndarray:
        d = cdist(v.reshape(30, -1), v.reshape(30, -1))
        return d - d.mean(0) - d.mean(1)[:, None] + d.mean()

    a, b = centred(x), centred(y)
    expected = np.sqrt((a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean()))
    assert correlation(centred_distances(x), centred_distances(y)) == pytest.approx(expected)
    assert correlation(a, centred_distances(-3 * x + 1)) == pytest.approx(1)
    assert correlation(a, centred_distances(np.zeros(30))) == 0


def test_targets_are_left_out_unless_asked_for(make_bulk) -> None:
    responses = planted(make_bulk, lambda a, b: a + b, cells=50)
    renamed = Responses(
        responses.genes.str.replace("g0", "A"),
        responses.conditions,
        np.where(np.arange(G) == 0, 100.0, responses.delta),
        responses.variance,
        responses.control_variance,
    )
    without, with_target = (
        interaction_scores(renamed, exclude_targets=flag).iloc[0] for flag in (True, False)
    )
    assert without["additive_residual"] < 10 < with_target["additive_residual"]


def test_rules_can_be_moved_and_pairs_without_singles_are_refused(make_bulk) -> None:
    responses = planted(make_bulk, lambda a, b: 1.6 * (a + b))
    assert only_row(responses)["class"] == "synergy-dissimilar"
    row = interaction_scores(responses, rules=Rules(stronger_from=2.0)).iloc[0]
    assert row["class"] == "additive"
    assert classify(row) == "synergy-dissimilar"
    with pytest.raises(DataError, match=r"A\+X"):
        interaction_scores(responses, [Condition(("A", "X"))])


@pytest.mark.dev_data
def test_norman_pairs_with_known_classes_are_ordered_by_strength(dev_data: Path) -> None:
    folder = dev_data / "perturbation"
    settings = DataSettings(
        path=folder / "norman2019_k562_crispra.h5ad", library_size="total_counts_all_genes"
    )
    table = interaction_scores(Responses.measured(pseudobulk(read_screen(settings), seed=0)))
    categories = read_categories(folder / "norman2019_gi_categories.json")
    label = [
        categories.get(tuple(sorted(pair)), "") for pair in zip(table["gene_1"], table["gene_2"], strict=True)
    ]
    strength = table.groupby(label)["strength"].median()
    weak = max(strength["SUPPRESSOR"], strength["REDUNDANT"])
    assert weak < strength["ADDITIVE"] < strength["SYNERGY_DISSIMILAR_PHENO"]
    of_additive = table.loc[[name == "ADDITIVE" for name in label], "class"]
    assert (of_additive == "additive").mean() >= 0.75
