"""Rates of two short guides with planted effects of mismatches, and the smallest search on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.reading import read_assay
from pajamo.search.declaring import space_of
from pajamo.search.rewarding import Task

GUIDES = ("GACGCATAAATGG", "CTTAGGCAGTAGG")
"""Ten bases and a PAM each."""
LIMIT, NOISE = -2.8, 0.2
EXPERIMENT = {"pairs": {}, "measurement": {"kind": "rate", "lower": LIMIT}}
ONE_STEP = {
    "kind": "kinetic",
    "states": ["free", "cut"],
    "transitions": {
        "free->cut": {"reads": {"start": 3, "length": 6, "encoder": "convolution", "kernel": 1, "sd": 2.0}}
    },
    "passages": {"cleavage": {"start": "free", "to": ["cut"]}},
}
"""ln of the recorded rate is linear in the weights: what is said of it can be checked on paper."""


def table(rows: int = 60, seed: int = 0, guides: tuple[str, ...] = GUIDES) -> pd.DataFrame:
    """So many targets of each guide; a mismatch among the five bases beside the PAM costs four times as much."""
    rng = np.random.default_rng(seed)
    found = []
    for guide in guides:
        for _ in range(rows):
            places = rng.choice(10, size=rng.integers(1, 4), replace=False)
            target = list(guide)
            for place in places:
                target[place] = str(rng.choice([base for base in "ACGT" if base != guide[place]]))
            value = -1.0 - sum(0.8 if place >= 5 else 0.2 for place in places) + rng.normal(0, NOISE)
            found.append((guide, "".join(target), max(value, LIMIT)))
    return pd.DataFrame(found, columns=["guide", "target", "log10_k"])


def study(folder: Path, search: dict[str, Any], rows: int = 60, **more: Any) -> AssayStudy:
    """A study of a table in a folder whose second guide is the test set; no rows for validation."""
    path = folder / "rates.csv"
    if not path.is_file():
        table(rows).to_csv(path, index=False)
    experiment = EXPERIMENT | {"path": str(path)}
    experiment["measurement"] = experiment["measurement"] | {"value": "log10_k"}
    given = {"name": "short", "alphabet": "guide-target", "holdout": [0.0, 0.0], "test_guides": [GUIDES[1]]}
    return parse_assay_study(given | {"experiments": {"rates": experiment}, "search": search} | more)


def task(folder: Path, rows: int = 60, mechanisms: dict[str, Any] | None = None, **search: Any) -> Task:
    """The task of a search on the first guide: cycles of three states, of which few are tried."""
    given = {"cycles": [3], "evaluations": 9, "generation": 3, "steps": 3} | search
    asked = study(folder, given, rows, mechanisms=mechanisms or {})
    assert asked.search is not None
    assay = read_assay(asked)
    return Task(asked, space_of(asked, asked.search, assay.length), assay.part("training"), asked.search)
