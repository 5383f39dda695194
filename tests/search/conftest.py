"""The smallest search, made once."""

from __future__ import annotations

import pytest
from tests.search.planted import task

from pajamo.search.rewarding import Task


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return task(tmp_path_factory.mktemp("search"))
