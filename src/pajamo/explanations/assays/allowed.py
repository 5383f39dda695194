"""What a symmetry may do, given how experiments see the mechanism and which parameters can take what value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.measurements.scalar.measurement import Measurement
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Blueprint, Reader

LAYOUT = ("encoder", "kernel", "knots", "changes", "pam", "any_base")
"""Settings of a reading by which its weights are laid out."""


@dataclass(frozen=True)
class Group:
    """Terms that one parameter (or the weights of one reader) sets together.

    Attributes
    ----------
    terms: their positions.
    reader: its name; None for a constant.
    free: whether it can take another value; black boxes and fixed constants cannot.
    experiment: the only experiment in which it counts.
    """

    terms: tuple[int, ...]
    reader: str | None
    free: bool
    experiment: str | None


def groups_of(assembly: Assembly) -> tuple[Group, ...]:
    """Every reader with all terms that it sets, and every constant."""
    blueprint = assembly.blueprint
    readers = [
        Group(_terms(blueprint, name), name, isinstance(reader, LinearEncoder), None)
        for name, reader in assembly.readers()
    ]
    constants = [
        Group((place,), None, not term.fixed, term.experiment)
        for place, term in enumerate(blueprint.terms)
        if term.encoder is None
    ]
    return (*readers, *constants)


def _terms(blueprint: Blueprint, reader: str) -> tuple[int, ...]:
    return tuple(place for place, term in enumerate(blueprint.terms) if term.encoder == reader)


def exchangeable(blueprint: Blueprint, one: Group, other: Group) -> bool:
    """Whether two readers could take each other's weights: they are linear and read the same windows alike."""
    if one == other:
        return True
    if one.reader is None or other.reader is None or not (one.free and other.free):
        return False
    first, second = blueprint.readers[one.reader], blueprint.readers[other.reader]
    return _read_alike(first, second) and _windows(blueprint, one) == _windows(blueprint, other)


def _read_alike(one: Reader, other: Reader) -> bool:
    """Whether the same weights mean the same: encoder, width, and how differences of pairs are told apart."""
    return one.length == other.length and all(
        getattr(one.settings, name) == getattr(other.settings, name) for name in LAYOUT
    )


def _windows(blueprint: Blueprint, group: Group) -> list[tuple[int, str]]:
    return [(blueprint.terms[place].start, blueprint.terms[place].strand) for place in group.terms]


def may_fall(measurement: Measurement) -> bool:
    """Whether what is recorded may fall as the activity rises."""
    if isinstance(measurement, FreeBins):
        return True
    return isinstance(measurement, ContinuousReading) and not measurement.nonlinearity.monotone


@dataclass(frozen=True)
class Outputs:
    """What may happen to each output without any experiment noticing.

    Attributes
    ----------
    mirrored: whether its activity t may become 1 - t, shape (outputs,).
    scaled: whether it may be multiplied by a number, shape (outputs,).
    """

    mirrored: tuple[bool, ...]
    scaled: tuple[bool, ...]

    @classmethod
    def of(cls, assembly: Assembly) -> Outputs:
        """Look at the measurement of every experiment that records an output."""
        numbers = range(len(assembly.blueprint.outputs))
        bounded = bool(getattr(assembly.law, "two_level", False))
        mirrored = tuple(
            bounded and all(_mirrors(assembly, e) for e in _seeing(assembly, o)) for o in numbers
        )
        scaled = tuple(all(_scales(assembly, e) for e in _seeing(assembly, o)) for o in numbers)
        return cls(mirrored, scaled)


def _seeing(assembly: Assembly, output: int) -> list[str]:
    return [name for name in assembly.experiments if assembly.outputs[name] == output]


def _mirrors(assembly: Assembly, experiment: str) -> bool:
    measurement = assembly.measurement(experiment)
    on_scale = assembly.coordinates[experiment] in (None, "logit", "linear")
    return on_scale and measurement.normalised and may_fall(measurement)


def _scales(assembly: Assembly, experiment: str) -> bool:
    bounded = bool(getattr(assembly.law, "bounded", False))
    odds = bounded and assembly.coordinates[experiment] in (None, "logit")
    return assembly.measurement(experiment).normalised and not odds


def silent(blueprint: Blueprint) -> np.ndarray:
    """Which states are silent in each output, shape (outputs, states)."""
    return np.isneginf(blueprint.log_rates)
