"""What a fit says of itself: how it went, and whether it converged."""

from __future__ import annotations

from dataclasses import dataclass

CONVERGED_BELOW = 0.01
"""Nats that a last Newton step would still gain: below, the optimum is reached for every practical purpose."""


@dataclass(frozen=True)
class FitReport:
    """How a fit went.

    Attributes
    ----------
    objective: minus ln posterior at the end, in nats.
    gap: nats that one more Newton step promises (half the gradient in the metric of the curvature); nan if the model
        is too large for second-order steps.
    steps: second-order steps, or epochs.
    starts: objective of each random start when the best was chosen, in nats per observation; of a refitted model
        too, as the validation rows that it has seen by now say nothing more.
    cpu_seconds: processor time.
    history: objective after each step, in nats.
    validated: whether there was a validation set, which chose among starts and epochs.
    best: epoch whose weights were kept, counted from 1; 0 where second-order steps finished the fit.
    refitted: whether the model, once chosen, learned from the training and validation rows together.
    """

    objective: float
    gap: float
    steps: int
    starts: tuple[float, ...]
    cpu_seconds: float
    history: tuple[float, ...]
    validated: bool = True
    best: int = 0
    refitted: bool = False

    @property
    def converged(self) -> bool:
        """Whether the optimum is reached: further steps would gain next to nothing."""
        return self.gap < CONVERGED_BELOW

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.gap != self.gap and self.refitted:
            return (
                f"refitted to training and validation rows, for the {self.steps} epochs that validation chose"
            )
        if self.gap != self.gap:
            kept = (
                "the best weights on the validation set restored"
                if self.validated
                else "without validation set"
            )
            return f"stopped after {self.steps} epochs, {kept}"
        state = "converged" if self.converged else "NOT CONVERGED: parameters are not to be interpreted"
        seen = ", refitted to training and validation rows" if self.refitted else ""
        return f"{state}: one more Newton step promises {self.gap:.2g} nats (after {self.steps} steps{seen})"
