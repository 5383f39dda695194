"""Random minibatches from a cell store: cells per CPU-second, memory, disk, conversion; SIMULATED cells.

    python benchmarks/cell_store.py [--folder DIR] [--peers PYTHON] [--million N]

The file (made once, seeds in cell_file.py): 100,000 cells x 2,000 genes, 5 % not zero, genes seen in unequal shares.
Every row of the tables is measured in a process of its own that has imported torch: a warm page cache, cells in full
random order unless the row says otherwise, dense float32 batches as tensors, the median of three passes of CPU time.
"anonymous MB" is what the process holds after the last pass besides mapped files; "beyond torch" leaves out what it
held when it had imported torch and nothing else.

`--peers` is the interpreter of an environment with bionemo-scdl, scDataset and anndata (peers/README.md); its loaders
run on the same file, in the same run. `--million N` builds a store of N million generated cells that no file ever
held, and streams from it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import cell_file
from cell_store_row import BATCHES, LOADERS, MEGABYTE, anonymous, in_pairs, in_random_order, peak, rate
from common import machine, print_table

FORMATS = {
    **{f"cells/CPU-s B={size}": ",.0f" for size in BATCHES},
    "open s": ".3f",
    "anonymous MB": ".0f",
    "beyond torch MB": ".0f",
    "disk MB": ".1f",
    "CPU s": ".2f",
    "seconds": ".1f",
    "peak MB": ",.0f",
    "of it libraries MB": ",.0f",
}


def conversion(name: str, folder: Path) -> dict[str, Any]:
    """Build or compress, with time and peak memory."""
    import anndata  # noqa: F401

    from pajamo.data.store import CellStore
    from pajamo.data.store.building import build_store
    from pajamo.data.store.packing import compress_store

    libraries, cpu, wall = peak(), time.process_time(), time.perf_counter()
    if name == "build":
        out = build_store([cell_file.written(folder)], folder / "cells.pstore").path
    else:
        out = folder / "cells.packed"
        compress_store(CellStore.open(folder / "cells.pstore"), out)
    return {
        "step": f"{name} (10 M values)",
        "CPU s": time.process_time() - cpu,
        "seconds": time.perf_counter() - wall,
        "peak MB": peak() / MEGABYTE,
        "of it libraries MB": libraries / MEGABYTE,
        "disk MB": size_of(out) / MEGABYTE,
    }


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, or of a file."""
    return sum(path.stat().st_size for path in [folder, *folder.rglob("*")] if path.is_file())


def generated(cells: int) -> Any:
    """Cells that no file holds, as a source of a store."""
    from pajamo.data.store.sources import Source

    obs, var = cell_file.tables(cells, cell_file.GENES)
    most = int(cells * cell_file.GENES * cell_file.FILLED * 1.2)
    drawn = partial(cell_file.drawn_again, cells, cell_file.GENES)
    return Source("generated", obs, var, drawn, most, {"simulated": True})


def millions(name: str, folder: Path, cells: int) -> dict[str, Any]:
    """Build a store of generated cells, or stream from it."""
    from pajamo.data.store import CellStore
    from pajamo.data.store.building import build_from

    path, wall, cpu = folder / "millions.pstore", time.perf_counter(), time.process_time()
    row: dict[str, Any] = {"step": f"{name}, {cells:,} cells"}
    if name == "generate and build":
        build_from([generated(cells)], path, progress=lambda line: print(line, file=sys.stderr, flush=True))
        row["disk MB"] = size_of(path) / MEGABYTE
    else:
        store = CellStore.open(path)
        row["open s"] = time.perf_counter() - wall
        order = in_pairs if name == "matched pairs" else in_random_order
        read = order(store, 256)
        row["ready s"] = time.perf_counter() - wall
        row["cells/CPU-s B=256"] = rate(read, 256, name, np.asarray)
        row["anonymous MB"] = anonymous() / MEGABYTE
    times = {"CPU s": time.process_time() - cpu, "seconds": time.perf_counter() - wall}
    return row | times | {"peak MB": peak() / MEGABYTE}


def apart(kind: str, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(options.folder), "--one", kind, name]
    command += ["--million", str(options.million)] if options.million else []
    return row_of(command, "step", name)


def loader_row(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One loader in a process that imports little else."""
    script = Path(__file__).with_name("cell_store_row.py")
    return row_of([sys.executable, str(script), name, "--folder", str(options.folder)], "loader", name)


def row_of(command: list[str], title: str, name: str) -> dict[str, Any]:
    """The row that a process prints last."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {title: name, "failed": done.returncode}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(row, file=sys.stderr, flush=True)
    return row


def peers(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Rows of the loaders in the peers' environment."""
    script = Path(__file__).parent / "peers" / "cell_loaders.py"
    command = [options.peers, str(script), str(cell_file.written(options.folder)), "--folder"]
    done = subprocess.run([*command, str(options.folder)], stdout=subprocess.PIPE, text=True, check=False)
    for line in filter(None, done.stdout.splitlines()):
        yield json.loads(line)


def compared(options: argparse.Namespace) -> None:
    """The tables of the benchmark's file."""
    cell_file.written(options.folder)
    for name in ("cells.pstore", "cells.packed"):
        shutil.rmtree(options.folder / name, ignore_errors=True)
    steps = [apart("conversion", name, options) for name in ("build", "compress")]
    rows = [loader_row(name, options) for name in LOADERS]
    for row in rows:
        row["disk MB"] = steps["compressed" in row["loader"]].get("disk MB")
    rows += peers(options) if options.peers else []
    print_table("Conversion", pd.DataFrame(steps), FORMATS)
    print_table("Random minibatches, dense float32", pd.DataFrame(rows), FORMATS)


def measured(options: argparse.Namespace) -> dict[str, Any]:
    kind, name = options.one
    if kind == "conversion":
        return conversion(name, options.folder)
    return millions(name, options.folder, int(options.million * 1e6))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, help="where file and stores are kept; a temporary folder if not given"
    )
    parser.add_argument("--peers", help="interpreter of the peers' environment")
    parser.add_argument(
        "--million", type=float, help="million cells to generate; the other tables are left out"
    )
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options)))
        return
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        options.folder = options.folder or Path(temporary)
        options.folder.mkdir(parents=True, exist_ok=True)
        if not options.million:
            compared(options)
            return
        shutil.rmtree(options.folder / "millions.pstore", ignore_errors=True)
        names = ("generate and build", "full random", "matched pairs")
        rows = [apart("millions", name, options) for name in names]
        print_table("Generated cells, streamed", pd.DataFrame(rows), FORMATS | {"ready s": ".1f"})


if __name__ == "__main__":
    main()
