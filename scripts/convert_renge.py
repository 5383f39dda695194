"""Convert the example data of the `renge` source distribution into the screen that ships with pajamo.

    python scripts/convert_renge.py renge-0.0.5.tar.gz src/pajamo/data/public/shipped/renge

The source distribution comes from the Python package index (`pip download --no-deps --no-binary :all:
renge==0.0.5`). The same input and the same library versions give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tarfile
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

ROOT = "renge-0.0.5"
EXPRESSION = f"{ROOT}/examples/data/E_renge_d2_80.csv"
KNOCKOUTS = f"{ROOT}/examples/data/X_renge_d2_80.csv"
DOI = "10.1038/s42003-023-05594-4"
TOLERANCE = 1e-9
"""How far exp(value) - 1 may lie from a whole number."""


def read_members(sdist: Path) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Read expression (cells by genes), the design (cells by knockouts and time), and the licence."""
    with tarfile.open(sdist) as archive:

        def content(name: str) -> bytes:
            member = archive.extractfile(name)
            if member is None:
                raise SystemExit(f"{sdist} has no {name}")
            return member.read()

        expression = pd.read_csv(io.BytesIO(content(EXPRESSION)), index_col=0)
        design = pd.read_csv(io.BytesIO(content(KNOCKOUTS)), index_col=0)
        licence = content(f"{ROOT}/LICENSE").decode("utf-8")
    return expression, design, licence


def corrected_counts(expression: pd.DataFrame) -> NDArray[np.int64]:
    """Recover the whole numbers k behind the values ln(1 + k)."""
    values = np.expm1(expression.to_numpy())
    counts = np.rint(values)
    if np.abs(values - counts).max() > TOLERANCE:
        raise SystemExit("the expression values are not ln(1 + whole number)")
    return counts.astype(np.int64)


def knockout_labels(design: pd.DataFrame) -> NDArray[np.str_]:
    """Name the one gene that is knocked out in each cell, or 'control'."""
    indicators = design.drop(columns="t")
    each = indicators.to_numpy().sum(axis=1)
    if not np.isin(indicators.to_numpy(), (0, 1)).all() or each.max() > 1:
        raise SystemExit("a cell has more than one knockout")
    return np.where(each == 0, "control", indicators.idxmax(axis=1).to_numpy()).astype(str)


def build(expression: pd.DataFrame, design: pd.DataFrame) -> anndata.AnnData:
    """Bring both tables into one screen, genes in alphabetical order."""
    expression = expression[sorted(expression.columns)]
    if not expression.index.equals(design.index):
        raise SystemExit("the two tables do not list the same cells")
    values = np.log1p(corrected_counts(expression)).astype(np.float32)
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(knockout_labels(design)),
            "day": design["t"].to_numpy().astype(np.int8),
        },
        index=pd.Index(expression.index.astype(str), name="cell"),
    )
    source = {
        "title": "RENGE: time-series CRISPR knockouts in human iPS cells",
        "doi": DOI,
        "source": "PyPI renge 0.0.5 (sdist), examples/data",
        "licence": "MIT, Copyright (c) 2022 masastat",
        "value": "ln(1 + depth-corrected UMI count)",
    }
    var = pd.DataFrame(index=pd.Index(expression.columns, name="gene"))
    return anndata.AnnData(X=sp.csr_matrix(values), obs=obs, var=var, uns=source)


def write(screen: anndata.AnnData, path: Path) -> str:
    """Write the h5ad without time stamps; returns its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    screen.write_h5ad(path, compression="gzip", compression_opts=9)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sdist", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    expression, design, licence = read_members(arguments.sdist)
    screen = build(expression, design)
    target = arguments.output / "renge.h5ad"
    digest = write(screen, target)
    (arguments.output / "LICENSE.txt").write_text(licence, encoding="utf-8")
    print(f"{target}: {screen.n_obs} cells x {screen.n_vars} genes, {target.stat().st_size:,} bytes")
    print(f"sha256 {digest}")


if __name__ == "__main__":
    main()
