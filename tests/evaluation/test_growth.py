"""Interactions of growth are deviations from each gene's own curve."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import DataError
from pajamo.evaluation.growth import growth_interactions

GENES = [f"G{i:02d}" for i in range(14)]
SINGLES = dict(zip(GENES, np.linspace(-0.5, 0.3, 14), strict=True))


def additive() -> dict[Condition, float]:
    return {Condition(pair): SINGLES[pair[0]] + SINGLES[pair[1]] for pair in combinations(GENES, 2)}


def test_additive_map_has_no_interactions() -> None:
    table = growth_interactions(SINGLES, additive())
    np.testing.assert_allclose(table["score"], 0, atol=1e-6)
    np.testing.assert_allclose(table["expected"], table["observed"], atol=1e-6)


def test_common_curvature_is_expected_and_not_an_interaction() -> None:
    product = {pair: SINGLES[pair.genes[0]] * SINGLES[pair.genes[1]] for pair in additive()}
    bent = {pair: value + 0.5 * product[pair] + 2 * product[pair] ** 2 for pair, value in additive().items()}
    assert np.abs(growth_interactions(SINGLES, bent)["score"]).max() < 1e-6


def test_planted_pairs_stand_out_with_their_sign() -> None:
    rng = np.random.default_rng(0)
    doubles = {pair: value + 0.01 * rng.normal() for pair, value in additive().items()}
    sick, buffered = Condition(("G01", "G07")), Condition(("G03", "G12"))
    doubles[sick] -= 0.4
    doubles[buffered] += 0.4
    table = growth_interactions(SINGLES, doubles)
    assert table["score"].idxmin() == str(sick)
    assert table["score"].idxmax() == str(buffered)
    assert table.loc[str(sick), "score"] < -0.25
    assert table["z"].abs().nlargest(2).index.tolist() in (
        [str(sick), str(buffered)],
        [str(buffered), str(sick)],
    )


def test_few_partners_give_no_expectation_of_their_own() -> None:
    doubles = additive() | {Condition(("G00", "X")): -1.0, Condition(("X", "Y")): 0.5}
    table = growth_interactions(SINGLES | {"X": -0.2, "Y": 0.1}, doubles)
    assert np.isnan(table.loc["X+Y", "score"])
    # G00 has a curve; X has not, so the expectation is G00's alone.
    assert np.isfinite(table.loc["G00+X", "score"])


def test_bad_maps_are_refused() -> None:
    with pytest.raises(DataError, match="no single phenotype for G13"):
        growth_interactions({k: v for k, v in SINGLES.items() if k != "G13"}, additive())
    with pytest.raises(DataError, match="not finite: G00\\+G01"):
        growth_interactions(SINGLES, additive() | {Condition(("G00", "G01")): np.nan})
    with pytest.raises(DataError, match="no gene is in 5"):
        growth_interactions(SINGLES, {Condition(("G00", "G01")): 0.0})


@pytest.mark.dev_data
def test_norman_map_agrees_with_the_published_scores(dev_data: Path) -> None:
    folder = dev_data / "perturbation"
    matrix = pd.read_csv(folder / "norman2019_fitness_gene_matrix.csv", index_col=0)
    published = pd.read_csv(folder / "norman2019_fitness_gi_emap.csv", index_col=0)
    singles = pd.read_csv(folder / "norman2019_fitness_singles.csv").set_index("guide_target")[
        "average_fitness"
    ]
    genes = sorted(set(matrix.index) & set(published.index) & set(singles.index))
    doubles = {Condition(pair): float(matrix.loc[pair]) for pair in combinations(genes, 2)}
    known = {pair: value for pair, value in doubles.items() if np.isfinite(value)}
    table = growth_interactions({gene: float(singles[gene]) for gene in genes}, known)
    theirs = [published.loc[a, b] for a, b in zip(table["gene_1"], table["gene_2"], strict=True)]
    assert np.corrcoef(table["score"], theirs)[0, 1] > 0.8
