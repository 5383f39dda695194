"""The hypotheses of a search: mechanisms, and what may vary in each, as choices among few options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pajamo.config.assays import KineticSettings


@dataclass(frozen=True)
class Choice:
    """One thing that varies: a property of what a transition reads."""

    transition: str
    key: str
    options: tuple[Any, ...]

    @property
    def name(self) -> str:
        """As in records: "open->intermediate start"."""
        return f"{self.transition} {self.key}"


@dataclass(frozen=True)
class Candidate:
    """One hypothesis: a mechanism, and the place of the chosen option of each of its choices."""

    mechanism: str
    places: tuple[int, ...]

    @property
    def key(self) -> str:
        """A name that is its own."""
        return f"{self.mechanism}:{'.'.join(map(str, self.places))}"


@dataclass(frozen=True)
class Space:
    """Everything that a search may try.

    Attributes
    ----------
    templates: declared mechanisms by name.
    choices: what varies in each, by name.
    length: positions of a guide, PAM included; no window reaches beyond.
    """

    templates: Mapping[str, KineticSettings]
    choices: Mapping[str, tuple[Choice, ...]]
    length: int

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Mechanisms in order."""
        return tuple(self.templates)

    def sizes(self, mechanism: str) -> tuple[int, ...]:
        """How many options each choice of a mechanism has."""
        return tuple(len(choice.options) for choice in self.choices[mechanism])

    def holds(self, candidate: Candidate) -> bool:
        """Whether a candidate is one of this space."""
        if candidate.mechanism not in self.templates:
            return False
        sizes, places = self.sizes(candidate.mechanism), candidate.places
        return len(sizes) == len(places) and all(0 <= p < n for p, n in zip(places, sizes, strict=True))

    def draw(self, rng: np.random.Generator) -> Candidate:
        """A hypothesis, all options being alike."""
        name = self.names[int(rng.integers(len(self.names)))]
        return Candidate(name, tuple(int(rng.integers(size)) for size in self.sizes(name)))

    def canonical(self, candidate: Candidate) -> Candidate:
        """The one of all candidates with the same windows whose lengths are those that the guide has room for."""
        choices, places = self.choices[candidate.mechanism], list(candidate.places)
        chosen = {(choice.transition, choice.key): n for n, choice in enumerate(choices)}
        for (transition, key), number in chosen.items():
            reads = self.templates[candidate.mechanism].transitions[transition].reads
            if key != "length" or reads is None:
                continue
            place = chosen.get((transition, "start"))
            start = reads.start if place is None else choices[place].options[places[place]]
            fitting = [n for n, o in enumerate(choices[number].options) if o <= self.length - start]
            places[number] = min(places[number], max(fitting, default=0))
        return Candidate(candidate.mechanism, tuple(places))

    def settings(self, candidate: Candidate) -> KineticSettings:
        """The declaration of a hypothesis. Windows that would reach beyond the guide end with it."""
        template = self.templates[candidate.mechanism]
        changed: dict[str, dict[str, Any]] = {}
        for choice, place in zip(self.choices[candidate.mechanism], candidate.places, strict=True):
            changed.setdefault(choice.transition, {})[choice.key] = choice.options[place]
        transitions = dict(template.transitions)
        for name, update in changed.items():
            reads = transitions[name].reads
            assert reads is not None
            wide = reads.model_copy(update=update)
            length = min(wide.length or self.length, self.length - wide.start)
            transitions[name] = transitions[name].model_copy(
                update={"reads": wide.model_copy(update={"length": length})}
            )
        return template.model_copy(update={"transitions": transitions})

    def values(self, candidate: Candidate) -> dict[str, Any]:
        """What was chosen, by the names of the choices."""
        listed = zip(self.choices[candidate.mechanism], candidate.places, strict=True)
        return {choice.name: choice.options[place] for choice, place in listed}
