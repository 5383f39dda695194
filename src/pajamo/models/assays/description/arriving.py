"""Rates of first passage and arrived fractions as equations."""

from __future__ import annotations

from pajamo.mechanisms.kinetics.passage import Passage
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.description.symbols import Symbols


def passage_lines(blueprint: Blueprint, symbols: Symbols) -> list[str]:
    """For each rate of first passage the equations of the mean times T, and the rate, which is one over a time."""
    lines = []
    for output, passage in blueprint.passages.items():
        time = {state: symbols.indexed("T", "T", state) for state in blueprint.states}
        lines += [f"{time[state]} = 0" for state in passage.targets]
        for state in (state for state in blueprint.states if state not in passage.targets):
            leaving = _leaving(blueprint, symbols, state)
            if leaving:
                waits = [f"{rate} ({time[state]} - {time[target]})" for rate, target in leaving]
                lines.append(f"1 = {' + '.join(waits)}")
        lines.append(f"{symbols.name(output)} = {_over('1', time[passage.start], symbols)}")
    return lines


def fraction_lines(blueprint: Blueprint, symbols: Symbols) -> list[str]:
    """For each arrived fraction how probabilities change in time, from where, and which of them it is."""
    lines = []
    for output, passage in blueprint.fractions.items():
        share = {state: symbols.indexed("p", "p", state) for state in blueprint.states}
        lines += [_change(blueprint, symbols, passage, state, share) for state in blueprint.states]
        lines.append(f"{share[passage.start]}(0) = 1")
        arrived = " + ".join(f"{share[state]}({symbols.name('time')})" for state in passage.targets)
        lines.append(f"{symbols.name(output)} = {arrived}")
    return lines


def _change(
    blueprint: Blueprint, symbols: Symbols, passage: Passage, state: str, share: dict[str, str]
) -> str:
    """d p / dt of a state; nothing leaves the states in which molecules arrive."""
    comes = [
        f"{symbols.rate(f'{source}->{target}')} {share[source]}"
        for source, target in blueprint.transitions
        if target == state and source not in passage.targets
    ]
    goes = [] if state in passage.targets else _leaving(blueprint, symbols, state)
    left = f" - ({' + '.join(rate for rate, _ in goes)}) {share[state]}" if goes else ""
    return f"{_over(f'd {share[state]}', 'd t', symbols)} = {' + '.join(comes) or '0'}{left}"


def _leaving(blueprint: Blueprint, symbols: Symbols, state: str) -> list[tuple[str, str]]:
    """The rate of each transition that leaves a state, and where it leads."""
    return [
        (symbols.rate(f"{source}->{target}"), target)
        for source, target in blueprint.transitions
        if source == state
    ]


def _over(above: str, below: str, symbols: Symbols) -> str:
    """A fraction of which nothing is a sum."""
    return symbols.fraction(above, below) if symbols.latex else f"{above} / {below}"
