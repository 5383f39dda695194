"""The conversion of the shipped set loses nothing, refuses what it does not know, and repeats itself."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType

import anndata
import numpy as np
import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
EXPRESSION = pd.DataFrame(
    {"SOX2": np.log1p([0, 3, 1]), "MYC": np.log1p([13, 0, 2])}, index=["1_A-1", "1_B-1", "2_A-1"]
)
DESIGN = pd.DataFrame(
    {"MYC": [0.0, 1.0, 0.0], "SOX2": [0.0, 0.0, 1.0], "t": [2.0, 2.0, 3.0]}, index=EXPRESSION.index
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "convert_renge", REPOSITORY / "scripts" / "convert_renge.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_sdist(path: Path, script: ModuleType, expression: pd.DataFrame, design: pd.DataFrame) -> Path:
    contents = {
        script.EXPRESSION: expression.to_csv(),
        script.KNOCKOUTS: design.to_csv(),
        f"{script.ROOT}/LICENSE": "MIT License\n",
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, text in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, sdist: Path, output: Path) -> Path:
    monkeypatch.setattr("sys.argv", ["convert_renge.py", str(sdist), str(output)])
    script.main()
    return output / "renge.h5ad"


def test_values_labels_and_licence_arrive(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sdist = write_sdist(tmp_path / "renge.tar.gz", script, EXPRESSION, DESIGN)
    screen = anndata.read_h5ad(run(script, monkeypatch, sdist, tmp_path / "out"))
    assert list(screen.var_names) == ["MYC", "SOX2"]
    assert list(screen.obs["perturbation"]) == ["control", "MYC", "SOX2"]
    assert list(screen.obs["day"]) == [2, 2, 3]
    np.testing.assert_array_equal(np.rint(np.expm1(screen.X.toarray())), [[13, 0], [0, 3], [2, 1]])
    assert (tmp_path / "out" / "LICENSE.txt").read_text() == "MIT License\n"


def test_same_input_same_bytes(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sdist = write_sdist(tmp_path / "renge.tar.gz", script, EXPRESSION, DESIGN)
    first = run(script, monkeypatch, sdist, tmp_path / "first").read_bytes()
    assert run(script, monkeypatch, sdist, tmp_path / "second").read_bytes() == first


@pytest.mark.parametrize(
    ("expression", "design", "message"),
    [
        (EXPRESSION + 0.1, DESIGN, "whole number"),
        (EXPRESSION, DESIGN.assign(SOX2=1.0), "more than one knockout"),
        (EXPRESSION.iloc[::-1], DESIGN, "same cells"),
    ],
)
def test_other_data_are_refused(
    script: ModuleType, tmp_path: Path, expression: pd.DataFrame, design: pd.DataFrame, message: str
) -> None:
    sdist = write_sdist(tmp_path / "renge.tar.gz", script, expression, design)
    with pytest.raises(SystemExit, match=message):
        script.build(*script.read_members(sdist)[:2])
