"""How quantities are written: as plain text, or in LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pajamo.config.assays import ThermodynamicSettings
from pajamo.models.assays.blueprint import Blueprint, Term

Style = Literal["text", "latex"]
ANY_PLACE = "@..."
ESCAPED = {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "->": r"\to ", "...": r"\cdot"}


@dataclass(frozen=True)
class Symbols:
    """Symbols of one style.

    Attributes
    ----------
    style: plain text or LaTeX.
    anywhere: whether a place is left open, as "CRP@...": one formula for all placements of a state.
    reduced: whether free energies are divided by kT.
    """

    style: Style = "text"
    anywhere: bool = False
    reduced: bool = False

    @property
    def latex(self) -> bool:
        """Whether LaTeX is written."""
        return self.style == "latex"

    def name(self, name: str) -> str:
        """A name that a user chose."""
        shown = re.sub(r"@-?\d+[+-]?", ANY_PLACE, name) if self.anywhere else name
        if not self.latex:
            return shown
        shown = shown.replace(" ", r"\ ")
        for sign, escaped in ESCAPED.items():
            shown = shown.replace(sign, escaped)
        return r"\mathrm{" + shown + "}"

    def indexed(self, text: str, latex: str, name: str) -> str:
        """A symbol with a name as its index."""
        return f"{latex}_{{{self.name(name)}}}" if self.latex else f"{text}[{self.name(name)}]"

    def energy(self, name: str) -> str:
        """A free energy."""
        return self.indexed("dG", r"\Delta G", name) + ("/kT" if self.reduced else "")

    def rate(self, name: str) -> str:
        """A rate in 1/s."""
        return self.indexed("k", "k", name)

    def wave(self, function: str, period: float) -> str:
        """A wave of the helix, in the distance d."""
        return rf"\{function}(2\pi d/{period:g})" if self.latex else f"{function}(2 pi d/{period:g})"

    def logarithm(self, text: str) -> str:
        """ln of a quantity."""
        return rf"\ln {text}" if self.latex else f"ln {text}"

    def concentration(self, name: str) -> str:
        """A concentration."""
        return f"[{self.name(name)}]"

    def fraction(self, above: str, below: str) -> str:
        """One formula over another."""
        return rf"\frac{{{above}}}{{{below}}}" if self.latex else f"({above}) / {below}"

    def term(self, term: Term) -> str:
        """What a term stands for: a free energy, or ln of a rate."""
        if term.unit == "kT":
            return self.energy(term.name)
        return self.logarithm(self.rate(term.name.removeprefix("ln k ")))


def energies(blueprint: Blueprint, row: int, symbols: Symbols) -> str:
    """The sum of terms of one row, as "dG[CRP] + dG[RNAP] + dG[CRP+RNAP]"; "0" if there are none."""
    waves = _waves(blueprint, symbols) if symbols.anywhere else {}
    shown = [
        f"{symbols.term(term)} {waves[term.name]}"
        if term.name in waves
        else _times(factor, symbols.term(term))
        for factor, term in zip(blueprint.incidence[row], blueprint.terms, strict=True)
        if factor and term.experiment is None
    ]
    return " + ".join(shown).replace("+ -", "- ") or "0"


def _waves(blueprint: Blueprint, symbols: Symbols) -> dict[str, str]:
    """The factor of each term that is the amplitude of a wave of the helix."""
    if not isinstance(blueprint.settings, ThermodynamicSettings):
        return {}
    return {
        f"{name} {word}": symbols.wave(function, settings.period)
        for name, settings in blueprint.settings.interactions.items()
        for word, function in (("cosine", "cos"), ("sine", "sin"))
        if settings.kind == "helical"
    }


def concentrations(blueprint: Blueprint, row: int, symbols: Symbols) -> list[str]:
    """Factors that multiply one row: powers of inputs, and the product of what is known."""
    factors = []
    for name, times in blueprint.inputs.items():
        if times[row]:
            power = f"^{times[row]:.0f}" if times[row] > 1 else ""
            factors.append(symbols.concentration(name) + power)
    fixed = 0.0 if blueprint.fixed_inputs is None else blueprint.fixed_inputs[row]
    return [*factors, f"{np.exp(fixed):.4g}"] if fixed else factors


def activity(blueprint: Blueprint, output: int, state: int, symbols: Symbols) -> str:
    """Rate of a state in an output: a number, or the name of a fitted ratio."""
    term = blueprint.rate_terms[output, state]
    if term >= 0:
        return symbols.indexed("r", "r", blueprint.terms[term].name.removeprefix("ln rate of "))
    return f"{np.exp(blueprint.log_rates[output, state]):.4g}"


def _times(factor: float, symbol: str) -> str:
    if factor in (1.0, -1.0):
        return symbol if factor > 0 else f"-{symbol}"
    return f"{factor:.3g} {symbol}"
