"""Telling models and runs of assays from those of screens."""

from __future__ import annotations

from pathlib import Path

from pajamo.data.run_folder import read_manifest
from pajamo.training.assays.saved import KIND as MODEL_KIND
from pajamo.training.checkpoints import read_state

RUN_KIND, SEARCH_KIND = "assay", "search"
"""What the manifest of a run on an assay, or of a search, says that it is."""


def is_assay_run(folder: Path) -> bool:
    """Whether a complete run is one on an assay.

    Raises
    ------
    IntegrityError: the folder is not a complete run.
    """
    return bool(read_manifest(folder).get("kind") == RUN_KIND)


def is_search(folder: Path) -> bool:
    """Whether a complete run is a search over mechanisms.

    Raises
    ------
    IntegrityError: the folder is not a complete run.
    """
    return bool(read_manifest(folder).get("kind") == SEARCH_KIND)


def is_assay_model(file: Path) -> bool:
    """Whether a file holds a fitted model of an assay; False also if there is no such file.

    Raises
    ------
    IntegrityError: the file is damaged.
    """
    return file.is_file() and read_state(file)[1].get("kind") == MODEL_KIND
