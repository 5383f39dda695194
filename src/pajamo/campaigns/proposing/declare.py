"""A campaign's study from a screen and a few words, and a study with single settings changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pajamo.config.campaigns.study import CampaignStudy, ScreenSource, parse_campaign_study
from pajamo.errors import StudyError, nearest

OF_SOURCE = frozenset(ScreenSource.model_fields) - {"kind", "data"}
"""Keys that are of the candidates, not of the screen's columns."""
OF_BATCH = ("budget", "rounds", "size")


def study_of_screen(path: Path, columns: Mapping[str, Any], asked: Mapping[str, Any]) -> CampaignStudy:
    """The study of a screen: perturbations and pairs, default costs, and the goal `model` if none is named.

    Raises
    ------
    StudyError: unknown columns or impossible settings.
    """
    given = {key: value for key, value in columns.items() if value is not None}
    raw = {
        "name": "screen",
        "goal": asked.get("goal") or "model",
        "seed": asked.get("seed") or 0,
        "candidates": {
            "kind": "screen",
            "data": {"path": path, **{k: v for k, v in given.items() if k not in OF_SOURCE}},
            **{k: v for k, v in given.items() if k in OF_SOURCE},
        },
        "cost": {"kind": "screen"},
        "batch": {key: asked[key] for key in OF_BATCH if asked.get(key) is not None},
    }
    return parse_campaign_study(raw, where="what was asked")


def changed(study: CampaignStudy, asked: Mapping[str, Any]) -> CampaignStudy:
    """A study with some settings changed: goal, seed, budget, rounds, size.

    Raises
    ------
    StudyError: another key, or an impossible setting.
    """
    given = {key: value for key, value in asked.items() if value is not None}
    unknown = [key for key in given if key not in ("goal", "seed", *OF_BATCH)]
    if unknown:
        known = ("goal", "seed", *OF_BATCH)
        raise StudyError(
            f"a study is not changed by {unknown[0]!r}",
            where="what was asked",
            fix=f"{nearest(unknown[0], known)}write it into the study; changed can be: {', '.join(known)}",
        )
    raw = study.model_dump(mode="json", exclude_unset=True)
    batch = {key: given.pop(key) for key in OF_BATCH if key in given}
    if "size" in batch:
        raw["batch"].pop("budget", None)
    if "budget" in batch:
        raw["batch"].pop("size", None)
    raw["batch"] |= batch
    return parse_campaign_study({**raw, **given}, where=study.name)
