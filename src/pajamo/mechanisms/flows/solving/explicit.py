"""Explicit Runge-Kutta of order 5 with an embedded order 4: for flows that are not stiff."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from pajamo.mechanisms.flows.jacobian import Jacobian
from pajamo.mechanisms.flows.solving.method import Field, Increments, weighted

STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)


class DormandPrince:
    """Dormand and Prince (1980), J. Comput. Appl. Math. 6:19; states inside a step by Shampine (1986).

    Seven evaluations of the drift a step, one of which serves the next step too. The states inside a step are of
    order 4 (Shampine, Math. Comp. 46:135, table of Hairer, Norsett and Wanner I, section II.6).
    """

    order = 5
    error_order = 4
    weights: Sequence[float] = (*STAGES[-1], 0.0)
    error_weights: Sequence[float] = (
        71 / 57600,
        0.0,
        -71 / 16695,
        71 / 1920,
        -17253 / 339200,
        22 / 525,
        -1 / 40,
    )
    dense: Sequence[Sequence[float]] = (
        (1.0, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799),
        (0.0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072),
        (0.0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632),
        (0.0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844),
        (0.0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423),
    )

    def increments(
        self,
        field: Field,
        state: torch.Tensor,
        step: torch.Tensor,
        *,
        slope: torch.Tensor | None = None,
        jacobian: Callable[[torch.Tensor], Jacobian | None] | None = None,  # noqa: ARG002 (implicit methods need it)
        end_only: bool = False,
    ) -> Increments:
        """Step times drift at each of the seven stages; the end of the step needs six."""
        slope = field(state) if slope is None else slope
        parts = [step * slope]
        for row in STAGES[:-1] if end_only else STAGES:
            slope = field(state + weighted(parts, row))
            parts.append(step * slope)
        return Increments(parts, None if end_only else slope)
