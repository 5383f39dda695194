"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def dev_data() -> Path:
    """Folder of real development data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("PAJAMO_DEV_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "perturbation").is_dir():
        pytest.skip("development data are absent (set PAJAMO_DEV_DATA)")
    return folder
