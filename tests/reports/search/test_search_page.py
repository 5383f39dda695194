"""The page of a search, from tables that are written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pajamo.errors import IntegrityError
from pajamo.reports.search.page import render_search

VERDICT: dict[str, Any] = {
    "sentence": "Of 48 hypotheses the best is <cycle>.",
    "mechanism": "<cycle>",
    "states": 4,
    "reward": -0.81234,
    "kind_of_reward": "evidence",
    "evaluations": 48,
    "members": 1,
    "set_name": "test",
    "rows": 1234,
    "value": 0.861,
    "baseline": "additive",
    "baseline_value": 0.712,
    "difference": 0.149,
    "low": 0.13,
    "high": 0.17,
    "outcome": "beats",
}


def folder(path: Path, **changes: Any) -> Path:
    about = {"title": "searched", "provenance": {"seed": "0"}, "notes": ["a note"]}
    (path / "about.json").write_text(json.dumps(about), encoding="utf-8")
    (path / "verdict.json").write_text(json.dumps(VERDICT | changes), encoding="utf-8")
    (path / "study.toml").write_text('name = "searched"', encoding="utf-8")
    tables = {
        "scores": {
            "experiment": ["e"],
            "set": ["test"],
            "model": ["ensemble"],
            "rows": [1234],
            "pearson": [0.861],
        },
        "course": {
            "evaluations": [24, 48],
            "mean": [-2.0, -1.5],
            "best": [-1.0, -0.8],
            "best_so_far": [-1.0, -0.8],
        },
        "schemes": {"mechanism": ["<cycle>"], "states": [4], "tried": [48], "share_of_leading": [1.0]},
        "windows": {
            "mechanism": ["<cycle>"] * 3,
            "transition": ["a->b"] * 3,
            "from_pam": [0, 1, 2],
            "inclusion": [0.0, 1.0, 0.5],
        },
        "members": {"member": [1], "mechanism": ["<cycle>"], "reward": [-0.81]},
    }
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(path / f"{name}.csv", index=False)
    return path


def test_the_page_says_what_was_found_and_is_whole(tmp_path: Path) -> None:
    page = render_search(folder(tmp_path))
    assert "Of 48 hypotheses the best is &lt;cycle&gt;." in page
    assert "0.861" in page
    assert "1,234 rows" in page
    assert "ln evidence a row, nats" in page
    for anchor in ("scores", "course", "schemes", "windows", "members", "provenance", "notes"):
        assert f'id="{anchor}"' in page
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "cannot be told from" not in page


def test_equal_files_give_equal_bytes(tmp_path: Path) -> None:
    made = folder(tmp_path)
    assert render_search(made) == render_search(made)


@pytest.mark.parametrize(
    ("outcome", "says"), [("ties", "cannot be told from additive"), ("loses", "loses to additive")]
)
def test_an_ensemble_that_beats_nothing_is_said_to(tmp_path: Path, outcome: str, says: str) -> None:
    assert says in render_search(folder(tmp_path, outcome=outcome, low=None, high=None))


def test_a_search_without_some_tables_has_a_page_without_them(tmp_path: Path) -> None:
    made = folder(tmp_path)
    for name in ("course", "windows", "members"):
        (made / f"{name}.csv").unlink()
    page = render_search(made)
    assert 'id="course"' not in page
    assert 'id="scores"' in page


def test_a_folder_that_is_no_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError):
        render_search(tmp_path)
