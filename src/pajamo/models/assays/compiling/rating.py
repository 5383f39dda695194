"""How active each state is, for every output: known numbers, and ratios that are fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays.reading import Rate
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Term
from pajamo.models.assays.compiling.naming import known

NUMBERS = ""
"""Stands for the unit of rates that are given as numbers."""


@dataclass(frozen=True)
class Rates:
    """Activities of the states.

    Attributes
    ----------
    terms: ln of fitted rates.
    log_rates: ln of known rates, shape (outputs, states); 0 where a term gives it.
    rate_terms: position of the term among all terms, or -1; shape (outputs, states).
    """

    terms: tuple[Term, ...]
    log_rates: NDArray[np.float64]
    rate_terms: NDArray[np.int64]


def rate_states(outputs: Mapping[str, Mapping[str, Rate]], states: Sequence[str], first: int) -> Rates:
    """Rates of every state.

    The scale of an output cannot be told from the measurement's, so of rates with names only ratios are fitted: the
    first name is the unit, unless numbers are.

    Parameters
    ----------
    outputs: for each the rates of its states, others being silent.
    first: position that the first term gets among all terms.

    Raises
    ------
    StudyError: an unknown state, or an output that is the same whatever the state.
    """
    units = _units(outputs)
    fitted = [name for name, unit in units.items() if unit != name]
    log_rates = np.full((len(outputs), len(states)), -np.inf)
    rate_terms = np.full((len(outputs), len(states)), -1)
    for row, (output, rates) in enumerate(outputs.items()):
        _check(output, rates, states)
        alone = len({rate for rate in rates.values() if rate}) == 1
        for state, rate in rates.items():
            column = states.index(state)
            if isinstance(rate, str):
                log_rates[row, column] = 0.0
                if rate in fitted and not alone:
                    rate_terms[row, column] = first + fitted.index(rate)
            elif rate > 0:
                log_rates[row, column] = np.log(rate)
    terms = tuple(Term(f"ln rate of {name}", "", initial=0.0) for name in fitted)
    return Rates(terms, log_rates, rate_terms)


def _units(outputs: Mapping[str, Mapping[str, Rate]]) -> dict[str, str]:
    """For each named rate the one that is its unit: outputs in which they occur together compare them."""
    unit: dict[str, str] = {}
    for rates in outputs.values():
        present = [rate if isinstance(rate, str) else NUMBERS for rate in rates.values() if rate]
        joined = {unit.get(name, name) for name in present}
        chosen = NUMBERS if NUMBERS in joined else next((n for n in [*unit, *present] if n in joined), "")
        for name in present:
            unit.setdefault(name, name)
        unit = {name: chosen if own in joined else own for name, own in unit.items()}
    return {name: own for name, own in unit.items() if name != NUMBERS}


def _check(output: str, rates: Mapping[str, Rate], states: Sequence[str]) -> None:
    for state in rates:
        known(state, states, "state", f"outputs.{output}")
    different = {rates.get(state, 0.0) for state in states}
    if len(different) == 1:
        rate = different.pop()
        what = "no state is active" if not rate else f"all states are active with the same rate ({rate})"
        raise StudyError(
            f"{what}, so that the output {output!r} is the same for every sequence",
            where="states" if output == "activity" else f"outputs.{output}",
            why="there is nothing to learn from a constant",
            fix="give some states a `rate` and others another (or none), or name the sites that it "
            "`transcribes` with",
        )
