"""Where a training is: everything besides arrays that a checkpoint must hold to go on as if nothing had happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pajamo.errors import ModelError
from pajamo.training.trainer.guard import Health
from pajamo.training.trainer.task import Facts


@dataclass(frozen=True)
class State:
    """Where a training is.

    Attributes
    ----------
    step: global steps that are done.
    updates: of the weights.
    position: in the data.
    health: how the last steps went.
    order: hash of all data so far.
    tokens: real ones so far.
    """

    position: Facts
    step: int = 0
    updates: int = 0
    health: Health = field(default_factory=Health)
    order: str = ""
    tokens: int = 0

    def facts(self, fingerprint: Facts, noted: int) -> Facts:
        """As JSON values, with what a resumed run must share and the length of the metrics."""
        return {
            "step": self.step,
            "updates": self.updates,
            "position": self.position,
            "health": self.health.facts(),
            "order": self.order,
            "tokens": self.tokens,
            "fingerprint": fingerprint,
            "noted": noted,
        }

    @classmethod
    def from_facts(cls, facts: Facts) -> State:
        """What `facts` gave."""
        names = ("position", "step", "updates", "order", "tokens")
        return cls(**{name: facts[name] for name in names}, health=Health.from_facts(facts["health"]))


def check_fingerprint(found: Facts, wanted: Facts, where: str) -> None:
    """Refuse to go on with a run of another model or other data.

    Raises
    ------
    ModelError: naming all that differs.
    """
    differing = [
        f"{name}: {_shown(found.get(name))} there, {_shown(wanted.get(name))} here"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]
    if differing:
        raise ModelError(
            "the checkpoints of this folder are of another training",
            where=where,
            why="; ".join(differing),
            fix="go on with what was trained there, or train in another folder",
        )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
