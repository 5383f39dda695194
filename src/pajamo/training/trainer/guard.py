"""What happens when a step goes wrong: it is left out; then training goes back; then it stops."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pajamo.config.proteins.training import GuardSettings

Verdict = Literal["good", "skip", "back", "stop"]

REMEMBERED = 100
"""Losses whose mean is the measure of a spike."""
AT_LEAST = 10
"""Losses before which nothing counts as a spike."""


@dataclass(frozen=True)
class Health:
    """How training went lately.

    Attributes
    ----------
    recent: losses of the last good steps.
    bad: steps in a row that went wrong.
    skipped: steps that were left out, in all.
    returns: times that training went back to a checkpoint.
    """

    recent: tuple[float, ...] = ()
    bad: int = 0
    skipped: int = 0
    returns: int = 0

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "recent": list(self.recent)}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Health:
        """What `facts` gave."""
        return cls(**{**facts, "recent": tuple(facts["recent"])})

    def after_return(self, before: Health) -> Health:
        """Health at the checkpoint that training went back to, counting that it did."""
        return replace(self, bad=0, skipped=before.skipped, returns=before.returns + 1)


def judged(health: Health, loss: float, norm: float, settings: GuardSettings) -> tuple[Verdict, Health]:
    """What to do with a step of this loss and this norm of its gradient.

    All processes come to the same verdict, because they see the same sums.
    """
    if not _wrong(health, loss, norm, settings):
        return "good", replace(health, recent=(*health.recent, loss)[-REMEMBERED:], bad=0)
    after = replace(health, bad=health.bad + 1, skipped=health.skipped + 1)
    if after.bad <= settings.skip:
        return "skip", after
    return ("back" if health.returns < settings.roll_back else "stop"), after


def _wrong(health: Health, loss: float, norm: float, settings: GuardSettings) -> bool:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        return True
    if settings.spike is None or len(health.recent) < AT_LEAST:
        return False
    usual = sum(health.recent) / len(health.recent)
    # A multiple of a negative loss (of a density) would say nothing.
    return usual > 0 and loss > settings.spike * usual
