"""A few hundred simulated proteins: families of relatives, with genes in their headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pajamo.data.proteins.alphabet import RESIDUES

WILD_TYPE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"


def mutated(rng: np.random.Generator, sequence: str, share: float) -> str:
    """A relative: some residues are others."""
    letters = np.array(list(sequence))
    changed = rng.random(len(letters)) < share
    letters[changed] = rng.choice(list(RESIDUES), int(changed.sum()))
    return "".join(letters)


@pytest.fixture(scope="session")
def proteins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with proteins.fasta, clusters.tsv and variants.csv."""
    folder = tmp_path_factory.mktemp("proteins")
    rng = np.random.default_rng(0)
    ancestors = [WILD_TYPE] + ["".join(rng.choice(list(RESIDUES), rng.integers(30, 120))) for _ in range(39)]
    rows, fasta = ["id\tfamily"], []
    for number in range(200):
        family = number % 40
        fasta.append(f">p{number} OS=Nothing GN=G{number // 2}\n{mutated(rng, ancestors[family], 0.2)}\n")
        rows.append(f"p{number}\tf{family}")
    (folder / "proteins.fasta").write_text("".join(fasta))
    (folder / "clusters.tsv").write_text("\n".join(rows) + "\n")
    changes = [(place, after) for place in range(0, 60, 5) for after in "AW" if WILD_TYPE[place] != after]
    lines = [f"{WILD_TYPE[place]}{place + 1}{after},{rng.normal():.3f}" for place, after in changes]
    (folder / "variants.csv").write_text("mutant,score\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def study(proteins: Path) -> Callable[..., dict[str, Any]]:
    """A study that trains in seconds; keyword arguments change [training]."""

    def made(**training: Any) -> dict[str, Any]:
        return {
            "name": "tiny",
            "seed": 3,
            "data": {
                "path": proteins / "proteins.fasta",
                "clusters": proteins / "clusters.tsv",
                "longest": 128,
            },
            "split": {"by": "column", "families": "family", "validation": 0.1, "test": 0.1},
            "model": {"layers": 1, "width": 16, "heads": 2},
            "training": {
                "steps": 8, "packs": 2, "tokens": 256, "save_every": 2, "validate_every": 4, "device": "cpu",
                "schedule": {"warm_up": 2}, **training,
            },
            "variants": {"wild": {"path": proteins / "variants.csv", "sequence": WILD_TYPE}},
        }  # fmt: skip

    return made
