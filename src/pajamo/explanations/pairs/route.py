"""The way of a molecule from where it sets out to the product: which states it passes, by which transitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pajamo.errors import ModelError
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.steady_state import SteadyState


@dataclass(frozen=True)
class Route:
    """States in the order in which they are passed.

    Attributes
    ----------
    states: names; the last is the one that the product is made in, or that a passage ends in.
    onward: place of the transition out of each state along the way; one for each state if the last one is left by a
        transition that makes the product, else one fewer.
    back: place of the transition that undoes it; None where there is none.
    """

    states: tuple[str, ...]
    onward: tuple[int, ...]
    back: tuple[int | None, ...]

    def points(self, scheme: Scheme) -> list[tuple[str, str]]:
        """Kind ("state" or "barrier") and name of each point of the landscape, in order."""
        found = [("state", self.states[0])]
        for place, transition in enumerate(self.onward):
            source, target = scheme.transitions[transition]
            found.append(("barrier", f"{source} -> {target}"))
            if place + 1 < len(self.states):
                found.append(("state", self.states[place + 1]))
        return found

    def heights(self, log_rates: Array) -> Array:
        """Free energy of every point in kT, shape (..., points), from ln rates in 1/s, shape (..., transitions).

        A step changes a state's free energy by -ln(k_onward / k_back). The barrier of a step stands -ln(k_onward x
        1 s) above the state that it leaves: a barrier at that state's own height is crossed once a second (Kramers
        1940, Physica 7:284). Behind a step that nothing undoes free energies are not defined, and are nan.
        """
        energy = np.zeros(log_rates.shape[:-1])
        found = [energy]
        for place, (onward, back) in enumerate(zip(self.onward, self.back, strict=True)):
            found.append(energy - log_rates[..., onward])
            gone = np.full_like(energy, np.nan) if back is None else log_rates[..., back]
            energy = energy - log_rates[..., onward] + gone
            if place + 1 < len(self.states):
                found.append(energy)
        return np.stack(found, axis=-1)


def route_of(network: KineticNetwork) -> Route:
    """The shortest way to the output that an experiment records.

    For a rate of first passage, or a fraction that has arrived, it leads from where molecules set out to where they
    arrive; for an output that a transition makes, from the state to which this transition leads back to the one that
    it leaves; for a rate of states, from the first state to the first active one.

    Raises
    ------
    ModelError: there is no way.
    """
    law, scheme, output = network.law, network.scheme, network.output
    passage = network.passage
    if passage is not None:
        return _along(scheme, _shortest(scheme, passage.start, passage.targets), None)
    makes = np.flatnonzero(law.makes[output].numpy())
    if len(makes):
        source, target = scheme.transitions[int(makes[0])]
        return _along(scheme, _shortest(scheme, target, (source,)), int(makes[0]))
    return _along(scheme, _shortest(scheme, scheme.states[0], _active(law, scheme, output)), None)


def _active(law: SteadyState, scheme: Scheme, output: int) -> tuple[str, ...]:
    """States in which an output is made."""
    active = (~law.log_rates[output].isneginf() | (law.rate_terms[output] >= 0)).tolist()
    return tuple(name for name, makes in zip(scheme.states, active, strict=True) if makes)


def _along(scheme: Scheme, states: Sequence[str], last: int | None) -> Route:
    onward = [scheme.transition(*ends) for ends in pairwise(states)]
    onward += [] if last is None else [last]
    return Route(tuple(states), tuple(onward), tuple(scheme.reverses[place] for place in onward))


def _shortest(scheme: Scheme, start: str, targets: Sequence[str]) -> list[str]:
    """States of the shortest path, both ends included."""
    paths, seen = [[start]], {start}
    for path in paths:
        if path[-1] in targets:
            return path
        after = [target for source, target in scheme.transitions if source == path[-1]]
        fresh = [state for state in dict.fromkeys(after) if state not in seen]
        seen.update(fresh)
        paths.extend([*path, state] for state in fresh)
    raise ModelError(
        f"no way leads from {start} to {', '.join(targets)}",
        where="transitions",
        fix="add the transitions that are missing",
    )
