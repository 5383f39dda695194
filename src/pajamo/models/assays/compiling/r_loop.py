"""Compiling an R-loop: a free energy for each step, read from all positions at once, and three rates."""

from __future__ import annotations

import numpy as np

from pajamo.config.assays import PAIRS, RLoopSettings
from pajamo.config.assays.kinetic import AT_PAM, BINDING, CLEAVAGE, CUT, CUTTING, LOOP, UNBOUND, ZIPPING
from pajamo.config.assays.reading import ReadingSettings
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.pairing import LETTERS
from pajamo.errors import StudyError
from pajamo.mechanisms.kinetics.passage import Passage
from pajamo.models.assays.blueprint import BOLTZMANN, Blueprint, Reader, Term
from pajamo.models.assays.compiling.columns import Columns, joined
from pajamo.models.assays.compiling.supplying import Fitted, check_inputs, fitted_columns, supply

ENERGIES = ("PAM", "level")
VARIES = 1.5
"""Standard deviation of what an experiment has of its own, in kT or in ln of a rate."""
BOUND = "binding"
"""The output that says how much of a dead nuclease is bound."""
RATES = {BINDING: (3.0, 1.0), ZIPPING: (3.0, 2.0), CUTTING: (0.0, 2.0)}
"""Prior mean and standard deviation of ln of each rate in 1/s. Zipping and binding are faster than cutting can tell
apart: what is measured of them is how they compare with cutting."""


def compile_r_loop(settings: RLoopSettings, assay: Assay, fitted: Fitted) -> Blueprint:
    """Compile the chain of states; ln of each rate back holds the free energy of its step.

    Raises
    ------
    StudyError: sequences that are no guide-target pairs, or guides of another length.
    """
    _require_guides(settings, assay)
    ends = tuple(_ends(name) for name in settings.transitions)
    own = _own(settings, assay)
    terms = (*_steps(settings), *_rates(), *own)
    supplied = supply([transition.concentration] for transition in settings.transitions.values())
    check_inputs(supplied.inputs, assay, fitted)
    columns = (Columns(terms, _incidence(settings, ends, own)), fitted_columns(supplied.inputs, fitted, 1.0))
    loops = np.array([name.startswith(LOOP) or name == AT_PAM for name in settings.states])
    outputs = (BOUND, CLEAVAGE)
    log_rates = np.full((len(outputs), len(settings.states)), -np.inf)
    log_rates[0, loops] = 0.0
    reads = ReadingSettings(encoder="steps", pam=settings.pam, any_base=settings.any_base)
    return Blueprint(
        settings=settings,
        terms=tuple(term for part in columns for term in part.terms),
        readers={LOOP: Reader(reads, assay.length)},
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


def _require_guides(settings: RLoopSettings, assay: Assay) -> None:
    wanted = settings.pam + settings.steps
    if assay.alphabet.letters != LETTERS:
        raise StudyError(
            "an R-loop needs guide-target pairs",
            where="kind",
            why="its steps are the base pairs of a guide with its target",
            fix=f'say alphabet = "{PAIRS}" and give `pairs` in each experiment',
        )
    if assay.length != wanted:
        raise StudyError(
            f"guides have {assay.length} positions, and the R-loop {wanted}",
            where="steps",
            why=f"a PAM of {settings.pam} and {settings.steps} base pairs are declared",
            fix=f"give steps = {max(assay.length - settings.pam, 1)}, or another `pam`",
        )


def _ends(name: str) -> tuple[str, str]:
    source, _, target = name.partition("->")
    return source, target


def _steps(settings: RLoopSettings) -> tuple[Term, ...]:
    names = (f"step {AT_PAM}", *(f"step {number}" for number in range(1, settings.steps + 1)))
    return tuple(Term(name, "kT", encoder=LOOP, part=part) for part, name in enumerate(names))


def _rates() -> tuple[Term, ...]:
    return tuple(Term(f"ln k {name}", "ln(1/s)", initial=mean, sd=sd) for name, (mean, sd) in RATES.items())


def _own(settings: RLoopSettings, assay: Assay) -> tuple[Term, ...]:
    """What each experiment has of its own, as a difference from what they share."""
    names = [experiment.name for experiment in assay.experiments]
    if len(names) < 2:
        return ()
    return tuple(
        Term(
            f"{what} in {name}",
            "kT" if what in ENERGIES else "ln(1/s)",
            initial=0.0,
            sd=VARIES,
            experiment=name,
        )
        for what in settings.varies
        for name in names
    )


def enters(what: str, steps: int) -> np.ndarray:
    """How a difference enters the free energies of the steps and the three rates, shape (steps + 3,)."""
    found = np.zeros(steps + len(RATES))
    if what == "PAM":
        found[0] = 1.0
    elif what == "level":
        found[1:steps] = 1.0
    else:
        found[steps + list(RATES).index(what)] = 1.0
    return found


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
