"""Libraries of variants of one sequence, drawn by a seed."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
from pydantic import Field

from pajamo.config.strict import Config
from pajamo.data.assays.alphabet import Codes
from pajamo.errors import DataError

MOST_ROUNDS = 50
"""How often more variants are drawn before a library is called exhausted."""


class Mutagenesis(Config):
    """How the variants of a library differ from the wild type."""

    how: Literal["random", "saturation", "combinatorial"] = "random"
    """Each position mutated on its own; every single mutant; or every combination of letters at `positions`."""
    variants: int = Field(default=2000, ge=1)
    """Different sequences; of the other two kinds the most that are kept, drawn at random where there are more."""
    rate: float = Field(default=0.1, gt=0, le=1)
    """Probability that a position is mutated, to any other letter alike."""
    repeats: bool = False
    """Whether a randomly mutated sequence may occur more than once, as clones do."""
    positions: tuple[int, ...] | None = None
    """Positions that may change, counted from 0; all of them if not given."""


def variants_of(wild_type: Codes, letters: int, settings: Mutagenesis, seed: int) -> Codes:
    """Draw a library.

    Parameters
    ----------
    wild_type: codes of the unmutated sequence, shape (length,).
    letters: size of the alphabet.
    settings: how variants differ from it.
    seed: the same seed gives the same library.

    Returns
    -------
    Sequences, shape (variants, length), each once unless `repeats`; the wild type is the first of them.

    Raises
    ------
    DataError: a position outside the sequence, or fewer different sequences than asked for.
    """
    positions = _positions(wild_type, settings)
    rng = np.random.default_rng(seed)
    if settings.how == "random":
        return _random(wild_type, letters, positions, settings, rng)
    every = (_singles if settings.how == "saturation" else _combinations)(
        wild_type, letters, positions, settings
    )
    if every is None:
        return _random(wild_type, letters, positions, _even(settings, letters), rng)
    if len(every) <= settings.variants:
        return every
    kept = np.sort(rng.choice(len(every) - 1, settings.variants - 1, replace=False)) + 1
    chosen: Codes = every[np.concatenate([[0], kept])]
    return chosen


def _positions(wild_type: Codes, settings: Mutagenesis) -> list[int]:
    positions = list(range(len(wild_type)) if settings.positions is None else settings.positions)
    outside = [place for place in positions if not 0 <= place < len(wild_type)]
    if outside or not positions:
        raise DataError(
            f"position {outside[0]} is outside the sequence" if outside else "no position may change",
            where="library, `positions`",
            fix=f"give positions from 0 to {len(wild_type) - 1}",
        )
    return sorted(set(positions))


def _random(
    wild_type: Codes, letters: int, positions: list[int], settings: Mutagenesis, rng: np.random.Generator
) -> Codes:
    found = wild_type[None]
    for _ in range(MOST_ROUNDS):
        drawn = np.repeat(wild_type[None], settings.variants, axis=0)
        changed = rng.random((settings.variants, len(positions))) < settings.rate
        steps = rng.integers(1, letters, changed.shape)
        part = drawn[:, positions]
        drawn[:, positions] = np.where(changed, (part + steps) % letters, part)
        found = np.concatenate([found, drawn])
        found = found if settings.repeats else _different(found)
        if len(found) >= settings.variants:
            return found[: settings.variants]
    raise DataError(
        f"only {len(found)} different sequences were found, {settings.variants} are asked for",
        where=f"library of {len(positions)} positions at a mutation rate of {settings.rate:g}",
        why="so many variants hardly exist at this rate",
        fix="raise `rate`, let more `positions` change, or ask for fewer `variants`",
    )


def _different(codes: Codes) -> Codes:
    """Each sequence once, in the order of its first appearance."""
    first = np.unique(codes, axis=0, return_index=True)[1]
    return codes[np.sort(first)]


def _singles(wild_type: Codes, letters: int, positions: list[int], settings: Mutagenesis) -> Codes:
    del settings
    found = np.repeat(wild_type[None], 1 + len(positions) * (letters - 1), axis=0)
    for row, (place, step) in enumerate(product(positions, range(1, letters)), start=1):
        found[row, place] = (wild_type[place] + step) % letters
    return found


def _combinations(
    wild_type: Codes, letters: int, positions: list[int], settings: Mutagenesis
) -> Codes | None:
    """Every combination, the wild type's own first; None where there are too many to list."""
    number = letters ** len(positions)
    if number > max(settings.variants, 100_000):
        return None
    steps = np.indices((letters,) * len(positions)).reshape(len(positions), number).T
    found = np.repeat(wild_type[None], number, axis=0)
    found[:, positions] = (wild_type[positions] + steps) % letters
    return found


def _even(settings: Mutagenesis, letters: int) -> Mutagenesis:
    """Random mutagenesis in which every letter is as likely as any other."""
    return settings.model_copy(update={"how": "random", "rate": (letters - 1) / letters})
