"""The README's study of an assay is one that `pajamo check` takes, and its commands are those that there are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pajamo
from pajamo.config.assays import parse_assay_study
from pajamo.explanations.designs.declared import declared_model

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Your own assay")[2].partition("\n## ")[0]
LENGTH = 75
"""Letters of the lac promoter, whose two sites the study declares."""


def shown(language: str) -> str:
    """The section's block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    assert found
    return found.group(1)


def test_the_study_is_checked_against_a_table_as_it_describes(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "promoter.toml").write_text(shown("toml"), encoding="utf-8")
    study = parse_assay_study(tomllib.loads(shown("toml")))
    energies = {"CRP": -1.0, "RNAP": 0.5, "CRP+RNAP": -2.0}
    model = declared_model(
        study.mechanisms["activated"], study.experiments, ("ACGTTGCATCAGTCC" * 5)[:LENGTH], energies
    )
    table = pajamo.simulate_assay(model, variants=400, rate=0.1, reads=20)["sort"]
    assert list(table) == ["x", "unsorted", "dim", "low", "mid", "high"]
    table.to_csv(tmp_path / "reads.csv", index=False)
    outcome = command("check", "promoter.toml")
    assert outcome.code == 0, outcome.out
    assert "4 states" in " ".join(outcome.out.split())
    assert "ready to use: 0 errors" in outcome.out


def test_every_command_is_one(command: Callable[..., Any]) -> None:
    named = set(re.findall(r"(?:\$ |`)pajamo ([a-z]+)", SECTION))
    assert named >= {"check", "run", "explain", "predict", "sequences", "library", "simulate"}
    listed = command("--help").out
    assert all(re.search(rf"\b{name}\b", listed) for name in named)
    assert all(callable(getattr(pajamo, name)) for name in re.findall(r"`pajamo\.([a-z_]+)`", SECTION))
