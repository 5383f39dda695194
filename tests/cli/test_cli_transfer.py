"""The command line of transfers: train, score pairs, guides against a list of sites, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.transfer.transfer_tables import guides, sites, study_of

from pajamo.models.pairs import boosting
from pajamo.pipeline.toml_text import to_toml


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as small as these need few trees."""
    monkeypatch.setattr(boosting, "TREES", 5)


@pytest.mark.usefixtures("few_trees")
def test_transfer_then_score(tmp_path: Path, command: Callable[..., Any]) -> None:
    """One study file, one table of pairs, two lists: three commands."""
    study = study_of(tmp_path, members=1, epochs=2)
    (tmp_path / "study.toml").write_text(to_toml(study), encoding="utf-8")
    outcome = command("transfer", tmp_path / "study.toml", "--runs", tmp_path / "runs")
    assert outcome.code == 0, outcome.err
    assert "Average precision on test guides" in outcome.out
    (run,) = (tmp_path / "runs").glob("tiny-transfer-*")
    assert command("verify", run).code == 0

    pairs = sites(range(6, 8), 10, np.random.default_rng(0))
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    scored = command("score", run, tmp_path / "pairs.csv", "--output", tmp_path / "scores.csv")
    assert scored.code == 0, scored.err
    assert "(20 pairs)" in scored.out
    assert {"probability", "step"} < set(pd.read_csv(tmp_path / "scores.csv").columns)

    (tmp_path / "guides.txt").write_text("\n".join(f"{own}NGG" for own in guides()[6:8]), encoding="utf-8")
    (tmp_path / "sites.txt").write_text("\n".join(pairs["target"].unique()), encoding="utf-8")
    lists = ("--guides", tmp_path / "guides.txt", "--sites", tmp_path / "sites.txt")
    every = command("score", run, *lists, "--output", tmp_path / "all.csv")
    assert every.code == 0, every.err
    assert len(pd.read_csv(tmp_path / "all.csv")) == 2 * pairs["target"].nunique()

    refused = command("score", run, "--guides", tmp_path / "guides.txt")
    assert refused.code == 2
    assert "both `guides` and `sites`" in " ".join(refused.err.split())


def test_a_study_without_the_table_is_refused(tmp_path: Path, command: Callable[..., Any]) -> None:
    """Said in words, before anything is read."""
    study = {key: own for key, own in study_of(tmp_path).items() if key != "transfer"}
    (tmp_path / "study.toml").write_text(to_toml(study), encoding="utf-8")
    outcome = command("transfer", tmp_path / "study.toml", "--runs", tmp_path / "runs")
    assert outcome.code == 2
    assert "nothing of a transfer" in outcome.err
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
