"""How the fits of a model went, in words."""

from __future__ import annotations

from dataclasses import dataclass

from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.wording import number

YES = ("yes", "True", "true", "1")


@dataclass(frozen=True)
class Convergence:
    """Whether a model's fits reached their optimum.

    Attributes
    ----------
    reached: all of those that can tell did, and there is one.
    failed: at least one did not.
    gap: nats that one more Newton step promises, the largest of the fits; NaN if none can tell.
    """

    reached: bool
    failed: bool
    gap: float

    @property
    def word(self) -> str:
        """One or two words."""
        return "not converged" if self.failed else "converged" if self.reached else "stopped early"

    @property
    def small(self) -> str:
        """What that rests on."""
        if self.gap != self.gap:
            return "best weights on the validation set"
        return f"one more Newton step promises {number(self.gap, 2)} nats"


def convergence(run: AssayRun, model: str) -> Convergence:
    """The verdict over all fits of a model."""
    rows = run.needed("fits")
    rows = rows[rows["model"] == model]
    told = rows[rows["gap"].notna()]
    done = told["converged"].astype(str).isin(YES)
    gap = float(told["gap"].max()) if len(told) else float("nan")
    return Convergence(bool(len(told)) and bool(done.all()), bool((~done).any()), gap)
