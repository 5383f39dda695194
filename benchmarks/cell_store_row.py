"""One row of the table of `cell_store.py`: a loader in a process that imports PyTorch, numpy and what it needs."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BATCHES = (64, 256)
PASSES = 3
MEASURED = 100_000
"""Cells of a pass."""
MEGABYTE = 1e6
Read = Callable[[int], Any]
"""Reads one batch, by its step."""


def in_random_order(store: Any, size: int) -> Read:
    """Cells of a pass in a random order that is fixed before the clock starts."""
    order = np.random.default_rng(1).permutation(store.n_cells)
    return lambda step: store.dense(order[step * size : (step + 1) * size])


def in_block_order(store: Any, size: int, at_once: int) -> Read:
    from pajamo.training.streams.blocks import BlockStream

    stream = BlockStream(store, batch_size=size, at_once=at_once)
    return lambda step: stream.batch(step)[1]


def in_pairs(store: Any, size: int) -> Read:
    """Perturbed cells beside controls of their batch and context; balanced over perturbations."""
    from pajamo.training.streams.cells import CellStream

    stream = CellStream(
        store, perturbation="perturbation", control="control", match=("batch", "context"), batch_size=size
    )

    return lambda step: stream.batch(step).values


def plain(folder: Path, numba: bool) -> Any:
    from pajamo.data.store import CellStore

    return CellStore.open(folder / "cells.pstore", numba=numba)


def packed(folder: Path, cache_bytes: int) -> Any:
    from pajamo.data.store.compressed import CompressedStore

    return CompressedStore.open(folder / "cells.packed", cache_bytes=cache_bytes)


LOADERS: dict[str, tuple[Callable[[Path], Any], Callable[[Any, int], Read]]] = {
    "store, numpy": (lambda folder: plain(folder, numba=False), in_random_order),
    "store, numba": (lambda folder: plain(folder, numba=True), in_random_order),
    "matched pairs, numpy (pairs)": (lambda folder: plain(folder, numba=False), in_pairs),
    "matched pairs, numba (pairs)": (lambda folder: plain(folder, numba=True), in_pairs),
    "compressed, cache for all, first pass": (lambda folder: packed(folder, 64_000_000), in_random_order),
    "compressed, cache for all": (lambda folder: packed(folder, 64_000_000), in_random_order),
    "compressed, 32 blocks of 1,024 at once": (
        lambda folder: packed(folder, 13_000_000),
        lambda store, size: in_block_order(store, size, at_once=32),
    ),
    "compressed, cache for a tenth, full random": (lambda folder: packed(folder, 3_000_000), in_random_order),
}
SLOW = "compressed, cache for a tenth, full random"
FIRST_PASS = "compressed, cache for all, first pass"


def loader(name: str, folder: Path) -> dict[str, Any]:
    """One row: rates at each batch size, opening time and memory."""
    import torch

    make, order = LOADERS[name]
    found: dict[str, Any] = {"loader": name}
    torch_alone = anonymous()
    # What is imported, compiled or loaded once is not what is measured.
    make(folder).dense([0])
    began = time.perf_counter()
    store = make(folder)
    found["open s"] = time.perf_counter() - began
    for size in BATCHES:
        store = make(folder) if name == FIRST_PASS else store
        found[f"cells/CPU-s B={size}"] = rate(order(store, size), size, name, torch.from_numpy)
    found["anonymous MB"] = anonymous() / MEGABYTE
    found["beyond torch MB"] = (anonymous() - torch_alone) / MEGABYTE
    return found


def rate(read: Read, size: int, name: str, to_tensor: Callable[[Any], Any]) -> float:
    """Cells (or pairs of cells) a CPU-second, the median of passes."""
    steps = 4 if name == SLOW else MEASURED // size
    passes = 1 if name in (SLOW, FIRST_PASS) else PASSES
    if name != FIRST_PASS:
        to_tensor(read(0))
    rates = []
    for _ in range(passes):
        began = time.process_time()
        for step in range(steps):
            to_tensor(read(step))
        rates.append(steps * size / (time.process_time() - began))
    return float(np.median(rates))


def anonymous() -> float:
    """Bytes of this process that are no mapped file; 0 where the kernel does not say."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(float(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1024.0


def peak() -> float:
    """Largest resident set of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=LOADERS)
    parser.add_argument("--folder", type=Path, required=True, help="with cells.pstore and cells.packed")
    options = parser.parse_args()
    print(json.dumps(loader(options.name, options.folder)))


if __name__ == "__main__":
    main()
