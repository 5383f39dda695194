"""Peak memory and time on a simulated screen, against the size of its sparse matrix.

    python benchmarks/memory.py [--cells 200000] [--genes 5000] [--folder DIR] [--run]

The screen is SIMULATED (`pajamo.data.simulate.write_large_screen`) and written once into the folder. Each stage
runs in a process of its own with those before it, so that its peak is its own: the largest resident set (VmHWM)
of that process, the libraries included. "times CSR" divides the peak by data + indices + indptr of the matrix as
anndata would hold it in memory; the target is at most 4. `--run` adds a whole `pajamo run` of all models.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import pandas as pd

from common import machine, print_table

MEGABYTE = 1e6
TARGET = 4.0
CLOSED_FORMS = ("salt", "scaled-salt", "salt-ls", "salt-shift", "linear")


def study(path: Path, ladder: tuple[str, ...] = ()) -> dict[str, object]:
    """Held-out doubles of the simulated screen."""
    return {
        "name": "simulated-large",
        "data": {"path": path, "batch": "batch"},
        "split": {"kind": "doubles", "holdout": 0.25, "folds": 2},
        "models": {"ladder": ladder},
    }


def libraries(_: Path) -> None:
    """Import everything that a run imports."""
    import pajamo.pipeline.run  # noqa: F401


def read(path: Path):
    """Read the screen: tables in memory, values looked at once."""
    from pajamo.config import DataSettings
    from pajamo.data.reading.screens import read_screen

    libraries(path)
    return read_screen(DataSettings(path=path, batch="batch"))


def summarise(path: Path):
    """Means and variances by condition and half."""
    from pajamo.data.pseudobulk import pseudobulk

    screen = read(path)
    return screen, pseudobulk(screen)


def sample(path: Path) -> None:
    """Cells of each condition, as many as the limit allows."""
    from pajamo.data.cells import MOST_VALUES, sample_halves

    screen = read(path)
    each = MOST_VALUES // (2 * len(screen.conditions) * len(screen.genes))
    sample_halves(screen, seed=0, most=max(1, each))


def check(path: Path) -> None:
    """`pajamo check`."""
    from pajamo.api import check as checked

    libraries(path)
    checked(path, batch="batch")


def split(path: Path) -> None:
    """Every kind of split that the screen allows."""
    from pajamo.config import SplitSettings
    from pajamo.data.splits import make_split

    _, bulk = summarise(path)
    for kind in ("doubles", "cluster", "missing-single", "unseen-perturbation"):
        make_split(SplitSettings(kind=kind), bulk, seed=0)


def ladder(path: Path) -> None:
    """Two folds of the closed forms and every baseline, with truth and metrics."""
    whole(path, CLOSED_FORMS)


def whole(path: Path, names: tuple[str, ...] = ()) -> None:
    """`pajamo run`, report included; all models if none is named."""
    import pajamo

    with tempfile.TemporaryDirectory() as runs:
        began = time.perf_counter()
        run = pajamo.run(study(path, names), runs=runs, progress=lambda line: _say(line, began))
        _say(run.verdict["sentence"], began)


def _say(line: str, began: float) -> None:
    print(f"{time.perf_counter() - began:6.1f} s  {line}", file=sys.stderr)


STAGES: dict[str, Callable[[Path], object]] = {
    "libraries only": libraries,
    "read": read,
    "check": check,
    "read + pseudobulk": summarise,
    "read + sample cells": sample,
    "read + pseudobulk + splits": split,
    "run, closed forms": ladder,
    "run, all models": whole,
}
WHOLE = "run, all models"


def peak() -> float:
    """Largest resident set of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def high_water(status: Path = Path("/proc/self/status")) -> float:
    """The kernel's own record of the same (VmHWM); 0 where there is none."""
    if not status.exists():
        return 0.0
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return float(lines["VmHWM"].split()[0]) * 1024.0


def stage(name: str, path: Path) -> None:
    """Run one stage in this process and print its peak as JSON."""
    began = time.perf_counter()
    STAGES[name](path)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak": max(peak(), high_water())}))


def measured(name: str, path: Path) -> dict[str, float]:
    """One stage in a process of its own."""
    command = [sys.executable, __file__, "--stage", name, "--screen", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def in_memory(path: Path) -> tuple[float, str]:
    """Bytes of the matrix as CSR, and the screen in words."""
    with h5py.File(path) as file:
        parts = [file["X"][name] for name in ("data", "indices", "indptr")]
        cells, genes = file["X"].attrs["shape"]
        size = float(sum(part.size * part.dtype.itemsize for part in parts))
        filled = parts[0].size / (int(cells) * int(genes))
    words = f"SIMULATED, {cells:,} cells x {genes:,} genes, {filled:.1%} not zero"
    return (
        size,
        f"{words}, {size / MEGABYTE:,.0f} MB as CSR, {path.stat().st_size / MEGABYTE:,.0f} MB on disk",
    )


def written(folder: Path, cells: int, genes: int) -> Path:
    """The simulated screen, written if it is not there."""
    path = folder / f"simulated-{cells}x{genes}.h5ad"
    if not path.exists():
        code = (
            "import sys; from pathlib import Path; from pajamo.data.simulate import write_large_screen; "
            "write_large_screen(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))"
        )
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, str(path), str(cells), str(genes)], check=True)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024.0
        print(f"written in {time.perf_counter() - began:.0f} s with at most {most / MEGABYTE:,.0f} MB")
    return path


def table(path: Path, names: list[str]) -> pd.DataFrame:
    """Peak and time of each stage."""
    size, _ = in_memory(path)
    rows = []
    for name in names:
        found = measured(name, path)
        rows.append(
            {
                "stage": name,
                "seconds": found["seconds"],
                "peak MB": found["peak"] / MEGABYTE,
                "times CSR": found["peak"] / size,
                "within 4": "yes" if found["peak"] <= TARGET * size else "NO",
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--genes", type=int, default=5_000)
    parser.add_argument("--folder", type=Path, help="keep the screen there; a temporary folder if not given")
    parser.add_argument("--run", action="store_true", help="also a whole run of all models (minutes)")
    parser.add_argument("--only", nargs="+", choices=STAGES, help="only these stages")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--screen", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage(options.stage, options.screen)
        return
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        path = written(folder, options.cells, options.genes)
        names = options.only or [name for name in STAGES if options.run or name != WHOLE]
        results = table(path, names)
        formats = {"seconds": ".1f", "peak MB": ",.0f", "times CSR": ".2f"}
        print_table(in_memory(path)[1], results, formats)


if __name__ == "__main__":
    main()
