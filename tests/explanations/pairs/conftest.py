"""Planted nucleases, fitted once for all tests."""

from __future__ import annotations

import pytest
from tests.explanations.pairs.networks import chain, network_model

from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.spread import information_of


@pytest.fixture(scope="session")
def planted():
    """A cycle at its planted rates, and data that it gave."""
    return network_model()


@pytest.fixture(scope="session")
def network(planted):
    """The cycle's network."""
    return KineticNetwork.of(planted[0])


@pytest.fixture(scope="session")
def passage():
    """The same rates without recycling: a first passage."""
    return network_model(chain())


@pytest.fixture(scope="session")
def optimum():
    """The optimum for more data, its information, and the data."""
    model, assay = network_model(rows=400)
    found = polish(model, assay).model
    return found, information_of(found, assay), assay
