"""What a search leaves besides tables and models: its verdict, its study, and the study of what it found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from pajamo.config.assays import KineticSettings
from pajamo.data.atomic import write_json, write_text
from pajamo.pipeline.assays.kinds import SEARCH_KIND
from pajamo.pipeline.assays.loading import LoadedAssay
from pajamo.pipeline.assays.resolving import to_be_written
from pajamo.pipeline.record import ABOUT
from pajamo.pipeline.toml_text import to_toml

BEST: Final = "best.toml"


def write_about(
    loaded: LoadedAssay,
    best: KineticSettings,
    verdict: Mapping[str, Any],
    made: Mapping[str, str],
    folder: Path,
) -> None:
    """Write facts and verdict, the study as resolved, and a study of the best hypothesis that `pajamo run` takes."""
    about = {
        "kind": SEARCH_KIND,
        "title": loaded.study.name,
        "provenance": dict(made),
        "notes": list(loaded.notes),
    }
    write_json(folder / ABOUT, about)
    write_json(folder / "verdict.json", {key: _plain(value) for key, value in verdict.items()})
    write_text(folder / "study.toml", to_toml(to_be_written(loaded.study, loaded.asked)) + "\n")
    found = {"name": f"{loaded.study.name}-best", "mechanisms": {"best": best}, "search": None}
    study = loaded.study.model_copy(update=found)
    write_text(folder / BEST, to_toml(to_be_written(study, loaded.asked)) + "\n")


def _plain(value: Any) -> Any:
    """Numbers as JSON has them; None for what is not finite."""
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
