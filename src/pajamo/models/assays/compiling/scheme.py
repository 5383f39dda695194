"""Compiling a kinetic scheme: transitions become rows, what sets ln of their rates becomes terms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import KineticSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import BOLTZMANN, Blueprint, Term
from pajamo.models.assays.compiling.arriving import compile_fractions, compile_passages, with_time
from pajamo.models.assays.compiling.columns import joined
from pajamo.models.assays.compiling.connecting import connect
from pajamo.models.assays.compiling.energies import energy_columns
from pajamo.models.assays.compiling.naming import refuse_repeated
from pajamo.models.assays.compiling.paces import pace_columns, pace_readers, varying_columns
from pajamo.models.assays.compiling.placing import place_sites, readers_of
from pajamo.models.assays.compiling.rating import rate_states
from pajamo.models.assays.compiling.supplying import Fitted, check_inputs, fitted_columns, supply


def compile_scheme(settings: KineticSettings, assay: Assay, fitted: Fitted) -> Blueprint:
    """Compile states and transitions.

    ln of each rate is a sum of terms: its own constant or reading, energies of sites and interactions, and ln of a
    concentration.

    Raises
    ------
    StudyError: the declaration contradicts itself or the sequences.
    DataError: sequences or inputs on which the mechanism says nothing.
    """
    kT = BOLTZMANN * settings.temperature
    scheme = connect(settings)
    placements = place_sites(settings.sites, assay)
    supplied = supply([transition.concentration] for transition in settings.transitions.values())
    inputs = with_time(supplied.inputs, settings, fitted)
    check_inputs(inputs, assay, fitted)
    paces = pace_columns(settings.transitions)
    columns = (
        paces,
        varying_columns(settings.varies, paces, assay),
        energy_columns(settings, placements, kT),
        fitted_columns(supplied.inputs, fitted, 1.0),
    )
    terms: list[Term] = [term for part in columns for term in part.terms]
    readers = {
        **readers_of(settings.sites, placements, assay.alphabet.letters, kT),
        **pace_readers(settings.transitions, assay),
    }
    if not readers and not supplied.inputs:
        raise _same_for_all()
    made = _made(settings)
    passages, fractions = compile_passages(settings, scheme), compile_fractions(settings, scheme)
    outputs = (*settings.outputs, *made, *passages, *fractions)
    rates = rate_states(settings.outputs, settings.states, len(terms))
    below = ((0, len(outputs) - len(settings.outputs)), (0, 0))
    return Blueprint(
        settings=settings,
        terms=(*terms, *rates.terms),
        readers=readers,
        rows=tuple(settings.transitions),
        incidence=joined(columns, len(rates.terms)),
        states=settings.states,
        outputs=outputs,
        log_rates=np.pad(rates.log_rates, below, constant_values=-np.inf),
        rate_terms=np.pad(rates.rate_terms, below, constant_values=-1),
        inputs=inputs,
        fixed_inputs=supplied.fixed + _known_rates(settings),
        transitions=scheme.transitions,
        makes=_makes(settings, made, len(outputs)),
        passages=passages,
        fractions=fractions,
        kT=kT,
    )


def _same_for_all() -> StudyError:
    return StudyError(
        "no rate depends on the sequence",
        where="transitions",
        why="every sequence would do the same, and there is nothing to learn from a constant",
        fix="give a transition `reads`, or a site whose `energy` enters its rate",
    )


def _known_rates(settings: KineticSettings) -> NDArray[np.float64]:
    return np.log([transition.rate or 1.0 for transition in settings.transitions.values()])


def _made(settings: KineticSettings) -> tuple[str, ...]:
    """Outputs that passages make.

    Raises
    ------
    StudyError: one is also declared in another way, or there is no output at all.
    """
    transitions = settings.transitions
    for name, transition in transitions.items():
        refuse_repeated(transition.makes, f"transitions.{name}.makes", "a passage makes an output once")
    made = tuple(dict.fromkeys(name for t in transitions.values() for name in t.makes))
    every = [*settings.outputs, *made, *settings.passages, *settings.fractions]
    refuse_repeated(
        every, "outputs", "an output is declared in one way: by states, transitions, passage or fraction"
    )
    if not every:
        raise StudyError(
            "the scheme has no output",
            where="outputs",
            why="nothing that it does would be recorded",
            fix='give a transition `makes = ["rna"]`, `outputs` with a rate for each active state, or `passages`',
        )
    return made


def _makes(settings: KineticSettings, made: Sequence[str], outputs: int) -> NDArray[np.bool_]:
    """Whether a passage of each transition makes each output, shape (outputs, transitions)."""
    makes = np.zeros((outputs, len(settings.transitions)), dtype=bool)
    for column, transition in enumerate(settings.transitions.values()):
        for name in transition.makes:
            makes[len(settings.outputs) + made.index(name), column] = True
    return makes
