"""Discrete symmetries of a declared mechanism: sets of energies that no data of these experiments can tell apart.

The lac promoter has one: if "CRP bound" and "CRP not bound" exchange their names, (dG[CRP], dG[RNAP], dG[CRP+RNAP])
-> (-dG[CRP], dG[RNAP] + dG[CRP+RNAP], -dG[CRP+RNAP]) leaves the activity as it is. A fit from random starts ends in
either, and without a choice of frame its energies mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import torch

from pajamo.config.assays import LatentSettings
from pajamo.explanations.assays.allowed import Outputs, groups_of
from pajamo.explanations.assays.candidates import state_permutations
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.solving import solve
from pajamo.explanations.assays.symmetry import Symmetry
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel

MOST_CANDIDATES = 20_000
"""Permutations of states that are looked at."""
PROVEN = 1e-9
SPREAD = 3.0
"""Standard deviation, in kT, of the random terms on which symmetries are proven."""


def all_symmetries(model: AssayModel) -> tuple[Symmetry, ...]:
    """Every discrete symmetry of a model's mechanism as its experiments see it, the trivial one left out.

    Exact for each: a permutation of states (active ones among themselves; or active against silent ones, if every
    measurement may fall as well as rise) under which the incidence matrix is that of other terms, which the readers
    and constants of the mechanism can take. Proven by evaluation on random terms.

    Raises
    ------
    ModelError: the model is not built.
    """
    assembly = model.assembly
    if isinstance(assembly.blueprint.settings, LatentSettings):
        return ()
    found: dict[tuple[int, ...], Symmetry] = {}
    for symmetry in _solved(assembly):
        error = _error(assembly, symmetry)
        if error < PROVEN:
            found.setdefault(symmetry.states, replace(symmetry, error=error))
    return tuple(sorted(found.values(), key=_simplicity))


def symmetries(model: AssayModel) -> tuple[Symmetry, ...]:
    """The symmetries from which all others follow, one after the other: the simplest ones."""
    kept: list[Symmetry] = []
    same = tuple(range(len(model.assembly.blueprint.states)))
    reached = {same}
    for symmetry in all_symmetries(model):
        if symmetry.states not in reached:
            kept.append(symmetry)
            reached = _closure([s.states for s in kept], same)
    return tuple(kept)


def _solved(assembly: Assembly) -> Iterator[Symmetry]:
    blueprint, groups, outputs = assembly.blueprint, groups_of(assembly), Outputs.of(assembly)
    for states in islice(state_permutations(blueprint, groups), MOST_CANDIDATES):
        symmetry = solve(blueprint, groups, outputs, states)
        if symmetry is not None:
            yield symmetry


def _simplicity(symmetry: Symmetry) -> tuple[bool, float, tuple[int, ...]]:
    """Symmetries that keep the activity first, then those whose new terms are the shortest sums."""
    return symmetry.mirrors, float(np.abs(symmetry.matrix).sum()), symmetry.states


def _closure(generators: list[tuple[int, ...]], same: tuple[int, ...]) -> set[tuple[int, ...]]:
    reached, new = {same}, [same]
    while new:
        state = new.pop()
        for generator in generators:
            product = tuple(state[place] for place in generator)
            if product not in reached:
                reached.add(product)
                new.append(product)
    return reached


def _error(assembly: Assembly, symmetry: Symmetry, draws: int = 200) -> float:
    """Largest difference of the activities that a symmetry declares equal, on random terms and concentrations."""
    blueprint, random = assembly.blueprint, np.random.default_rng(0)
    terms = SPREAD * random.standard_normal((draws, len(blueprint.terms)))
    offsets = np.zeros((draws, len(blueprint.rows))) + (
        0.0 if blueprint.fixed_inputs is None else blueprint.fixed_inputs
    )
    for power in blueprint.inputs.values():
        offsets = offsets + random.standard_normal(draws)[:, None] * power
    held = [place for place, term in enumerate(blueprint.terms) if term.fixed]
    terms[:, held] = [blueprint.terms[place].initial or 0.0 for place in held]
    before = _activities(assembly, terms, offsets)
    after = _activities(assembly, symmetry.transformed(terms), offsets)
    factors = terms @ symmetry.scaled[:, :-1].T + symmetry.scaled[:, -1]
    expected = np.where(np.array(symmetry.mirrored), -before, before + factors)
    return float(np.abs((after - expected) / (1 + np.abs(expected))).max())


@torch.no_grad()
def _activities(assembly: Assembly, terms: Array, offsets: Array) -> Array:
    """Every output on its natural scale, shape (draws, outputs)."""
    found = assembly.law(torch.as_tensor(terms), torch.as_tensor(offsets))
    outputs = range(len(assembly.blueprint.outputs))
    return np.stack([found.on(None, output).numpy() for output in outputs], axis=1)
