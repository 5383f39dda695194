"""Screens: features know nothing of the screen that is repeated, and hits are those of both donors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.campaigns.benchmark.planted import Ridge

from pajamo.campaigns.acquisition.random import Random
from pajamo.campaigns.benchmark.running import run
from pajamo.campaigns.benchmark.task import Protocol
from pajamo.campaigns.benchmark.tasks.pairs import LAWS, PairDesign
from pajamo.campaigns.benchmark.tasks.registry import task
from pajamo.errors import DataError

GENES = [f"G{number:03d}" for number in range(300)]


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six tables in the published forms, 300 genes; IFNG of both donors shares half of its variance with IL2."""
    folder = tmp_path_factory.mktemp("screens")
    rng = np.random.default_rng(0)
    common = rng.standard_normal(300)
    for cytokine in ("ifng", "il2"):
        for donor in (1, 2):
            fold = common + rng.standard_normal(300)
            frame = pd.DataFrame({"id": GENES, "num": 3, "neg|lfc": fold}).sample(frac=1, random_state=donor)
            frame.to_csv(folder / f"schmidt_{cytokine}_d{donor}.gene_summary.txt.gz", sep="\t", index=False)
    quartiles = {name: rng.standard_normal(290) for name in ("RSA_Down", "RSA_Up", "Q1", "Q3")}
    other = pd.DataFrame({"Symbol": GENES[10:]} | quartiles)
    other.to_csv(folder / "sanchezetal2021_21days.csv.gz", index=False)
    pd.DataFrame({"GENE": GENES[::7]}).to_csv(folder / "CEGv2.txt.gz", sep="\t", index=False)
    return folder


def fold(folder: Path, donor: int) -> np.ndarray:
    frame = pd.read_csv(folder / f"schmidt_ifng_d{donor}.gene_summary.txt.gz", sep="\t").set_index("id")
    return frame.loc[GENES, "neg|lfc"].to_numpy()


def test_one_donor_is_shown_and_both_are_judged_by(screens: Path) -> None:
    found = task("schmidt-ifng", screens)
    assert np.allclose(found.measurements[:, 0, 0], np.abs(fold(screens, 1)))
    assert np.allclose(found.judged_by, np.abs(fold(screens, 1) + fold(screens, 2)) / 2)
    assert found.ceiling is not None
    assert found.ceiling.correlation.value == pytest.approx(
        np.corrcoef(fold(screens, 1), fold(screens, 2))[0, 1]
    )
    both = task("schmidt-ifng", screens, learn="both")
    assert np.allclose(both.measurements[:, 0, 0], both.judged_by)


def test_features_are_other_screens_with_gaps_filled(screens: Path) -> None:
    found, without = task("schmidt-ifng", screens), task("schmidt-ifng-without-il2", screens)
    assert (found.features.shape, without.features.shape) == ((300, 7), (300, 5))
    table = np.asarray(found.features[:])
    assert np.isfinite(table).all()
    assert table[:, -1].sum() == len(GENES[::7])
    assert (table[:10, 2] == np.median(table[10:, 2])).all()
    for donor in (1, 2):
        assert not np.isclose(table, fold(screens, donor)[:, None]).all(axis=0).any()


def test_screens_can_be_run(screens: Path) -> None:
    for name in ("schmidt-ifng", "sanchez-2021"):
        quick = replace(task(name, screens), learner=Ridge(), protocol=Protocol(20, 2, 20))
        found = run(quick, Random(), 0)
        assert len(found["metrics"]["recall"]) == 3
    assert task("schmidt-ifng", screens).protocol == Protocol(20, 8, 20)
    assert task("sanchez-2021", screens, most=200).features.shape == (200, 5)


def test_a_gene_that_stands_twice_is_named(screens: Path, tmp_path: Path) -> None:
    for path in screens.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "schmidt_ifng_d2.gene_summary.txt.gz"
    frame = pd.read_csv(path, sep="\t")
    pd.concat([frame, frame.iloc[:1]]).to_csv(path, sep="\t", index=False)
    with pytest.raises(DataError, match="twice"):
        task("schmidt-ifng", tmp_path)


def test_pair_features_are_made_as_they_are_asked_for() -> None:
    singles = np.array([-0.1, -0.4, 0.2])
    design = PairDesign(singles, np.array([[0, 1], [0, 2], [1, 2]]))
    assert design.shape == (3, LAWS + 3)
    assert design[np.array([0])][0] == pytest.approx([-0.5, 0.04, -0.4, -0.1, 0.3, 1, 1, 0])
    assert np.array_equal(design[1:], design[np.array([1, 2])])
    assert design.expected == pytest.approx([-0.46, 0.08, -0.28])


