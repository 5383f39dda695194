"""What variants do, from how often each residue stands at each site of relatives: no site knows another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.alignment import aligned
from pajamo.data.proteins.alphabet import PAD, RESIDUE_TOKENS, TOKENS
from pajamo.data.proteins.blosum import blosum62
from pajamo.errors import DataError

COVERED: Final = 0.5
"""Share of the wild type's sites that a relative must face."""
HALF_BITS_A_SITE: Final = 0.5
"""Score of the alignment, per site of the wild type, from which a protein counts as a relative."""
LEAST_HALF_BITS: Final = 60
"""Score below which strangers align with a short protein by chance."""
ALIKE: Final = 0.8
"""Relatives of which this share of sites agree count as one together."""
PRIOR: Final = 1.0
"""Relatives' worth of weight that overall frequencies have at each site, per amino acid seen there."""
AT_ONCE: Final = 256


@dataclass(frozen=True)
class SiteIndependent:
    """Frequencies of amino acids at each site of a protein, among its relatives.

    Source: the independent model of Hopf et al. 2017 (Nat Biotechnol 35, 128), equation 3; relatives are weighted as
    there, equation 5.

    Attributes
    ----------
    log_frequency: ln frequency of each token at each site; shape (sites, tokens).
    relatives: how many were found.
    effective: how many they count as together.
    """

    log_frequency: NDArray[np.float64]
    relatives: int
    effective: float

    @classmethod
    def of(cls, wild_type: NDArray[np.uint8], candidates: NDArray[np.uint8]) -> Self:
        """Align candidates with the wild type and count those that are relatives, the wild type among them.

        Parameters
        ----------
        wild_type: tokens, shape (sites,).
        candidates: tokens of proteins that may be relatives, filled up with <pad>, shape (candidates, longest).

        Raises
        ------
        DataError: the wild type has no residues.
        """
        if not len(wild_type):
            raise DataError("the wild type has no residues", fix="give its sequence")
        rows = [wild_type[None]]
        for first in range(0, len(candidates), AT_ONCE):
            facing, score = aligned(wild_type, candidates[first : first + AT_ONCE])
            related = (score >= HALF_BITS_A_SITE * len(wild_type)) & ((facing != PAD).mean(axis=1) >= COVERED)
            rows.append(facing[related])
        columns = np.concatenate(rows)
        weight = weights(columns)
        return cls(_log_frequencies(columns, weight), len(columns) - 1, float(weight.sum()))

    def scores(
        self, sites: NDArray[np.int64], tokens: NDArray[np.uint8], wild_type: NDArray[np.uint8]
    ) -> NDArray[np.float64]:
        """ln frequency of each substituted residue less that of the wild type's; shape (substitutions,)."""
        return self.log_frequency[sites, tokens] - self.log_frequency[sites, wild_type[sites]]


def weights(columns: NDArray[np.uint8]) -> NDArray[np.float64]:
    """One over the number of relatives that are alike, each itself among them; shape (relatives,)."""
    alike = np.zeros(len(columns))
    for row, own in enumerate(columns):
        both = (columns != PAD) & (own != PAD)
        same = ((columns == own) & both).sum(axis=1)
        alike[row] = (same >= ALIKE * np.maximum(both.sum(axis=1), 1)).sum()
    return 1.0 / alike


def _log_frequencies(columns: NDArray[np.uint8], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted counts with pseudo-counts that follow BLOSUM62 from the residues that were seen."""
    counts = np.zeros((columns.shape[1], len(TOKENS)))
    for token in RESIDUE_TOKENS:
        counts[:, token] = weight @ (columns == token)
    seen = counts[:, RESIDUE_TOKENS]
    overall = seen.sum(axis=0) + 1.0
    overall /= overall.sum()
    odds = 2.0 ** (blosum62()[np.ix_(RESIDUE_TOKENS, RESIDUE_TOKENS)] / 2)
    shares = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1e-12)
    expected = (shares @ odds) * overall
    expected /= expected.sum(axis=1, keepdims=True)
    prior = PRIOR * (seen > 0).sum(axis=1, keepdims=True)
    found = np.full(counts.shape, -np.inf)
    found[:, RESIDUE_TOKENS] = np.log((seen + prior * expected) / (seen.sum(axis=1, keepdims=True) + prior))
    return found
