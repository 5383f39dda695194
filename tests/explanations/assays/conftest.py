"""Planted promoters, fitted once for all tests."""

from __future__ import annotations

import pytest
from tests.explanations.assays.planted import planted

from pajamo.explanations.assays.polishing import polish


@pytest.fixture(scope="session")
def truth():
    """A model that is the truth, and data that it gave: the interaction is known to about a kT."""
    return planted(rows=1000, reads=300, noise=0.3)


@pytest.fixture(scope="session")
def fitted(truth):
    """The optimum for these data."""
    model, assay = truth
    return polish(model, assay), assay
