"""Compiling a thermodynamic mechanism: arrangements of sites become states, energies become terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import StateSettings, ThermodynamicSettings
from pajamo.config.assays.reading import Rate
from pajamo.data.assays.assay import Assay
from pajamo.errors import StudyError, shorten
from pajamo.models.assays.blueprint import BOLTZMANN, Blueprint
from pajamo.models.assays.compiling.arranging import Arrangement, arrange, declared_states
from pajamo.models.assays.compiling.columns import Columns, joined
from pajamo.models.assays.compiling.interacting import interaction_columns
from pajamo.models.assays.compiling.naming import known
from pajamo.models.assays.compiling.placing import Placements, place_sites, readers_of
from pajamo.models.assays.compiling.presence import require_activity
from pajamo.models.assays.compiling.rating import Rates, rate_states
from pajamo.models.assays.compiling.supplying import Fitted, Supply, check_inputs, fitted_columns, supply

OUTPUT = "activity"


def compile_states(settings: ThermodynamicSettings, assay: Assay, fitted: Fitted) -> Blueprint:
    """Compile sites, regulators, interactions and states.

    Raises
    ------
    StudyError: the declaration contradicts itself or the sequences.
    DataError: sequences or inputs on which the mechanism says nothing.
    """
    kT = BOLTZMANN * settings.temperature
    placements = place_sites(settings.sites, assay)
    states = declared_states(settings, placements)
    arrangements = arrange(states, placements, enumerated=not settings.states)
    supplied = _supply(settings, placements, arrangements)
    check_inputs(supplied.inputs, assay, fitted)
    columns = (
        _binding(placements, arrangements),
        interaction_columns(settings.interactions, settings.sites, arrangements, kT),
        fitted_columns(supplied.inputs, fitted, -1.0),
    )
    terms = [term for part in columns for term in part.terms]
    groups, group_of_state = _groups(arrangements)
    outputs = _outputs(settings, states, groups)
    rates = rate_states(outputs, groups, len(terms))
    ends = np.array([arrangement.end for arrangement in arrangements])
    _check_presence(rates, group_of_state, supplied, ends, assay)
    names = tuple(arrangement.name for arrangement in arrangements)
    return Blueprint(
        settings=settings,
        terms=(*terms, *rates.terms),
        readers=readers_of(settings.sites, placements, assay.alphabet.letters, kT),
        rows=names,
        incidence=joined(columns, len(rates.terms)),
        states=names,
        outputs=tuple(outputs),
        log_rates=rates.log_rates[:, group_of_state],
        rate_terms=rates.rate_terms[:, group_of_state],
        inputs=supplied.inputs,
        fixed_inputs=supplied.fixed,
        kT=kT,
        bound=tuple(tuple(placement.name for placement in a.placed) for a in arrangements),
        groups=groups,
        group_of_state=group_of_state,
        ends=ends if any(site.slide for site in settings.sites.values()) else None,
    )


def _binding(placements: Placements, arrangements: Sequence[Arrangement]) -> Columns:
    """One term for each placement, in the states that hold it."""
    every = [placement for options in placements.values() for placement in options]
    position = {placement.name: column for column, placement in enumerate(every)}
    incidence = np.zeros((len(arrangements), len(every)))
    for row, arrangement in enumerate(arrangements):
        incidence[row, [position[placement.name] for placement in arrangement.placed]] = 1.0
    return Columns(tuple(placement.term() for placement in every), incidence)


def _supply(
    settings: ThermodynamicSettings, placements: Placements, arrangements: Sequence[Arrangement]
) -> Supply:
    """Concentrations of what is bound in each state.

    Raises
    ------
    StudyError: a regulator that binds no site.
    """
    binding = {options[0].regulator for options in placements.values()}
    for name in settings.regulators:
        if name not in binding:
            raise StudyError(
                f"the regulator {name!r} binds no site",
                where=f"regulators.{name}",
                why=f"sites are bound by {shorten(sorted(binding))}",
                fix=f"give a site `regulator = {name!r}`, or remove it",
            )
    known_ones = {name: regulator.concentration for name, regulator in settings.regulators.items()}
    return supply([known_ones.get(placed.regulator) for placed in a.placed] for a in arrangements)


def _groups(arrangements: Sequence[Arrangement]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    names = tuple(dict.fromkeys(arrangement.group for arrangement in arrangements))
    position = {name: number for number, name in enumerate(names)}
    return names, np.array([position[arrangement.group] for arrangement in arrangements])


def _outputs(
    settings: ThermodynamicSettings, states: Mapping[str, StateSettings], groups: Sequence[str]
) -> Mapping[str, Mapping[str, Rate]]:
    """Rates of each output's states; states whose arrangements are all another state's have none of their own."""
    if not settings.outputs:
        return {OUTPUT: {name: states[name].rate for name in groups}}
    for output, rates in settings.outputs.items():
        for state in rates:
            known(state, groups, "state", f"outputs.{output}")
    return settings.outputs


def _check_presence(
    rates: Rates, group_of_state: NDArray[np.int64], supplied: Supply, ends: NDArray[np.int64], assay: Assay
) -> None:
    active = ~np.isneginf(rates.log_rates).all(axis=0)
    require_activity(active[group_of_state], supplied.inputs, supplied.fixed, ends, assay)
