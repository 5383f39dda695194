"""States and transitions of a blueprint as tables."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.description.symbols import Symbols, activity, concentrations, energies


def state_table(blueprint: Blueprint) -> pd.DataFrame:
    """One row a state: its name, declared state, bound sites, free energy as a formula, concentrations, and rates.

    A kinetic scheme has no free energies of states, and these columns are left out; see `transition_table`.
    """
    symbols = Symbols()
    table = pd.DataFrame({"state": blueprint.states})
    if blueprint.bound:
        table["group"] = [_group(blueprint, state) for state in range(len(blueprint.states))]
        table["bound"] = [", ".join(bound) for bound in blueprint.bound]
        table["energy"] = [energies(blueprint, row, symbols) for row in range(len(blueprint.rows))]
        table["concentrations"] = [
            " ".join(concentrations(blueprint, row, symbols)) for row in range(len(blueprint.rows))
        ]
    for number, output in enumerate(blueprint.steady):
        if blueprint.makes is None or not blueprint.makes[number].any():
            rates = [activity(blueprint, number, state, symbols) for state in range(len(blueprint.states))]
            table["rate" if len(blueprint.outputs) == 1 else f"rate of {output}"] = rates
    return table


def transition_table(blueprint: Blueprint) -> pd.DataFrame:
    """One row a transition of a kinetic scheme: its states, ln of its rate as a formula, and what a passage makes."""
    symbols = Symbols()
    rows = range(len(blueprint.transitions))
    return pd.DataFrame(
        {
            "source": [source for source, _ in blueprint.transitions],
            "target": [target for _, target in blueprint.transitions],
            "ln rate": [log_rate(blueprint, row, symbols) for row in rows],
            "makes": [", ".join(made_by(blueprint, row)) for row in rows],
        }
    )


def made_by(blueprint: Blueprint, row: int) -> tuple[str, ...]:
    """Outputs that a passage of a transition makes."""
    if blueprint.makes is None:
        return ()
    made = blueprint.makes[:, row]
    return tuple(output for output, here in zip(blueprint.outputs, made, strict=True) if here)


def log_rate(blueprint: Blueprint, row: int, symbols: Symbols) -> str:
    """ln of a transition's rate as a formula."""
    terms = energies(blueprint, row, replace(symbols, reduced=True))
    factors = [symbols.logarithm(factor) for factor in concentrations(blueprint, row, symbols)]
    return " + ".join([*([terms] if terms != "0" or not factors else []), *factors])


def _group(blueprint: Blueprint, state: int) -> str:
    if blueprint.group_of_state is None:
        return blueprint.states[state]
    return blueprint.groups[blueprint.group_of_state[state]]
