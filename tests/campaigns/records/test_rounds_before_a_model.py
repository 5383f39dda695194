"""The first round of a campaign that begins with nothing measured, and files from before there could be one."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pajamo
import pajamo.campaigns.records.schema as schema
from pajamo.campaigns.records import Campaign


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    """Thirty candidates, none of them measured."""
    table = pd.DataFrame({"candidate": [f"c{n}" for n in range(30)]})
    table.assign(a=np.random.default_rng(0).normal(size=30)).to_csv(tmp_path / "pool.csv", index=False)
    return {
        "name": "new",
        "goal": "model",
        "outputs": ["y"],
        "candidates": {"kind": "table", "path": str(tmp_path / "pool.csv")},
        "batch": {"size": 6},
    }


def test_a_first_round_is_on_record_before_anything_is_measured(
    study: dict[str, Any], tmp_path: Path
) -> None:
    campaign = pajamo.new_campaign(study, tmp_path / "new.sqlite")
    first = pajamo.propose_round(campaign).proposal
    assert math.isnan(first.expected)
    assert math.isnan(campaign.rounds()[0].proposal.expected)
    assert pajamo.replay_round(campaign, 1) == []
    pajamo.record_results(campaign, pd.DataFrame({"candidate": first.candidates, "y": np.arange(6.0)}))
    second = pajamo.propose_round(campaign).proposal
    assert second.expected > 0
    assert pajamo.replay_round(campaign, 2) == []
    assert pajamo.campaign_status(campaign)["measured"] == 6
    assert "round 2" in pajamo.report_campaign(campaign).read_text(encoding="utf-8")


def test_a_file_of_the_first_format_is_read_and_gone_on_with(
    study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        pajamo.new_campaign(study, tmp_path / "old.sqlite")
        with sqlite3.connect(tmp_path / "old.sqlite") as connection:
            connection.execute(
                "INSERT INTO rounds VALUES (1, 7, 0, 'random', 'none', '', 'hash', '[\"y\"]', 'nats', 2.5, NULL, "
                "NULL, '{}', '{}', '[]', '[]', '1.0', '2026-01-01')"
            )
        connection.close()
    for _ in range(2):
        (kept,) = Campaign.open(tmp_path / "old.sqlite").rounds()
        assert kept.proposal.expected == 2.5
        assert kept.proposal.unit == "nats"
    assert pajamo.propose_round(tmp_path / "old.sqlite").number == 2
