"""A mechanism as equations, in plain text or LaTeX."""

from __future__ import annotations

import numpy as np

from pajamo.config.assays import KineticSettings, LatentSettings, RLoopSettings
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.description.arriving import fraction_lines, passage_lines
from pajamo.models.assays.description.loop import loop_lines
from pajamo.models.assays.description.symbols import Style, Symbols, activity, concentrations, energies
from pajamo.models.assays.description.tables import log_rate


def equations(blueprint: Blueprint, style: Style = "text") -> str:
    """The partition function, or the scheme at steady state and on the way there, and every output; one a line.

    Sites that slide make many states of one; those are written as one sum.
    """
    symbols = Symbols(style)
    if isinstance(blueprint.settings, LatentSettings):
        lines = [f"{symbols.name(blueprint.outputs[0])} = {_latent(blueprint, symbols)}"]
    elif isinstance(blueprint.settings, RLoopSettings):
        lines = loop_lines(blueprint, symbols)
    elif isinstance(blueprint.settings, KineticSettings):
        lines = _scheme(blueprint, symbols)
    else:
        lines = _partition(blueprint, symbols)
    return "\n".join(rf"{line} \\" for line in lines) if style == "latex" else "\n".join(lines)


def _latent(blueprint: Blueprint, symbols: Symbols) -> str:
    if not blueprint.readers:
        return "0"
    (reader,) = blueprint.readers.values()
    first = blueprint.terms[0].start
    last = first + reader.length - 1
    return rf"f(x_{{{first}}}, \ldots, x_{{{last}}})" if symbols.latex else f"f(x[{first}], ..., x[{last}])"


def _partition(blueprint: Blueprint, symbols: Symbols) -> list[str]:
    groups = blueprint.groups or blueprint.states
    members = [np.flatnonzero(blueprint.group_of_state == number) for number in range(len(groups))]
    weights = [symbols.indexed("w", "w", group) for group in groups]
    lines = [
        f"{weight} = {_weight(blueprint, states, symbols)}"
        for weight, states in zip(weights, members, strict=True)
    ]
    lines.append(f"Z = {' + '.join(weights)}")
    for number, output in enumerate(blueprint.outputs):
        rates = [activity(blueprint, number, states[0], symbols) for states in members]
        above = " + ".join(
            _product(rate, weight) for rate, weight in zip(rates, weights, strict=True) if rate != "0"
        )
        lines.append(f"{symbols.name(output)} = {symbols.fraction(above, 'Z')}")
    return lines


def _weight(blueprint: Blueprint, states: np.ndarray, symbols: Symbols) -> str:
    """The Boltzmann weight of a declared state, summed over its arrangements."""
    several = len(states) > 1
    shown = Symbols(symbols.style, anywhere=several)
    energy = energies(blueprint, states[0], shown)
    factors = concentrations(blueprint, states[0], shown)
    if energy != "0":
        energy = f"({energy})" if " + " in energy or " - " in energy else energy
        factors.append(f"e^{{-{energy}/kT}}" if symbols.latex else f"exp(-{energy}/kT)")
    product = " ".join(factors) or "1"
    if not several:
        return product
    if symbols.latex:
        return rf"\sum_{{{len(states)}\ \mathrm{{arrangements}}}} {product}"
    return f"sum over {len(states)} arrangements of {product}"


def _scheme(blueprint: Blueprint, symbols: Symbols) -> list[str]:
    names = [f"{source}->{target}" for source, target in blueprint.transitions]
    lines = [
        f"{symbols.logarithm(symbols.rate(name))} = {log_rate(blueprint, row, symbols)}"
        for row, name in enumerate(names)
    ]
    if blueprint.steady:
        lines += _steady(blueprint, symbols, names)
    return [*lines, *passage_lines(blueprint, symbols), *fraction_lines(blueprint, symbols)]


def _steady(blueprint: Blueprint, symbols: Symbols, names: list[str]) -> list[str]:
    """What flows into each state flows out, and the outputs that follow."""
    share = {state: symbols.indexed("p", "p", state) for state in blueprint.states}
    lines = []
    for state in blueprint.states:
        comes = [
            f"{symbols.rate(name)} {share[source]}"
            for name, (source, target) in zip(names, blueprint.transitions, strict=True)
            if target == state
        ]
        goes = [
            symbols.rate(name)
            for name, (source, _) in zip(names, blueprint.transitions, strict=True)
            if source == state
        ]
        lines.append(f"0 = {' + '.join(comes)} - ({' + '.join(goes)}) {share[state]}")
    lines.append(f"{' + '.join(share.values())} = 1")
    return [*lines, *_outputs(blueprint, symbols, names, share)]


def _outputs(blueprint: Blueprint, symbols: Symbols, names: list[str], share: dict[str, str]) -> list[str]:
    lines = []
    for number, output in enumerate(blueprint.steady):
        rates = [activity(blueprint, number, state, symbols) for state in range(len(blueprint.states))]
        parts = [_product(rate, p) for rate, p in zip(rates, share.values(), strict=True) if rate != "0"]
        if blueprint.makes is not None:
            made = np.flatnonzero(blueprint.makes[number])
            parts += [f"{symbols.rate(names[row])} {share[blueprint.transitions[row][0]]}" for row in made]
        lines.append(f"{symbols.name(output)} = {' + '.join(parts)}")
    return lines


def _product(rate: str, factor: str) -> str:
    return factor if rate == "1" else f"{rate} {factor}"
