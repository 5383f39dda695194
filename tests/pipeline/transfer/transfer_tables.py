"""Sites of nine guides in cells, found where few mismatches lie near the PAM; rates of two more guides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TABLES = {"one": range(4), "other": range(3, 7), "test": range(6, 9), "rates": range(9, 11)}
"""Guides of each table: one guide of the training tables is also in the test table."""
WEIGHT = np.linspace(2.5, 0.5, 20)
"""Planted ln units that a mismatch costs, from the PAM outwards."""


def guides() -> list[str]:
    """Protospacers, 5' to 3'."""
    rng = np.random.default_rng(11)
    return ["".join(row) for row in rng.choice(list("ACGT"), size=(11, 20))]


def sites(numbers: range, rows: int, rng: np.random.Generator, most: int = 4) -> pd.DataFrame:
    """Targets of some guides with up to so many mismatches; `score`, the planted ln of how fast they are cut."""
    found = []
    for guide in [guides()[number] for number in numbers]:
        for row in range(rows):
            target = list(guide)
            count = 0 if row == 0 else int(rng.integers(1, most + 1))
            places = rng.choice(20, size=count, replace=False)
            for place in places:
                target[place] = rng.choice([base for base in "ACGT" if base != guide[place]])
            # Position 19 of the text lies next to the PAM.
            found.append((f"{guide}NGG", "".join(target) + "TGG", -WEIGHT[19 - places].sum()))
    return pd.DataFrame(found, columns=["guide", "target", "score"])


def cut_table(numbers: range, rows: int, seed: int) -> pd.DataFrame:
    """Sites, found or not; the guide's own target is labelled 0, as such tables have it."""
    rng = np.random.default_rng(seed)
    table = sites(numbers, rows, rng)
    found = rng.random(len(table)) < 1 / (1 + np.exp(-(table["score"] + 2.5)))
    return table.assign(label=np.where(table["score"] == 0, 0, found).astype(int)).drop(columns="score")


def rate_table(rows: int, seed: int = 9) -> pd.DataFrame:
    """log10 of the rate of two guides' sites, no slower than the limit of detection."""
    rng = np.random.default_rng(seed)
    table = sites(TABLES["rates"], rows, rng, most=3)
    rate = (table["score"] / np.log(10) - 1 + rng.normal(0, 0.1, len(table))).clip(lower=-4)
    return table.assign(log10_k=rate).drop(columns="score").drop_duplicates("target")


def cut(path: Path) -> dict[str, Any]:
    """A table of sites, as a study declares it."""
    return {
        "path": str(path),
        "pairs": {"guide": "guide", "target": "target"},
        "measurement": {"kind": "cut"},
    }


def study_of(folder: Path, **transfer: Any) -> dict[str, Any]:
    """A study of tables that are written to a folder: a mechanism of one step, in vitro and in cells."""
    for name, numbers in TABLES.items():
        rows = rate_table(120) if name == "rates" else cut_table(numbers, 150, len(name))
        rows.to_csv(folder / f"{name}.csv", index=False)
    rate = {
        "path": str(folder / "rates.csv"),
        "pairs": {"guide": "guide", "target": "target"},
        "output": "cleavage",
    }
    rate["measurement"] = {"kind": "rate", "lower": -4.0}
    reads = {"reads": {"start": 3, "length": 20, "encoder": "additive"}}
    turning = {
        "kind": "kinetic",
        "states": ["free", "bound"],
        "transitions": {"free->bound": reads, "bound->free": {"makes": ["cleavage"]}},
    }
    asked = {"members": 2, "epochs": 6, "negatives": 5, "batch": 128, "weights": {"test": 0.0}} | transfer
    return {
        "name": "tiny",
        "alphabet": "guide-target",
        "experiments": {
            **{name: cut(folder / f"{name}.csv") for name in ("one", "other", "test")},
            "rates": rate,
        },
        "mechanisms": {"turning": turning},
        "models": {"starts": 1, "steps": 20},
        "transfer": asked,
    }
