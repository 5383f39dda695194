"""A run's tables and facts on disk, and the report's content read back from them: one way in, one way out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from pajamo.data.atomic import write_bytes, write_json, write_text
from pajamo.evaluation.verdict import Verdict
from pajamo.models.registry import models
from pajamo.pipeline.variants import Variant
from pajamo.reports.content import DataFacts, ReportContent

ABOUT = "about.json"
"""What a report says besides tables."""
TABLES = (
    "summary", "scores", "split_counts", "checks", "categories", "strata", "six", "interactions", "examples",
    "time_course", "calibration", "embeddings", "ablation", "timings",
)  # fmt: skip
TIMELINE = "timeline.svg"
"""Drawing of what was done to the cells, where the study or the screen says it."""
WEIGHTS = "weights"
"""Folder of the fitted quantities, one compressed table a model."""


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, compressed where the name ends in .gz; equal tables give equal bytes."""
    content = table.to_csv(index=False).encode()
    # Without the time, and the temporary file's name that gzip would record.
    write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame | None]) -> None:
    """Write each table that there is under its name."""
    for name, table in tables.items():
        if table is not None and not table.empty:
            write_table(folder / f"{name}.csv", table)


def write_about(folder: Path, facts: Mapping[str, Any], study: str, verdict: Verdict) -> None:
    """Write the facts, the study as resolved, and the verdict."""
    write_json(folder / ABOUT, facts)
    write_text(folder / "study.toml", study + "\n")
    shown = {key: value if value == value else None for key, value in asdict(verdict).items()}
    write_json(folder / "verdict.json", shown)


def read_content(folder: Path) -> ReportContent:
    """Everything that a run's report shows, from its files."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    tables: dict[str, Any] = {name: read_table(folder / f"{name}.csv") for name in TABLES}
    facts = about["data"]
    facts["conditions"] = {int(order): n for order, n in facts["conditions"].items()}
    facts |= {key: tuple(facts[key]) for key in ("batches", "contexts", "times")}
    known, listed = models(), [Variant.named(name).model for name in about["models"]]
    weights = {
        file.name.removesuffix(".csv.gz"): file for file in sorted((folder / WEIGHTS).glob("*.csv.gz"))
    }
    numbers = {
        key: float("nan") if verdict[key] is None else verdict[key] for key in ("improvement", "low", "high")
    }
    return ReportContent(
        title=about["title"],
        study=(folder / "study.toml").read_text(encoding="utf-8"),
        verdict=Verdict(**(verdict | numbers)),
        metric=about["metric"],
        split=about["split"],
        baselines=tuple(about["baselines"]),
        data=DataFacts(**facts),
        level=about["level"],
        unit=about["unit"],
        cards=tuple(known[name].card for name in dict.fromkeys(listed) if name in known),
        weights={
            name: pd.read_csv(file, keep_default_na=False, na_values=[""]) for name, file in weights.items()
        },
        refusals=about["refusals"],
        timeline=_read_text(folder / TIMELINE),
        provenance=about["provenance"],
        notes=tuple(about["notes"]),
        files={
            **{name: f"{name}.csv" for name in TABLES if tables[name] is not None},
            **{f"{WEIGHTS}/{name}": f"{WEIGHTS}/{file.name}" for name, file in weights.items()},
        },
        **tables,
    )


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def read_table(path: Path) -> pd.DataFrame | None:
    """A table of a run; None where there is no such file."""
    # Genes may be called NA or nan; only an empty field is a missing value.
    return pd.read_csv(path, keep_default_na=False, na_values=[""]) if path.is_file() else None
