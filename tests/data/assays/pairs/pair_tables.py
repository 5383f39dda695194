"""Tables of guide-target pairs whose answers fit on paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pajamo.config.assays import AssayStudy, parse_assay_study

CUT = {"kind": "cut"}
RATE = {"kind": "rate", "value": "k"}
ONE, TWO, THREE = "GACGCATAAAGATGAGACGC", "GTGATAAGTGGAATGCCATG", "GAGTCCGAGCAGAAGAAGAA"


def table_of(guides: Sequence[str] = (ONE, TWO, THREE), targets: int = 12, seed: int = 0) -> pd.DataFrame:
    """For each guide some different targets with two mismatches, a label, and a rate (log10 of 1/s)."""
    rng = np.random.default_rng(seed)
    rows = []
    for guide in guides:
        for number, target in enumerate(_targets(guide, targets, rng)):
            label = int(number % 3 == 0)
            rows.append((guide + "NGG", target + "AGG", label, -3.0 + label + rng.normal(0, 0.1)))
    return pd.DataFrame(rows, columns=["guide", "target", "label", "k"])


def _targets(guide: str, number: int, rng: np.random.Generator) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < number:
        target = list(guide)
        for place in rng.choice(len(guide), size=2, replace=False):
            target[place] = "ACGT"[("ACGT".index(target[place]) + int(rng.integers(1, 4))) % 4]
        found["".join(target)] = None
    return list(found)


def study_of(
    folder: Path, table: pd.DataFrame, measurement: dict[str, Any] | None = None, **more: Any
) -> AssayStudy:
    """A study of one table, which is written there."""
    table.to_csv(folder / "pairs.csv", index=False)
    pairs = more.pop("pairs", {})
    experiment = {"path": folder / "pairs.csv", "pairs": pairs, "measurement": measurement or CUT}
    experiment |= more.pop("experiment", {})
    settings = {"name": "s", "alphabet": "guide-target", "experiments": {"e": experiment}}
    return parse_assay_study(settings | more)
