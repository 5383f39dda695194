"""Families: proteins that are tied by likeness, directly or through others, and so must not be on both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pajamo.config.proteins import ProteinSplitSettings
from pajamo.data.proteins.candidates import candidates
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.likeness import related
from pajamo.data.proteins.mmseqs import available, linked_by_mmseqs


def families(corpus: ProteinCorpus, settings: ProteinSplitSettings) -> NDArray[np.int64]:
    """Number of each protein's family, from 0 in order of the corpus; shape (proteins,).

    By homology: single linkage of pairs that `related` accepts, and of those that MMseqs2 finds where it is
    installed.

    Raises
    ------
    DataError: a column of clusters that the corpus does not have.
    SplitError: too many proteins for pajamo alone; MMseqs2 fails.
    """
    if settings.by == "protein":
        return np.arange(len(corpus), dtype=np.int64)
    if settings.by == "column":
        return _renumbered(corpus.clusters(str(settings.families)).of)
    return homologous(corpus, available())


def homologous(corpus: ProteinCorpus, mmseqs: str | None = None) -> NDArray[np.int64]:
    """Families by shared words; with the links of the program `mmseqs` as well where its path is given."""
    first, second = _own_links(corpus)
    if mmseqs is not None:
        more = linked_by_mmseqs(corpus, mmseqs)
        first, second = np.concatenate((first, more[0])), np.concatenate((second, more[1]))
    return joined(len(corpus), first, second)


def _own_links(corpus: ProteinCorpus) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = candidates(corpus)
    alike = related(corpus, pairs)
    return pairs.first[alike], pairs.second[alike]


def joined(number: int, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Single linkage: what is tied directly or through others is one family."""
    ties = coo_matrix((np.ones(len(first), dtype=bool), (first, second)), shape=(number, number))
    return _renumbered(connected_components(ties, directed=False)[1])


def _renumbered(of: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.asarray(pd.factorize(of)[0], dtype=np.int64)
