"""Convert two example tables of the `mavenn` distribution into the tables of sequences that ship with pajamo.

    python scripts/convert_mavenn.py mavenn-1.1.4-py3-none-any.whl src/pajamo/data/public/shipped

The wheel comes from the Python package index (`pip download --no-deps mavenn==1.1.4`). The same input gives the same
bytes with the same version of zlib.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

DATASETS = "mavenn/examples/datasets"
LICENCE = "mavenn-1.1.4.dist-info/licenses/LICENSE"
DIGITS = 6
"""Decimals kept of log10 of the percentage spliced in."""


@dataclass(frozen=True)
class Published:
    """One table as it is published: its file, columns, length of its sequences and their letters."""

    file: str
    columns: tuple[str, ...]
    length: int
    letters: str


TABLES = {
    "lac-sortseq": Published(
        "sortseq_data.csv.gz", ("set", *(f"ct_{k}" for k in range(10)), "x"), 75, "ACGT"
    ),
    "mpsa": Published("mpsa_data.csv.gz", ("set", "tot_ct", "ex_ct", "y", "x"), 9, "ACGU"),
}


def read_member(wheel: Path, name: str) -> bytes:
    """The content of one file of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        if name not in archive.namelist():
            raise SystemExit(f"{wheel} has no {name}")
        return archive.read(name)


def build(name: str, content: bytes) -> pd.DataFrame:
    """Check a published table and keep its columns and the order of its rows."""
    published = TABLES[name]
    table = pd.read_csv(io.BytesIO(content), compression="gzip")
    if tuple(table.columns) != published.columns:
        raise SystemExit(f"{published.file}: the columns are {', '.join(table.columns)}")
    sequences = table["x"]
    if (sequences.str.len() != published.length).any() or set("".join(sequences)) != set(published.letters):
        raise SystemExit(f"{published.file}: other letters or lengths than {published.length}")
    if sequences.duplicated().any():
        raise SystemExit(f"{published.file}: a sequence occurs twice")
    if not set(table["set"]) <= {"training", "validation", "test"}:
        raise SystemExit(f"{published.file}: other sets than training, validation and test")
    if "y" in table:
        require_derived(table)
    return table


def require_derived(table: pd.DataFrame) -> None:
    """Check that y is log10 of (ex_ct + 1) / (tot_ct + 1) up to a constant, so that rounding it loses nothing."""
    offset = table["y"] - np.log10((table["ex_ct"] + 1) / (table["tot_ct"] + 1))
    if np.ptp(offset.to_numpy()) > 10.0**-DIGITS:
        raise SystemExit("y does not follow from the counts")


def write(table: pd.DataFrame, path: Path) -> str:
    """Write gzipped CSV without a time stamp or a file name; returns its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(index=False, float_format=f"%.{DIGITS}f", lineterminator="\n")
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    licence = read_member(arguments.wheel, LICENCE).decode("utf-8")
    for name, published in TABLES.items():
        table = build(name, read_member(arguments.wheel, f"{DATASETS}/{published.file}"))
        target = arguments.output / name / f"{name}.csv.gz"
        digest = write(table, target)
        (target.parent / "LICENSE.txt").write_text(licence, encoding="utf-8")
        print(f"{target}: {len(table):,} sequences, {target.stat().st_size:,} bytes\nsha256 {digest}")


if __name__ == "__main__":
    main()
