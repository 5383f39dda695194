"""What the scripts of single peers share: their data file, their import, their cost.

It needs the standard library alone, so that it runs in every peer's environment.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

DEFAULT_DATA = Path(
    os.environ.get("PAJAMO_DEV_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
"""Folder with the development data (`cisreg/...`, `kinetics/...`); it is not part of this repository."""


def one_thread() -> None:
    """Ask numerical libraries for one thread, so that CPU-seconds compare; call it before they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def peer(module: str, package: str, install: str) -> tuple[ModuleType, str]:
    """The peer's module and its version; leaves with code 2 and the way to install it where it is absent."""
    try:
        return import_module(module), version(package)
    except ImportError as absent:
        print(
            f"left out: {sys.executable} has no {package} ({absent}). Make the peer an environment of its own:\n"
            f"    {install}\nand run this script with that environment's python.",
            file=sys.stderr,
        )
        raise SystemExit(2) from None


def data_file(given: Path, name: str, folder: str = "cisreg") -> Path:
    """The file itself, or `name` in the folder that was given or in the folder of that subject inside it."""
    candidates = [given] if given.is_file() else [given / name, given / folder / name]
    for path in candidates:
        if path.is_file():
            return path.resolve()
    print(f"there is no {' nor '.join(map(str, candidates))}: name the data with --data", file=sys.stderr)
    raise SystemExit(2)


class Cost:
    """Seconds since it was made, of the wall and of all CPUs (children included), and peak memory."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def so_far(self, prefix: str = "") -> dict[str, float]:
        """Wall seconds and CPU-seconds up to now."""
        return {
            f"{prefix}wall_seconds": round(time.perf_counter() - self._wall, 1),
            f"{prefix}cpu_seconds": round(_cpu_seconds() - self._cpu, 1),
        }


def peak_megabytes() -> int:
    """Largest resident memory of this process; Linux counts it in kB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3))


def _cpu_seconds() -> float:
    """User and system seconds of this process (as `time.process_time`) and of its finished children."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
