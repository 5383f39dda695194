"""Other loaders of single cells on the file of `cell_store.py`; run in a virtual environment of their own.

    python3.11 -m venv FOLDER/cells
    FOLDER/cells/bin/pip install torch==2.13.0 bionemo-scdl==0.1.3 scDataset==0.3.0 anndata h5py
    python benchmarks/cell_store.py --folder DIR --peers FOLDER/cells/bin/python

bionemo-scdl (Apache-2.0), scDataset (MIT), AnnLoader and backed anndata (BSD-3). Each loader runs in a process of its
own and prints a line of JSON: cells per CPU-second as dense float32 tensors at two batch sizes, time until the first
batch can be asked for, anonymous memory, disk. Cells come in full random order, except where the name says otherwise.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

BATCHES = (64, 256)
MEGABYTE = 1e6


class Files(NamedTuple):
    """The same cells as an h5ad file and as an SCDL archive."""

    h5ad: Path
    archive: Path


Make = Callable[[Files, int], tuple[Iterator[Any], int]]
"""Gives batches of a size, and how many cells are enough to measure: slow loaders are not run to the end."""


def scdl(files: Files, size: int) -> tuple[Iterator[Any], int]:
    """Rows of an SCDL archive through PyTorch's loader, made dense in the width of all genes."""
    import torch
    from bionemo.scdl.io.single_cell_memmap_dataset import SingleCellMemMapDataset
    from bionemo.scdl.util.torch_dataloader_utils import collate_sparse_matrix_batch

    archive = SingleCellMemMapDataset(str(files.archive))
    genes = archive.number_of_variables()[0]

    def dense(rows: list[Any]) -> Any:
        found = collate_sparse_matrix_batch(rows).to_dense()
        return torch.nn.functional.pad(found, (0, genes - found.shape[1]))

    loaded = torch.utils.data.DataLoader(archive, batch_size=size, shuffle=True, collate_fn=dense)
    return iter(loaded), 40_000


def backed(files: Files, size: int) -> tuple[Iterator[Any], int]:
    """anndata with the matrix left in the file; rows sorted within a batch, as h5py wants them."""
    import anndata
    import torch

    cells = anndata.read_h5ad(files.h5ad, backed="r")
    order = np.random.default_rng(1).permutation(cells.n_obs)

    def batches() -> Iterator[Any]:
        for first in range(0, len(order), size):
            yield torch.from_numpy(cells.X[np.sort(order[first : first + size])].toarray())

    return batches(), 10_000


def annloader(files: Files, size: int) -> tuple[Iterator[Any], int]:
    """anndata's AnnLoader over a backed file."""
    import anndata
    from anndata.experimental import AnnCollection, AnnLoader

    cells = anndata.read_h5ad(files.h5ad, backed="r")
    loaded = AnnLoader(AnnCollection([cells], join_vars="inner"), batch_size=size, shuffle=True)
    return (batch.X for batch in loaded), 10_000


def scdataset(files: Files, size: int) -> tuple[Iterator[Any], int]:
    """scDataset over the backed file: blocks of 16 cells, 64 batches fetched together."""
    import anndata
    import torch
    from scdataset import BlockShuffling, scDataset

    cells = anndata.read_h5ad(files.h5ad, backed="r")
    loaded = scDataset(
        cells,
        BlockShuffling(block_size=16),
        batch_size=size,
        fetch_factor=64,
        fetch_callback=lambda held, rows: held.X[np.sort(rows)],
        batch_callback=lambda rows, chosen: torch.from_numpy(rows[chosen].toarray()),
    )
    return iter(torch.utils.data.DataLoader(loaded, batch_size=None)), 50_000


LOADERS: dict[str, Make] = {
    "bionemo-scdl 0.1.3, dense": scdl,
    "backed AnnData": backed,
    "AnnLoader, backed": annloader,
    "scDataset 0.3, blocks of 16 in 64 batches": scdataset,
}


def one(name: str, files: Files) -> dict[str, Any]:
    row: dict[str, Any] = {"loader": name}
    for size in BATCHES:
        began = time.perf_counter()
        batches, most = LOADERS[name](files, size)
        first = next(batches)
        assert first.shape[1] == 2_000, first.shape
        assert str(first.dtype) == "torch.float32", first.dtype
        row["open s"] = time.perf_counter() - began
        row[f"cells/CPU-s B={size}"] = rate(batches, most)
    row["anonymous MB"] = anonymous() / MEGABYTE
    path = files.archive if "scdl" in name else files.h5ad
    row["disk MB"] = (
        sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file()) / MEGABYTE
    )
    return row


def rate(batches: Iterator[Any], most: int) -> float:
    began, cells = time.process_time(), 0
    for batch in batches:
        cells += len(batch)
        if cells >= most:
            break
    return cells / (time.process_time() - began)


def anonymous() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1024.0


def convert(files: Files) -> None:
    """Time and peak memory of making the SCDL archive."""
    from bionemo.scdl.io.single_cell_memmap_dataset import SingleCellMemMapDataset

    shutil.rmtree(files.archive, ignore_errors=True)
    began = time.process_time()
    SingleCellMemMapDataset(str(files.archive), h5ad_path=str(files.h5ad), use_X_not_raw=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0 / MEGABYTE
    spent = time.process_time() - began
    print(f"SCDL archive made in {spent:.1f} CPU s, peak {peak:.0f} MB", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("h5ad", type=Path)
    parser.add_argument("--folder", type=Path, required=True, help="where the SCDL archive is kept")
    parser.add_argument("--one", choices=["convert", *LOADERS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    files = Files(options.h5ad, options.folder / "cells.scdl")
    if options.one == "convert":
        convert(files)
    elif options.one:
        print(json.dumps(one(options.one, files)))
    else:
        for name in ("convert", *LOADERS):
            command = [sys.executable, __file__, str(options.h5ad), "--folder", str(options.folder)]
            done = subprocess.run([*command, "--one", name], stdout=subprocess.PIPE, text=True, check=False)
            print(
                json.dumps({"loader": f"{name}: failed"}) if done.returncode else done.stdout.strip(),
                flush=True,
            )


if __name__ == "__main__":
    main()
