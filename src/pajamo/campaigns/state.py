"""What a campaign knows at one moment: the input of the next round, and nothing else may enter it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One measurement that came back.

    Attributes
    ----------
    candidate: its name.
    values: by output; None where that output is missing.
    errors: standard error of each value where it is known.
    round: in which it was proposed, or None for what was known before.
    """

    candidate: str
    values: Mapping[str, float | None]
    errors: Mapping[str, float]
    round: int | None


@dataclass(frozen=True)
class State:
    """What is known when a round is proposed.

    Attributes
    ----------
    round: number of the round to propose, from 1.
    seed: of everything random in it, made of the campaign's seed and the round.
    results: measurements in the order in which they arrived, repeated ones too.
    failed: candidates whose last measurement failed and that were not measured otherwise; they may be proposed again.
    pending: candidates that were proposed and have no result yet.
    withdrawn: candidates that must not be proposed any more.
    spent: money of all rounds so far, failed measurements included.
    """

    round: int
    seed: int
    results: tuple[Measured, ...] = ()
    failed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    spent: float = 0.0
