"""The conversion of the shipped tables loses nothing, refuses what it does not know, and repeats itself."""

from __future__ import annotations

import gzip
import importlib.util
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = REPOSITORY / "scripts" / "convert_mavenn.py"
    spec = importlib.util.spec_from_file_location("convert_mavenn", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def tables() -> dict[str, pd.DataFrame]:
    """Tables of four rows laid out as the published ones."""
    rng = np.random.default_rng(0)
    sets = ["training", "validation", "test", "training"]
    promoters = ["ACGT" + "".join(rng.choice(list("ACGT"), size=71)) for _ in sets]
    bins = {f"ct_{k}": rng.integers(0, 2, size=4) for k in range(10)}
    counts = pd.DataFrame({"tot_ct": [9, 99, 19, 10], "ex_ct": [4, 0, 7, 3]})
    y = np.log10((counts["ex_ct"] + 1) / (counts["tot_ct"] + 1)) + 1.2
    sites = ["ACGUACGUA", "GGGUAAGUA", "CCCUAAGUA", "UCAUAAGUA"]
    return {
        "sortseq_data.csv.gz": pd.DataFrame({"set": sets, **bins, "x": promoters}),
        "mpsa_data.csv.gz": pd.DataFrame({"set": sets, **counts, "y": y, "x": sites}),
    }


def write_wheel(path: Path, script: ModuleType) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(script.LICENCE, "The MIT License\n")
        for name, table in tables().items():
            archive.writestr(f"{script.DATASETS}/{name}", gzip.compress(table.to_csv(index=False).encode()))
    return path


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, wheel: Path, output: Path) -> dict[str, Path]:
    monkeypatch.setattr("sys.argv", ["convert_mavenn.py", str(wheel), str(output)])
    script.main()
    return {name: output / name / f"{name}.csv.gz" for name in script.TABLES}


def test_tables_and_licence_arrive(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = run(script, monkeypatch, write_wheel(tmp_path / "mavenn.whl", script), tmp_path / "out")
    published = tables()
    pd.testing.assert_frame_equal(pd.read_csv(files["lac-sortseq"]), published["sortseq_data.csv.gz"])
    found = pd.read_csv(files["mpsa"])
    pd.testing.assert_frame_equal(found, published["mpsa_data.csv.gz"], rtol=0, atol=1e-6)
    assert files["mpsa"].with_name("LICENSE.txt").read_text() == "The MIT License\n"


def test_same_wheel_same_bytes(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "mavenn.whl", script)
    first = run(script, monkeypatch, wheel, tmp_path / "first")
    second = run(script, monkeypatch, wheel, tmp_path / "second")
    assert all(first[name].read_bytes() == second[name].read_bytes() for name in first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": ["ACGUACGU"] * 4}, "letters or lengths"),
        ({"x": ["ACGTACGTA"] * 4}, "letters or lengths"),
        ({"x": ["ACGUACGUA"] * 4}, "occurs twice"),
        ({"set": ["train"] * 4}, "other sets"),
        ({"y": [1.0, 2.0, 3.0, 4.0]}, "does not follow"),
        ({"more": [1, 2, 3, 4]}, "the columns are"),
    ],
)
def test_other_tables_are_refused(script: ModuleType, change: dict[str, list[object]], message: str) -> None:
    table = tables()["mpsa_data.csv.gz"].assign(**change)
    with pytest.raises(SystemExit, match=message):
        script.build("mpsa", gzip.compress(table.to_csv(index=False).encode()))


def test_other_wheel_is_refused(script: ModuleType, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("readme", "")
    with pytest.raises(SystemExit, match="has no"):
        script.read_member(tmp_path / "other.whl", script.LICENCE)
