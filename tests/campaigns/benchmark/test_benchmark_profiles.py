"""Profiles: planted changes come back, and no result enters the features or the choice of outputs."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from pajamo.campaigns.acquisition.random import Random
from pajamo.campaigns.benchmark.running import run
from pajamo.campaigns.benchmark.tasks.registry import task
from pajamo.errors import DataError

GENES = [f"g{number:02d}" for number in range(12)]


def screen(path: Path, seed: int = 0, without: str = "") -> Path:
    """Cells of 66 pairs and 12 singles of twelve genes; activating a gene multiplies its own counts by eight."""
    rng = np.random.default_rng(seed)
    labels = ["control"] * 200
    pairs = [f"{a}+{b}" for a in GENES for b in GENES if a < b]
    labels += [name for name in [*GENES, *pairs] for _ in range(10)]
    fold = np.array([[8.0 if gene in label.split("+") else 1.0 for gene in GENES] for label in labels])
    counts = rng.poisson(20.0 * fold * rng.gamma(5.0, 0.2, (len(labels), 1)))
    obs = pd.DataFrame(
        {"perturbation": labels, "total_counts_all_genes": 20.0 * 500}, index=map(str, range(len(labels)))
    )
    table = anndata.AnnData(counts.astype(float), obs=obs, var=pd.DataFrame(index=GENES))
    table = table[table.obs["perturbation"] != without].copy()
    table.write_h5ad(path / "norman2019_k562_crispra.h5ad")
    return path


def test_planted_changes_come_back(tmp_path: Path) -> None:
    found = task("norman-profiles", screen(tmp_path), outputs=12)
    assert found.measurements.shape == (78, 2, 12)
    assert found.features.shape == (78, 24)
    which = np.asarray(found.features[:])[:, :12].astype(bool)
    change = found.measurements.mean(axis=1)
    assert change[which].mean() > 10 * np.abs(change[~which]).mean()
    assert found.ceiling is not None
    assert found.ceiling.correlation.value > 0.9
    record = run(found, Random(), 0)
    assert record["metrics"]["error"][-1] < 0.5 * record["metrics"]["error"][0]


def test_features_and_outputs_come_from_control_cells_and_labels_alone(tmp_path: Path) -> None:
    found = task("norman-profiles", screen(tmp_path), outputs=5)
    table = anndata.read_h5ad(tmp_path / "norman2019_k562_crispra.h5ad")
    perturbed = (table.obs["perturbation"] != "control").to_numpy()
    table.X[perturbed] = np.random.default_rng(9).poisson(3.0, (int(perturbed.sum()), 12))
    table.write_h5ad(tmp_path / "norman2019_k562_crispra.h5ad")
    other = task("norman-profiles", tmp_path, outputs=5)
    assert np.array_equal(found.features[:], other.features[:])
    assert not np.allclose(found.measurements, other.measurements)


def test_a_screen_without_control_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="control cells"):
        task("norman-profiles", screen(tmp_path, without="control"))


def test_the_real_profiles_can_be_run(dev_data: Path) -> None:
    found = task("norman-profiles", dev_data)
    assert found.measurements.shape == (151, 2, 100)
    assert found.ceiling is not None
    assert not found.ceiling.is_noise("model")
    assert run(found, Random(), 0)["metrics"]["error"][-1] is not None
