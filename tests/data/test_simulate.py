"""The simulator plants what it says, draws what it planted, and labels everything as simulated."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import anndata
import numpy as np
import pytest
import scipy.sparse as sp

from pajamo.data.atomic import sha256
from pajamo.data.conditions import parse_perturbation
from pajamo.data.simulate import SimulationSettings, Truth, plant, simulate_combinations, write_large_screen
from pajamo.errors import StudyError


@pytest.fixture(scope="module")
def screen() -> anndata.AnnData:
    return simulate_combinations()


@pytest.fixture(scope="module")
def truth(screen: anndata.AnnData) -> Truth:
    return Truth.from_uns(screen.uns["truth"])


def row(truth: Truth, label: str) -> np.ndarray:
    return truth.log_mean[list(truth.conditions).index(label)] - truth.baseline


# What is planted


@pytest.mark.parametrize("kind", ["additive", "synergistic", "suppressive", "epistatic"])
def test_pairs_do_what_their_class_says(truth: Truth, kind: str) -> None:
    settings = SimulationSettings()
    chosen = [k for k, name in enumerate(truth.classes) if name == kind]
    assert chosen
    for k in chosen:
        first, second = truth.pairs[k].split("+")
        total = row(truth, first) + row(truth, second)
        expected = {
            "additive": total,
            "synergistic": (1 + settings.synergy) * total,
            "suppressive": (1 - settings.suppression) * total,
            "epistatic": row(truth, truth.masking[k] or first),
        }[kind]
        np.testing.assert_allclose(row(truth, truth.pairs[k]), expected, atol=1e-12)
        np.testing.assert_allclose(truth.interactions[k], expected - total, atol=1e-12)
        assert truth.masking[k] in ((first, second) if kind == "epistatic" else ("",))


def test_triples_add_the_interactions_of_their_pairs(truth: Truth) -> None:
    interaction = dict(zip(truth.pairs, truth.interactions, strict=True))
    triples = [label for label in truth.conditions if label.count("+") == 2]
    assert len(triples) == SimulationSettings().triples
    for label in triples:
        genes = label.split("+")
        expected = sum(row(truth, gene) for gene in genes)
        expected = expected + sum(interaction.get("+".join(pair), 0.0) for pair in combinations(genes, 2))
        np.testing.assert_allclose(row(truth, label), expected, atol=1e-12)


def test_main_effects_are_sparse_and_hit_the_own_gene(truth: Truth) -> None:
    settings = SimulationSettings()
    singles = len(truth.main)
    np.testing.assert_array_equal(np.diag(truth.main), settings.own_effect)
    others = truth.main[~np.eye(singles, settings.genes, dtype=bool)]
    share = (others != 0).mean()
    assert abs(share - settings.affected) < 4 * np.sqrt(settings.affected / others.size)
    assert np.std(others[others != 0]) == pytest.approx(settings.effect, rel=0.1)


def test_an_unperturbed_cell_has_shares_that_add_up_to_one(truth: Truth) -> None:
    assert np.exp(truth.baseline).sum() == pytest.approx(1.0)
    np.testing.assert_array_equal(row(truth, "control"), 0.0)


def test_weights_choose_the_classes() -> None:
    only = SimulationSettings(additive=0, synergistic=0, suppressive=1, epistatic=0)
    assert set(plant(only).classes) == {"suppressive"}


# What is drawn


def expected_counts(screen: anndata.AnnData, truth: Truth) -> np.ndarray:
    """Mean count of every cell and gene given its condition, batch and size."""
    position = {label: k for k, label in enumerate(truth.conditions)}
    condition = screen.obs["perturbation"].map(position).to_numpy(dtype=int)
    batch = screen.obs["batch"].str.removeprefix("simulated").to_numpy(dtype=int) - 1
    return (
        np.exp(truth.log_mean[condition] + truth.batch[batch])
        * screen.obs["simulated_size"].to_numpy()[:, None]
    )


def test_counts_have_the_planted_mean_and_variance(screen: anndata.AnnData, truth: Truth) -> None:
    mean, counts = expected_counts(screen, truth), screen.X.toarray()
    variance = mean + SimulationSettings().dispersion * mean**2
    standard = (counts - mean) / np.sqrt(variance)
    cells, genes = counts.shape
    # Sums of many independent cells are normal: their scores have mean 0 and variance 1.
    by_gene = (counts - mean).sum(axis=0) / np.sqrt(variance.sum(axis=0))
    assert abs(by_gene.mean()) < 4 / np.sqrt(genes)
    assert by_gene.var() == pytest.approx(1.0, abs=4 * np.sqrt(2 / genes))
    assert abs(standard.mean()) < 4 / np.sqrt(cells * genes)
    assert (standard**2).mean() == pytest.approx(1.0, abs=0.02)


def test_each_condition_recovers_its_mean(screen: anndata.AnnData, truth: Truth) -> None:
    mean, counts = expected_counts(screen, truth), screen.X.toarray()
    variance = mean + SimulationSettings().dispersion * mean**2
    for label in truth.conditions:
        cells = (screen.obs["perturbation"] == label).to_numpy()
        score = (counts[cells].sum() - mean[cells].sum()) / np.sqrt(variance[cells].sum())
        assert abs(score) < 5, label


def test_no_dispersion_is_poisson() -> None:
    screen = simulate_combinations(dispersion=0.0, seed=3)
    mean, counts = expected_counts(screen, Truth.from_uns(screen.uns["truth"])), screen.X.toarray()
    assert ((counts - mean) ** 2 / mean).mean() == pytest.approx(1.0, abs=0.02)


def test_library_sizes_are_log_normal_around_the_median(screen: anndata.AnnData) -> None:
    settings = SimulationSettings()
    sizes = np.log(screen.obs["simulated_size"].to_numpy())
    error = settings.library_spread / np.sqrt(len(sizes))
    assert abs(sizes.mean() - np.log(settings.library_size)) < 4 * error
    assert sizes.std() == pytest.approx(settings.library_spread, rel=0.05)


def test_design_is_as_asked() -> None:
    screen = simulate_combinations(
        genes=30, singles=6, doubles=5, triples=2, cells=(3, 7), control_cells=11, guides=3, batches=4
    )
    numbers = screen.obs["perturbation"].value_counts()
    assert numbers["control"] == 11
    assert numbers.drop("control").between(3, 7).all()
    assert numbers.drop("control").nunique() > 1
    orders = [len(parse_perturbation(label, "control")) for label in numbers.index]
    assert [orders.count(k) for k in range(4)] == [1, 6, 5, 2]
    assert screen.obs["batch"].nunique() == 4
    for label, guide in zip(screen.obs["perturbation"], screen.obs["guide"], strict=True):
        genes = ["non-targeting"] if label == "control" else label.split("+")
        assert [part.rpartition("_")[0] for part in guide.split("+")] == genes
        assert {part.rpartition("_")[2] for part in guide.split("+")} <= {"1", "2", "3"}


def test_counts_are_sparse_integers(screen: anndata.AnnData) -> None:
    assert isinstance(screen.X, sp.csr_matrix)
    assert screen.X.dtype == np.int32
    assert screen.X.data.min() > 0


def test_same_seed_same_bits_other_seed_other_cells() -> None:
    small = {"genes": 20, "singles": 4, "doubles": 3, "triples": 0, "cells": 5, "control_cells": 5}
    first, again, other = (simulate_combinations(seed=seed, **small) for seed in (7, 7, 8))
    assert (first.X != again.X).nnz == 0
    assert first.obs.equals(again.obs)
    np.testing.assert_array_equal(first.uns["truth"]["log_mean"], again.uns["truth"]["log_mean"])
    assert (first.X != other.X).nnz > 0


# That it is simulated is never lost


def test_everything_says_that_it_is_simulated(screen: anndata.AnnData, tmp_path: Path) -> None:
    screen.write_h5ad(tmp_path / "a.h5ad")
    back = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert bool(back.uns["simulated"]) is True
    assert "SIMULATED" in back.uns["source"]
    assert back.var_names.str.startswith("SIM").all()
    assert back.obs_names.str.startswith("simulated").all()
    truth = Truth.from_uns(back.uns["truth"])
    for name, value in Truth.from_uns(screen.uns["truth"]).to_uns().items():
        np.testing.assert_array_equal(getattr(truth, name), value)


# Bad settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"doubles": 400}, "do not make so many"),
        ({"genes": 10}, "must not exceed genes"),
        ({"cells": (9, 3)}, "least not above the most"),
        ({"cells": 0}, "at least 1"),
        ({"additive": 0, "synergistic": 0, "suppressive": 0, "epistatic": 0}, "at least one class"),
        ({"double": 3}, "did you mean 'doubles'"),
    ],
)
def test_impossible_settings_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        simulate_combinations(**changes)


# Large screens


def test_large_screen_is_written_in_blocks_and_reads_back(tmp_path: Path) -> None:
    write_large_screen(tmp_path / "large.h5ad", cells=5_000, genes=300, seed=1)
    screen = anndata.read_h5ad(tmp_path / "large.h5ad")
    assert screen.shape == (5_000, 300)
    assert bool(screen.uns["simulated"])
    assert (screen.obs["perturbation"] == "control").sum() == pytest.approx(500, abs=200)
    mean = expected_counts(screen, Truth.from_uns(screen.uns["truth"]))
    counts = screen.X.toarray()
    assert ((counts - mean) ** 2 / mean).mean() == pytest.approx(1.0, abs=0.03)
    write_large_screen(tmp_path / "again.h5ad", cells=5_000, genes=300, seed=1)
    assert sha256(tmp_path / "again.h5ad") == sha256(tmp_path / "large.h5ad")


def test_large_screen_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="at least 1"):
        write_large_screen(tmp_path / "large.h5ad", cells=150, genes=300)
    assert list(tmp_path.iterdir()) == []
