"""Small screens whose cells follow a known linear flow, for the tests of dynamics."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.config import parse
from pajamo.config.protocol import ProtocolSettings
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.protocols.protocol import Protocol

CELLS = 400


def screen(
    means: Mapping[Condition, np.ndarray],
    controls: Mapping[tuple[str, float], np.ndarray],
    *,
    noise: float = 1.0,
    cells: int = CELLS,
    seed: int = 0,
    genes: Sequence[str] = (),
    protocol: Protocol | None = None,
) -> TrainingSet:
    """Means of so many cells each, whose spread between cells is one in every gene."""
    rng = np.random.default_rng(seed)
    conditions, settings = tuple(means), tuple(controls)
    size = len(next(iter(controls.values())))

    def measured(table: Sequence[np.ndarray], n: int) -> Moments:
        mean = np.array(table) + noise * rng.normal(0.0, 1.0 / np.sqrt(n), (len(table), size))
        return Moments(np.full(len(table), n), mean, np.ones_like(mean))

    names = list(genes) or [f"g{i}" for i in range(size)]
    return TrainingSet(
        pd.Index(names), conditions, measured(list(means.values()), cells), settings,
        measured(list(controls.values()), 4 * cells), protocol=protocol,
    )  # fmt: skip


@dataclass(frozen=True)
class Course:
    """Responses to edits that come to their end at one rate, and what was measured of them."""

    training: TrainingSet
    column: np.ndarray
    decay: float
    onset: float
    level: np.ndarray
    names: tuple[str, ...]


def course(
    *,
    perturbed: int = 12,
    genes: int = 30,
    decay: float = 0.4,
    onset: float = 0.5,
    times: Sequence[float] = (1.0, 2.0, 4.0),
    contexts: Sequence[str] = ("",),
    noise: float = 1.0,
    size: float = 0.4,
    seed: int = 0,
) -> Course:
    """Knockouts of the first genes, measured several times; each takes its own transcript down."""
    rng = np.random.default_rng(seed)
    names = tuple(f"g{i}" for i in range(perturbed))
    column = rng.normal(0.0, size, (perturbed, genes))
    level = 4.0 + rng.uniform(0.0, 2.0, genes)

    def gain(time: float) -> float:
        return float(1.0 - np.exp(-decay * max(time - onset, 0.0)))

    means = {
        Condition((name,), context, time): level + gain(time) * column[i]
        for context in contexts
        for i, name in enumerate(names)
        for time in times
    }
    controls = {(context, time): level for context in contexts for time in times}
    training = screen(means, controls, noise=noise, seed=seed + 1, protocol=Protocol.plain("day"))
    return Course(training, column, decay, onset, level, names)


def protocol(text: str) -> Protocol:
    """The [protocol] table of a study file."""
    return Protocol.from_settings(parse(ProtocolSettings, tomllib.loads(text), "a test"))


PERTURB_FIRST = """
time_unit = "day"
clock = "start"
steps = [
  { do = "perturb", kind = "knockout", onset = 0 },
  { do = "culture", medium = "stem", duration = 2 },
  { do = "differentiate", medium = "neural" },
  { do = "measure" },
]
"""
DIFFERENTIATE_FIRST = """
time_unit = "day"
clock = "start"
steps = [
  { do = "culture", medium = "stem", duration = 2 },
  { do = "differentiate", medium = "neural", duration = 2 },
  { do = "perturb", kind = "knockout", onset = 0 },
  { do = "differentiate", medium = "neural" },
  { do = "measure" },
]
"""
