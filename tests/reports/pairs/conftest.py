"""A run's folder with the tables of a small nuclease."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from tests.explanations.pairs.networks import network_model

from pajamo.explanations.pairs.tables import pair_tables
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.figures.theme import png


@pytest.fixture(scope="session")
def nuclease():
    """A model at planted rates, and its tables."""
    model, assay = network_model()
    return model, pair_tables(model, assay)


@pytest.fixture
def run(nuclease, tmp_path: Path) -> AssayRun:
    """The folder that a run leaves; the tables also hold another model."""
    model, tables = nuclease
    about = {"models": [], "level": 0.9, "experiments": []}
    (tmp_path / "about.json").write_text(json.dumps(about))
    (tmp_path / "verdict.json").write_text(json.dumps({"model": "cas9", "set_name": "test"}))
    for name, table in tables.items():
        both = [table.assign(model="other"), table.assign(model="cas9")]
        both[0].head(3).to_csv(tmp_path / f"{name}.csv", index=False)
        both[1].to_csv(tmp_path / f"{name}.csv", index=False, mode="a", header=False)
    made = AssayRun(tmp_path)
    made.__dict__["model"] = model
    return made


@pytest.fixture
def drawn() -> Callable[[Callable[[], Figure]], Figure]:
    """Draw a figure as the page does, warnings being errors, and hand it over for inspection."""

    def draw(make: Callable[[], Figure]) -> Figure:
        made: list[Figure] = []
        png(lambda: made.append(make()) or made[0], dpi=30)
        return made[0]

    return draw
