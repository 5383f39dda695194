"""What the benchmark scripts share: where the development data are, the machine, tables."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("numpy", "scipy", "pandas", "anndata", "scikit-learn", "torch")
LIBRARY_SIZE = "total_counts_all_genes"
"""Column of the development file with the molecules of the whole library."""
METRICS = ("mse_top", "mse", "pearson_delta", "discrimination", "energy_distance")
FORMATS = {
    **dict.fromkeys(METRICS, ".3f"),
    "mse_top": ".4f",
    "mse": ".5f",
    "calibrated": ".2f",
    "seconds": ".1f",
}


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the development data; by default $PAJAMO_DEV_DATA or ../shared/data."""
    default = os.environ.get("PAJAMO_DEV_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument(
        "data",
        nargs="?",
        type=Path,
        default=Path(default),
        help="folder with perturbation/, or an h5ad of Norman 2019; by default $PAJAMO_DEV_DATA or "
        "../shared/data",
    )


def norman(data: Path, parser: argparse.ArgumentParser) -> Path:
    """The development file of Norman 2019; leaves with code 2 where it is absent."""
    path = data if data.is_file() else data / "perturbation" / "norman2019_k562_crispra.h5ad"
    if not path.is_file():
        parser.error(f"there is no {path}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    return path.resolve()


def machine() -> str:
    """Cores, threads, Python and the libraries that timings depend on."""
    threads = os.environ.get("OMP_NUM_THREADS", "as many as cores")
    known = ", ".join(f"{name} {_version(name)}" for name in ("pajamo", *LIBRARIES))
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), load {load}, "
        f"OMP_NUM_THREADS {threads}\nPython {platform.python_version()}, {known}"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def ladder_table(summary: pd.DataFrame, seconds: pd.Series, metric: str) -> pd.DataFrame:
    """One row a model, best first on the judged metric and the ceiling last.

    Parameters
    ----------
    summary: as `pajamo.evaluation.comparison.summarise` gives it, of one split.
    seconds: of fitting and predicting all folds, by model.
    metric: the one on which calibration and the difference to the best baseline are shown.
    """
    wide = summary.pivot(index="model", columns="metric", values="mean")
    judged = summary[summary["metric"] == metric].set_index("model")
    table = wide.reindex(columns=[name for name in METRICS if name in wide])
    table["calibrated"] = judged["calibrated"]
    table["better by"] = [difference(judged.loc[model]) for model in table.index]
    table["outcome"] = judged["outcome"]
    table["seconds"] = seconds.reindex(table.index)
    order = judged["rank"].reindex(table.index).fillna(float("inf")).sort_values(kind="stable").index
    return table.loc[order].rename_axis("model").reset_index()


def difference(row: pd.Series) -> str:
    """Improvement over the best baseline with its interval; empty for that baseline itself and the ceiling."""
    if row["outcome"] in ("ceiling", "best baseline") or row["improvement"] != row["improvement"]:
        return ""
    return f"{row['improvement']:+.2g} [{row['improvement_low']:+.2g}, {row['improvement_high']:+.2g}]"


def print_table(title: str, table: pd.DataFrame, formats: Mapping[str, str] | None = None) -> None:
    """Print a table in the form that Markdown reads; NaN stays empty, formats of absent columns are not used."""
    shown = table.copy().astype(object)
    for name, form in (formats or {}).items():
        if name in table:
            shown[name] = [_formatted(value, form) for value in table[name]]
    shown = shown.map(lambda value: _formatted(value, ""))
    widths = [max(len(str(name)), *shown[name].map(len)) if len(shown) else len(name) for name in shown]
    print(f"\n{title}\n")
    print(_row(shown.columns, widths))
    print(_row(["-" * width for width in widths], widths))
    for values in shown.itertuples(index=False):
        print(_row(values, widths))


def _formatted(value: object, form: str) -> str:
    missing = value is None or value != value
    return "" if missing else format(value, form)


def _row(values: object, widths: list[int]) -> str:
    return "| " + " | ".join(str(v).ljust(w) for v, w in zip(values, widths, strict=True)) + " |"
