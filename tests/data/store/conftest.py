"""Screens of random counts as files, and stores of them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import scipy.sparse as sp
from tests.data.store.counted_screens import Make, counted, screened

from pajamo.data.store import CellStore
from pajamo.data.store.building import build_store


@pytest.fixture
def write(tmp_path: Path) -> Make:
    """Write counts as an h5ad file: `write("a.h5ad", counts)`."""

    def written(name: str, counts: sp.spmatrix, **named: object) -> Path:
        path = tmp_path / name
        screened(counts, **named).write_h5ad(path)
        return path

    return written


@pytest.fixture(params=[False, True], ids=["numpy", "numba"])
def store(request: pytest.FixtureRequest, write: Make, tmp_path: Path) -> CellStore:
    """A store of `counted()`, read with numpy and with compiled code."""
    if request.param and find_spec("numba") is None:
        pytest.skip("numba is not installed")
    build_store([write("a.h5ad", counted())], tmp_path / "a.pstore")
    return CellStore.open(tmp_path / "a.pstore", numba=request.param)


@pytest.fixture
def truth() -> sp.csr_matrix:
    """The counts of `store`."""
    return counted()
