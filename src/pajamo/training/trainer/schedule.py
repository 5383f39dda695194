"""How rates change with steps."""

from __future__ import annotations

import math

from pajamo.config.proteins.training import ScheduleSettings

PLATEAU = 0.9
"""Share of all steps at which ESM-2's linear schedule reaches its final rate (Lin et al. 2023, supplement A.2.2)."""


def share_of_rate(step: int, steps: int, settings: ScheduleSettings) -> float:
    """Rate of a step as a share of the highest.

    Parameters
    ----------
    step: from 0.
    steps: of the whole training.
    settings: shape, warm-up and end.
    """
    if step < settings.warm_up:
        return (step + 1) / settings.warm_up
    progress = (step - settings.warm_up) / max(1, steps - settings.warm_up)
    if settings.shape == "constant":
        return 1.0
    if settings.shape == "cosine":
        return _between(settings.final, 0.5 * (1 + math.cos(math.pi * progress)))
    if settings.shape == "linear":
        span = max(1.0, PLATEAU * steps - settings.warm_up)
        return _between(settings.final, max(0.0, 1 - (step - settings.warm_up) / span))
    span = settings.decay * steps
    return _between(settings.final, min(1.0, (steps - step) / span) if span > 0 else 1.0)


def _between(final: float, height: float) -> float:
    return final + (1 - final) * height