def pair_tables(folder: Path) -> pd.DataFrame:
    """Growth of all pairs of twelve genes: independent action, an interaction of each pair, and noise."""
    rng = np.random.default_rng(1)
    genes = [f"g{number:02d}" for number in range(12)]
    single = dict(zip(genes, -rng.random(12), strict=True))
    truth = {(a, b): 0.2 * rng.standard_normal() for a in genes for b in genes if a < b}
    rows = []
    for one in genes:
        rows += [(one, "negative", single[one]), ("negative", one, single[one]), (one, one, -9.0)]
        for other in genes:
            if one != other:
                a, b = sorted((one, other))
                expected = single[a] + single[b] + single[a] * single[b]
                rows += [
                    (one, other, expected + truth[a, b] + 0.01 * rng.standard_normal()) for _ in range(4)
                ]
    table = pd.DataFrame([*rows, ("negative", "negative", 0.0)], columns=["id1", "id2", "score"])
    table.to_csv(folder / "naiad_norman_gamma.csv.gz", index=False)
    first = table[table["id1"] <= table["id2"]].drop_duplicates(["id1", "id2"])
    first = first[~((first["id1"] == "negative") & (first["id2"] != "negative"))]
    alone = pd.DataFrame([(gene, "negative", value) for gene, value in single.items()], columns=table.columns)
    whole = pd.concat([first[(first["id1"] != "negative") & (first["id2"] != "negative")], alone])
    whole.to_parquet(folder / "horlbeck2018_k562_fitness_gamma_pairs.parquet")
    return pd.DataFrame([(*pair, value) for pair, value in truth.items()], columns=["a", "b", "value"])


def test_planted_interactions_come_back_from_pairs(tmp_path: Path) -> None:
    planted = pair_tables(tmp_path)["value"].to_numpy()
    found = task("norman-pairs-interaction", tmp_path)
    assert found.measurements.shape == (66, 8, 1)
    assert -found.judged_by == pytest.approx(planted, abs=0.02)
    assert found.noise is not None
    assert found.noise.std() == pytest.approx(0.01, rel=0.15)
    assert found.ceiling is not None
    assert found.ceiling.reliability > 0.99
    one = task("horlbeck-pairs-interaction", tmp_path)
    assert one.measurements[:, 0, 0] == pytest.approx(planted, abs=0.05)
    assert (one.goal, task("horlbeck-pairs", tmp_path).goal) == ("model", "hits")


def test_a_gene_without_a_measurement_of_its_own_is_named(tmp_path: Path) -> None:
    pair_tables(tmp_path)
    path = tmp_path / "naiad_norman_gamma.csv.gz"
    whole = pd.read_csv(path)
    alone = (whole["id1"] == "g03") & (whole["id2"] == "negative")
    other = (whole["id2"] == "g03") & (whole["id1"] == "negative")
    whole[~(alone | other)].to_csv(path, index=False)
    with pytest.raises(DataError, match="g03"):
        task("norman-pairs", tmp_path)
    whole.assign(score=whole["score"].where(whole.index != 5)).to_csv(path, index=False)
    with pytest.raises(DataError, match="missing") as error:
        task("norman-pairs", tmp_path)
    assert "row 7" in error.value.where


def test_the_real_screens_agree_as_was_measured(dev_data: Path) -> None:
    schmidt = task("schmidt-ifng", dev_data)
    assert schmidt.features.shape == (18_899, 7)
    assert schmidt.ceiling is not None
    assert schmidt.ceiling.correlation.value == pytest.approx(0.250, abs=0.001)
    assert schmidt.ceiling.spearman.value == pytest.approx(0.107, abs=0.001)
    assert schmidt.ceiling.overlap[0.05].value == pytest.approx(0.226, abs=0.001)
    norman = task("norman-pairs", dev_data)
    assert norman.measurements.shape == (5050, 8, 1)
    assert norman.ceiling is not None
    assert norman.ceiling.reliability == pytest.approx(0.97, abs=0.005)
    assert task("sanchez-2021", dev_data).features.shape == (18_469, 5)


def test_the_real_pairs_are_those_published(dev_data: Path) -> None:
    pytest.importorskip("pyarrow")
    found = task("horlbeck-pairs", dev_data)
    assert found.features.shape == (100_128, LAWS + 448)
    expected = found.features.expected  # type: ignore[attr-defined]
    assert np.corrcoef(expected, found.measurements[:, 0, 0])[0, 1] == pytest.approx(0.881, abs=0.002)
    worst = np.argsort(found.measurements[:, 0, 0])[:5006]
    picked = np.argsort(expected)[:18_023]
    assert np.isin(worst, picked).mean() == pytest.approx(0.870, abs=0.01)
