"""One finished transfer, made once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.pipeline.transfer.transfer_tables import study_of

import pajamo
from pajamo.models.pairs import boosting
from pajamo.pipeline.transfer.record import TransferRun


@pytest.fixture(scope="session")
def transferred(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], TransferRun]:
    """The study, and its complete run."""
    folder = tmp_path_factory.mktemp("transfer")
    study = study_of(folder)
    return study, pajamo.transfer(study, runs=folder / "runs")


@pytest.fixture(scope="session", autouse=True)
def few_trees() -> Iterator[None]:
    """Gradient boosting takes most of the time, and tables as small as these need few trees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, "TREES", 10)
        yield
