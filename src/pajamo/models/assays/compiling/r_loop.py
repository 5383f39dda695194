"""Compiling an R-loop: a free energy for each step, read from all positions at once, and three rates."""

from __future__ import annotations

import numpy as np

from pajamo.config.assays import RLoopSettings
from pajamo.config.assays.kinetic import AT_PAM, CLEAVAGE, CUT, LOOP, UNBOUND
from pajamo.data.assays.assay import Assay
from pajamo.mechanisms.kinetics.passage import Passage
from pajamo.models.assays.blueprint import BOLTZMANN, Blueprint, Reader, Term
from pajamo.models.assays.compiling.columns import Columns, joined
from pajamo.models.assays.compiling.differing import (
    RATES,
    enters,
    lacking,
    own_constants,
    own_steps,
    reading,
    step_terms,
)
from pajamo.models.assays.compiling.guides import require_guides
from pajamo.models.assays.compiling.supplying import Fitted, check_inputs, fitted_columns, supply

BOUND = "binding"
"""The output that says how much of a dead nuclease is bound."""


def compile_r_loop(settings: RLoopSettings, assay: Assay, fitted: Fitted) -> Blueprint:
    """Compile the chain of states; ln of each rate back holds the free energy of its step.

    Raises
    ------
    StudyError: sequences that are no guide-target pairs, or guides of another length.
    """
    require_guides(settings, assay)
    ends = tuple(_ends(name) for name in settings.transitions)
    steps = own_steps(settings, assay)
    own = (*own_constants(settings, assay), *steps.terms, *lacking(settings, assay))
    terms = (*step_terms(settings), *_rates(), *own)
    supplied = supply([transition.concentration] for transition in settings.transitions.values())
    check_inputs(supplied.inputs, assay, fitted)
    columns = (
        Columns(terms, _incidence(settings, ends, own)),
        fitted_columns(supplied.inputs, fitted, 1.0),
    )
    loops = np.array([name.startswith(LOOP) or name == AT_PAM for name in settings.states])
    outputs = (BOUND, CLEAVAGE)
    log_rates = np.full((len(outputs), len(settings.states)), -np.inf)
    log_rates[0, loops] = 0.0
    return Blueprint(
        settings=settings,
        terms=tuple(term for part in columns for term in part.terms),
        readers={LOOP: Reader(reading(settings), assay.length), **steps.readers},
        rows=tuple(settings.transitions),
        incidence=joined(columns, 0),
        states=settings.states,
        outputs=outputs,
        log_rates=log_rates,
        rate_terms=np.full(log_rates.shape, -1),
        inputs=supplied.inputs,
        fixed_inputs=supplied.fixed,
        transitions=ends,
        makes=np.zeros((len(outputs), len(ends)), dtype=bool),
        passages={CLEAVAGE: Passage(UNBOUND, (CUT,))},
        kT=BOLTZMANN * settings.temperature,
    )


def _ends(name: str) -> tuple[str, str]:
    source, _, target = name.partition("->")
    return source, target


def _rates() -> tuple[Term, ...]:
    return tuple(Term(f"ln k {name}", "ln(1/s)", initial=mean, sd=sd) for name, (mean, sd) in RATES.items())


def _incidence(
    settings: RLoopSettings, ends: tuple[tuple[str, str], ...], own: tuple[Term, ...]
) -> np.ndarray:
    """How each step's energy and each rate enters ln of the rates, shape (transitions, terms)."""
    steps = settings.steps + 1
    place = {state: number for number, state in enumerate(settings.states)}
    paces = list(RATES)
    found = np.zeros((len(ends), steps + len(paces)))
    for row, ((source, target), transition) in enumerate(
        zip(ends, settings.transitions.values(), strict=True)
    ):
        assert transition.of is not None
        found[row, steps + paces.index(transition.of)] = 1.0
        if place[target] < place[source]:
            found[row, place[target]] = 1.0
    more = [enters(term.name.partition(" in ")[0], steps) for term in own]
    return np.concatenate([found, found @ np.reshape(more, (len(own), found.shape[1])).T], axis=1)
