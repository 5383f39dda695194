"""A declared mechanism, compiled: which free energies and rates there are, and where each enters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import MechanismSettings
from pajamo.config.assays.reading import BODY_TEMPERATURE, ReadingSettings
from pajamo.mechanisms.kinetics.passage import Passage

Array = NDArray[np.float64]
BOLTZMANN = 0.0019872043
"""kcal/mol/K; CODATA 2018."""


@dataclass(frozen=True)
class Term:
    """One number that enters the mechanism: read from the sequence, or a constant.

    Attributes
    ----------
    name: as a user knows it: a site, "CRP+RNAP", "ln rate of active", "ln CRP in low-cAMP".
    unit: "kT" for free energies, "ln(1/s)" for rates, "" for ratios.
    encoder: key of what reads the sequence; None for constants.
    start, strand: window that is read.
    initial: starting value of a constant, in its unit.
    fixed: whether a constant stays at its initial value.
    sd: standard deviation of a constant's Gaussian prior about its initial value (0 where there is none).
    part: which of the numbers of an encoder that gives several; None where it gives one.
    experiment: the only experiment in which a constant counts; every one if None.
    """

    name: str
    unit: str
    encoder: str | None = None
    start: int = 0
    strand: Literal["+", "-"] = "+"
    initial: float | None = None
    fixed: bool = False
    sd: float = 10.0
    experiment: str | None = None
    part: int | None = None


@dataclass(frozen=True)
class Reader:
    """What reads the sequence for one or several terms.

    Attributes
    ----------
    settings: encoder and prior.
    length: width of its window.
    matrix: prior energy matrix in kT, shape (length, letters), or None.
    experiments: the only experiments whose sequences it reads; every one if ().
    """

    settings: ReadingSettings
    length: int
    matrix: Array | None = None
    experiments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blueprint:
    """A mechanism ready to be built.

    Attributes
    ----------
    settings: the declaration.
    terms: numbers that enter it.
    readers: what reads the sequence, by key.
    rows: names of the states (of the transitions, for a kinetic scheme).
    incidence: how each term enters each row, shape (rows, terms): added to the free energy of a state, in kT, or to
        ln of the rate of a transition.
    inputs: for each concentration, how often it multiplies each row, shape (rows,).
    fixed_inputs: ln of constant concentrations, summed for each row, shape (rows,).
    states: names of the states.
    outputs: names of what is recorded.
    log_rates: ln of the known activity of each state, shape (outputs, states).
    rate_terms: the term that is ln of the activity where it is fitted, else -1; shape (outputs, states).
    transitions: for a kinetic scheme, source and target of each row.
    makes: for a kinetic scheme, whether a passage makes the output; shape (outputs, transitions).
    passages, fractions: for a kinetic scheme, the last outputs: rates of first passage, and then the fractions that
        have arrived by the input `time`.
    kT: kcal/mol.
    bound: sites that are bound in each state, with their places where they have several; () for other mechanisms.
    groups: names of the declared states; a site that slides makes several states of one. The states themselves if ().
    group_of_state: position of each state's declared state, shape (states,).
    ends: where sites slide, the shortest sequence on which each state has room, shape (states,).
    """

    settings: MechanismSettings
    terms: tuple[Term, ...]
    readers: Mapping[str, Reader]
    rows: tuple[str, ...]
    incidence: Array
    states: tuple[str, ...]
    outputs: tuple[str, ...]
    log_rates: Array
    rate_terms: NDArray[np.int64]
    inputs: Mapping[str, Array] = field(default_factory=dict)
    fixed_inputs: Array | None = None
    transitions: tuple[tuple[str, str], ...] = ()
    makes: NDArray[np.bool_] | None = None
    passages: Mapping[str, Passage] = field(default_factory=dict)
    fractions: Mapping[str, Passage] = field(default_factory=dict)
    kT: float = BOLTZMANN * BODY_TEMPERATURE
    bound: tuple[tuple[str, ...], ...] = ()
    groups: tuple[str, ...] = ()
    group_of_state: NDArray[np.int64] | None = None
    ends: NDArray[np.int64] | None = None

    @property
    def steady(self) -> tuple[str, ...]:
        """The first outputs, which follow from the states' probabilities; the others say when molecules arrive."""
        return self.outputs[: len(self.outputs) - len(self.passages) - len(self.fractions)]

    def grouped(self, probabilities: Array) -> Array:
        """Probabilities of states, shape (..., states), summed over those of each declared state, (..., groups)."""
        if self.group_of_state is None:
            return probabilities
        return np.asarray(probabilities @ np.eye(len(self.groups))[self.group_of_state])

    def counts(self, term: Term, experiment: str) -> bool:
        """Whether a term counts in an experiment: a constant or a reading may be that of others alone."""
        if term.encoder is None:
            return term.experiment in (None, experiment)
        read = self.readers[term.encoder].experiments
        return not read or experiment in read

    def term(self, name: str) -> int:
        """Position of a term by its name."""
        return [term.name for term in self.terms].index(name)
