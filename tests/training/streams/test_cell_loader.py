"""PyTorch's loaders give the batches of a stream bit by bit, whatever the number of their workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.data.store.small_stores import cells, store_of
from tests.training.streams.cell_screens import fake_store
from torch import multiprocessing

from pajamo.data.store import CellStore
from pajamo.data.store.compressed import CompressedStore
from pajamo.data.store.packing import compress_store
from pajamo.training.streams.cell_loader import CellBatches, cell_loader
from pajamo.training.streams.cells import CellStream


def stream(**settings: object) -> CellStream:
    return CellStream(
        fake_store(),
        perturbation="perturbation",
        control="ctrl",
        match=("batch", "context"),
        batch_size=8,
        **settings,  # type: ignore[arg-type]
    )


@pytest.fixture
def shared_by_files() -> Iterator[None]:
    """Tensors come from workers through files; the usual way opens a local socket, which tests must not."""
    before = multiprocessing.get_sharing_strategy()
    multiprocessing.set_sharing_strategy("file_system")
    yield
    multiprocessing.set_sharing_strategy(before)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("shared_by_files")
def test_any_number_of_workers_gives_the_same_batches(workers: int) -> None:
    alone = list(cell_loader(stream(), first=2, steps=7))
    together = list(cell_loader(stream(), first=2, steps=7, workers=workers))
    assert [int(batch["step"]) for batch in together] == list(range(2, 9))
    for one, other in zip(alone, together, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("kind", ["plain", "compressed"])
@pytest.mark.usefixtures("shared_by_files")
def test_workers_read_stores_as_this_process_does(tmp_path: Path, kind: str) -> None:
    store: CellStore | CompressedStore = store_of(tmp_path, cells())
    if kind == "compressed":
        store = compress_store(store, tmp_path / "packed", block_cells=32)
    found = CellStream(store, perturbation="perturbation", control="ctrl", match=("batch",), batch_size=16)
    # The compressed store has read before its workers are made.
    alone = list(cell_loader(found, first=0, steps=5))
    together = list(cell_loader(found, first=0, steps=5, workers=2))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
        expected = torch.from_numpy(store.dense(one["rows"].numpy()))
        assert torch.equal(one["values"], expected)


def test_batches_have_values_beside_controls_or_alone() -> None:
    batch = next(iter(CellBatches(stream(), 0, 1)))
    assert batch["values"].shape == batch["controls"].shape == (8, 3)
    assert "controls" not in next(iter(CellBatches(stream(with_controls=False), 0, 1)))
    assert len(CellBatches(stream(), 3, 5)) == 5


def test_a_loader_leaves_the_random_numbers_of_the_model_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    list(cell_loader(stream(), first=0, steps=2))
    assert torch.equal(before, torch.get_rng_state())
