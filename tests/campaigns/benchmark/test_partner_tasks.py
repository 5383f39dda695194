"""Pairs described by their partners, and a second cell line, on small tables with planted interactions."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.campaigns.acquisition.random import Random
from pajamo.campaigns.benchmark.running import run
from pajamo.campaigns.benchmark.tasks.pairs import LAWS, horlbeck_pairs
from pajamo.campaigns.benchmark.tasks.partners import PartnerDesign, by_partner, pair_names, second_line
from pajamo.campaigns.benchmark.tasks.shipped import iris
from pajamo.errors import DataError

GENES = [f"G{number:02d}" for number in range(30)]


def write(path: Path, seed: int, shuffled: bool = False) -> Path:
    """Pairs whose interaction is the product of gene loadings, the same in every line; singles differ."""
    same, own = np.random.default_rng(0), np.random.default_rng(seed)
    loading = same.standard_normal(len(GENES))
    singles = -own.uniform(0.1, 0.6, len(GENES))
    rows = [(gene, "negative", value) for gene, value in zip(GENES, singles, strict=True)]
    for a, b in combinations(range(len(GENES)), 2):
        beyond = 0.1 * loading[a] * loading[b] + 0.01 * own.standard_normal()
        both = singles[a] + singles[b] + singles[a] * singles[b] + beyond
        rows.append((GENES[b], GENES[a], both) if shuffled else (GENES[a], GENES[b], both))
    frame = pd.DataFrame(rows, columns=["id1", "id2", "score"])
    frame = frame.sample(frac=1, random_state=seed) if shuffled else frame
    frame.to_parquet(path)
    return path


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("lines")
    return write(folder / "first.parquet", 1), write(folder / "second.parquet", 2, shuffled=True)


def test_each_gene_has_its_partners_effect(lines: tuple[Path, Path]) -> None:
    plain = horlbeck_pairs(lines[0])
    task = by_partner(plain)
    design = task.features
    assert isinstance(design, PartnerDesign)
    assert design.shape == (435, LAWS + 30)
    whole = design[slice(0, 435)]
    assert np.allclose(whole[:, :LAWS].mean(axis=0), 0, atol=1e-12)
    assert np.allclose(whole[:, :LAWS].std(axis=0), 1)
    singles, members = design.pairs.singles, design.pairs.members
    size = np.sqrt((singles**2).mean())
    for row in (0, 200, 434):
        a, b = members[row]
        expected = np.zeros(30)
        expected[a], expected[b] = singles[b] / size, singles[a] / size
        assert np.allclose(whole[row, LAWS:], expected)
    rows = np.array([7, 3])
    assert np.array_equal(design[rows], whole[rows])


def test_candidates_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(DataError, match="not pairs"):
        by_partner(iris())


def test_the_first_line_stands_beside_the_same_pairs_of_the_second(lines: tuple[Path, Path]) -> None:
    first, task = horlbeck_pairs(lines[0], "interaction"), second_line(*lines)
    known = task.features[slice(0, 435)][:, -2]
    by_name = dict(zip(pair_names(lines[0]), first.measurements[:, 0, 0], strict=True))
    there = np.array([by_name[name] for name in pair_names(lines[1])])
    assert np.allclose(known, (there - there.mean()) / there.std())
    assert np.corrcoef(known, task.measurements[:, 0, 0])[0, 1] > 0.95
    assert task.name.endswith("-second-line")


def test_what_one_line_showed_helps_in_the_other(lines: tuple[Path, Path]) -> None:
    alone = by_partner(horlbeck_pairs(lines[1], "interaction"))
    errors = [run(task, Random(), 0)["metrics"]["error"][0] for task in (alone, second_line(*lines))]
    assert errors[1] < 0.5 * errors[0]
