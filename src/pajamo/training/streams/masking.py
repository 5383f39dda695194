"""Which residues a model is asked for, and what it is shown in their place."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.config.proteins import MaskingSettings
from pajamo.data.proteins.alphabet import MASK, RESIDUE_TOKENS, RESIDUES, TOKENS
from pajamo.training.streams.hashing import Words, below, mixed, uniform

ANSWERS: Final = np.array([token in {*RESIDUES, "U", "O"} for token in TOKENS])
"""Tokens that can be asked for: residues that are known. X, B and Z say that nobody knows."""
_KIND, _RESIDUE = np.uint64(0x5851F42D4C957F2D), np.uint64(0x14057B7EF767814F)


def masked(
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    places: NDArray[np.int64],
    keys: Words,
    settings: MaskingSettings,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]:
    """Hide residues of samples that lie end to end.

    Each residue is asked for with the same probability; a sample in which chance picks none is asked for one. Whether
    a residue is asked for depends on its sample's key and its place in the protein alone.

    Parameters
    ----------
    tokens: of all samples; shape (tokens,).
    lengths: tokens of each sample.
    places: of each token in its protein; shape (tokens,).
    keys: a hashed word of each sample.
    settings: shares.

    Returns
    -------
    What is shown, where a residue is asked for (ascending), and what truly stands there.
    """
    words = mixed(np.repeat(keys, lengths) ^ mixed(places))
    chances = np.where(ANSWERS[tokens], uniform(words), 2.0)
    asked = chances < settings.share
    _ask_for_one(asked, chances, lengths)
    at = np.flatnonzero(asked)
    kinds = uniform(mixed(words[at] ^ _KIND))
    others = RESIDUE_TOKENS[below(mixed(words[at] ^ _RESIDUE), len(RESIDUE_TOKENS))]
    shown, targets = tokens.copy(), tokens[at]
    shown[at] = np.where(
        kinds < settings.masked, MASK, np.where(kinds < settings.masked + settings.random, others, targets)
    )
    return shown, at, targets


def _ask_for_one(asked: NDArray[np.bool_], chances: NDArray[np.float64], lengths: NDArray[np.int64]) -> None:
    """In samples of which nothing is asked, ask for the residue that came nearest; none where no residue is known."""
    ends = np.cumsum(lengths)
    before = np.concatenate(([0], np.cumsum(asked)))
    for sample in np.flatnonzero(before[ends] == before[ends - lengths]).tolist():
        begin, end = int(ends[sample] - lengths[sample]), int(ends[sample])
        nearest = begin + int(np.argmin(chances[begin:end]))
        asked[nearest] = chances[nearest] < 1
