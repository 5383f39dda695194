"""An R-loop as equations: every step alike, so that one line stands for all."""

from __future__ import annotations

from pajamo.config.assays import RLoopSettings
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.description.symbols import Symbols


def loop_lines(blueprint: Blueprint, symbols: Symbols) -> list[str]:
    """Free energies, rates and both outputs of a chain of base pairs."""
    assert isinstance(blueprint.settings, RLoopSettings)
    steps, given = blueprint.settings.steps, blueprint.settings.concentration
    return _in_latex(steps, given) if symbols.latex else _in_text(steps, given)


def _in_text(steps: int, given: object) -> list[str]:
    times = "" if given is None else f" [{given}]"
    less = "" if given is None else f" - ln [{given}]"
    return [
        f"G[n] = dG[step PAM] + dG[step 1] + ... + dG[step n]{less}, in kT; n = 0 (PAM) to {steps}; G[unbound] = 0",
        f"k[unbound->PAM] = k[binding]{times}; k[n->n+1] = k[zipping]; k[{steps}->cut] = k[cutting]",
        "k[PAM->unbound] = k[binding] exp(dG[step PAM]); k[n->n-1] = k[zipping] exp(dG[step n])",
        "T = sum over states s of exp(G[s]) / k[s forward] x sum over states j up to s of exp(-G[j])",
        "cleavage = 1 / T",
        "binding = B / (1 + B), B = sum over bound states of exp(-G[n]), where nothing is cut",
    ]


def _in_latex(steps: int, given: object) -> list[str]:
    times = "" if given is None else rf"\,[\mathrm{{{given}}}]"
    less = "" if given is None else rf" - \ln [\mathrm{{{given}}}]"
    return [
        rf"G_n = \Delta G_\mathrm{{PAM}} + \sum_{{i=1}}^{{n}} \Delta G_i{less},\quad n = 0 \ldots {steps}",
        rf"k_\mathrm{{on}} = k_\mathrm{{bind}}{times},\quad k_{{n \to n+1}} = k_\mathrm{{zip}},\quad"
        rf" k_{{{steps} \to \mathrm{{cut}}}} = k_\mathrm{{cut}}",
        r"k_\mathrm{off} = k_\mathrm{bind} e^{\Delta G_\mathrm{PAM}},"
        r"\quad k_{n \to n-1} = k_\mathrm{zip} e^{\Delta G_n}",
        r"T = \sum_s \frac{e^{G_s}}{k_s} \sum_{j \le s} e^{-G_j}",
        r"\mathrm{cleavage} = 1 / T",
        r"\mathrm{binding} = B / (1 + B),\quad B = \sum_n e^{-G_n}",
    ]
