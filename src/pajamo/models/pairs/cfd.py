"""Cutting frequency determination: a published weight of each mismatch, multiplied.

Doench et al. 2016, Nat Biotechnol 34, 184 (Supplementary Table 19): how often a target with one mismatch was cut
in CD33 knock-outs relative to the matched one, by the two bases and the place; and the same for the last two bases of
the PAM. The score of a pair is the product. Of bulges it says nothing; here pairs with one score 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.pairs.pairing import BASES, SIZE, TARGET, Codes, mismatched, pairing, parts, perfect
from pajamo.errors import ModelError
from pajamo.models.pairs.base import Array, Arrays, Learned, PairModel
from pajamo.models.pairs.lines import Line

PAM, PROTOSPACER = 3, 20
"""Positions of NGG and of the guide; the table knows no other nuclease."""
FLOOR = 1e-6
"""Added to the score before its logarithm is taken, as some are 0."""


class CuttingFrequency(PairModel):
    """log10 of the product of published weights, on a line that the training rows set."""

    name: ClassVar[str] = "CFD"
    title: ClassVar[str] = "published weights of mismatches, multiplied (Doench 2016)"

    def _learn(self, learned: Learned) -> None:
        rows = learned.train
        self._line = Line.of(_logarithm(learned.codes[rows]), learned.value[rows], self.task)

    def _say(self, codes: Codes) -> Array:
        return self._line(_logarithm(codes))

    def _state(self) -> Arrays:
        return self._line.state()

    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._line = Line.read(arrays, self.task)


def _logarithm(codes: Codes) -> Array:
    return np.asarray(np.log10(cutting_frequency(codes) + FLOOR))


def cutting_frequency(codes: Codes) -> Array:
    """The score of each pair, 0 to 1; codes of pairs with a PAM of three, (pairs, length) to (pairs,).

    Raises
    ------
    ModelError: guides have not 20 bases and a PAM of three.
    """
    if codes.shape[1] < PAM + PROTOSPACER or (codes[:, PAM + PROTOSPACER :] < SIZE).any():
        raise ModelError(
            "CFD is a table of guides of 20 bases with a PAM of three (SpCas9)",
            where=f"guides of {codes.shape[1]} positions",
            fix="leave it out for other nucleases",
        )
    weights, of_pam = _tables()
    own = weights[np.arange(PROTOSPACER), codes[:, PAM : PAM + PROTOSPACER]]
    bases = _target(codes[:, :2])
    return np.asarray(own.prod(axis=1) * of_pam[bases[:, 1], bases[:, 0]])


def _target(codes: Codes) -> NDArray[np.intp]:
    """Place of the target's base in TARGET, "N" where no position is; missing positions count as not read."""
    known = np.where(codes < SIZE, codes, 0)
    return np.where(codes < SIZE, parts(known)[1], TARGET.index("N")).astype(np.intp)


@cache
def _tables() -> tuple[Array, Array]:
    """Weight of each code at each position from the PAM on, (20, codes + 1); of the PAM's bases in place, (6, 6)."""
    table = published()
    weights = np.tile(np.where(perfect() | mismatched(), 1.0, 0.0), (PROTOSPACER, 1))
    inserted = parts(np.arange(SIZE, dtype=np.uint8))[2] > 0
    weights[:, :-1][:, inserted] = 0.0
    for row in table[table["part"] == "mismatch"].itertuples():
        ends = (np.array(BASES.index(str(row.guide))), np.array(TARGET.index(str(row.target))), np.array(0))
        weights[PROTOSPACER - int(row.position), int(pairing(*ends))] = row.weight
    of_pam = np.zeros((len(TARGET), len(TARGET)))
    for row in table[table["part"] == "pam"].itertuples():
        one, other = str(row.target)
        of_pam[TARGET.index(one), TARGET.index(other)] = row.weight
    return weights, of_pam


def published() -> pd.DataFrame:
    """The published weights: `part` ("mismatch" or "pam"), `guide`, `target`, `position` and `weight`.

    Position 20 lies next to the PAM. For a PAM `target` are its last two bases, 5' to 3'.
    """
    place = resources.files("pajamo.data.public") / "shipped" / "cfd" / "cfd.csv"
    with place.open(encoding="utf-8") as file:
        return pd.read_csv(file)
