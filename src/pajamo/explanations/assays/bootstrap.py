"""Bootstrap intervals: the fit repeated on resampled rows, or on readings that the fitted model itself would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch

from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError
from pajamo.explanations.assays.applying import apply, constant_terms
from pajamo.explanations.assays.gauging import linear_readers, twin
from pajamo.explanations.assays.polishing import settled
from pajamo.explanations.assays.quantities import Quantity, quantities, values_of
from pajamo.explanations.assays.symmetries import all_symmetries
from pajamo.explanations.assays.symmetry import Symmetry
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.newton.gauge import basis
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.report import CONVERGED_BELOW

Kind = Literal["case", "parametric"]
STEPS = 60


@dataclass(frozen=True)
class Bootstrap:
    """Refits of resampled data.

    Attributes
    ----------
    kind: "case" or "parametric".
    draws: one row a refit that converged, one column a quantity, in the quantities' units.
    table: for each quantity `quantity`, `of`, `unit`, `value` of the fit itself, `mean` and `se` of the refits, and
        `low` and `high`, percentiles of the level.
    level: coverage.
    asked: how many resamples were drawn.
    failed: how many of their refits did not converge; they are left out.
    turned: how many ended in an equivalent frame, and were brought back into that of the fit.
    """

    kind: Kind
    draws: pd.DataFrame
    table: pd.DataFrame
    level: float
    asked: int
    failed: int
    turned: int = 0

    @property
    def verdict(self) -> str:
        """How many refits stand behind the intervals."""
        text = f"{len(self.draws)} of {self.asked} refits of the {self.kind} bootstrap converged"
        text += f" ({self.turned} after being turned into the frame of the fit)" if self.turned else ""
        return text + ("; the others are left out." if self.failed else ".")


def bootstrap(
    model: AssayModel,
    assay: Assay,
    *,
    kind: Kind = "case",
    resamples: int = 20,
    level: float = 0.9,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Bootstrap:
    """Refit resampled training sets by Newton steps from the fit's own optimum, each to convergence.

    Parameters
    ----------
    model: at its optimum, in the frame in which it is reported.
    assay: that it was fitted to.
    kind: "case" draws sequences with replacement, with all their reads; "parametric" draws new readings of every
        sequence from the fitted model, and so knows nothing of what the model leaves out.
    resamples: how many.
    level: coverage of the percentile intervals.
    seed: of all draws.
    progress: is told a line after each refit.

    Raises
    ------
    ModelError: fewer than two resamples are asked for, or fewer than two refits converge.
    """
    _require_several(resamples, "resamples are asked for")
    rows, wanted = rows_of(assay.part("training")), quantities(model, assay)
    frames, found, turned = all_symmetries(model), [], 0
    for number in range(resamples):
        generator = torch.Generator().manual_seed(_seed(seed, number))
        refit = twin(model)
        drawn = tuple(_drawn(refit.assembly, part, kind, generator) for part in rows)
        done = settled(Problem(refit.assembly, drawn), STEPS)
        if done.gap < CONVERGED_BELOW:
            nearest = nearest_frame(refit, model, frames)
            turned += nearest is not refit
            found.append(values_of(nearest, wanted))
        if progress is not None:
            progress(
                f"resample {number + 1} of {resamples}: one more Newton step promises {done.gap:.2g} nats"
            )
    _require_several(len(found), "refits converged")
    return _summed_up(model, wanted, found, kind, level, resamples, turned)


def _summed_up(
    model: AssayModel,
    wanted: tuple[Quantity, ...],
    found: list[dict[str, float]],
    kind: Kind,
    level: float,
    asked: int,
    turned: int,
) -> Bootstrap:
    draws, own = pd.DataFrame(found), values_of(model, wanted)
    low, high = np.quantile(draws.to_numpy(), [(1 - level) / 2, (1 + level) / 2], axis=0)
    table = pd.DataFrame(
        {
            "quantity": [q.quantity for q in wanted],
            "of": [q.of for q in wanted],
            "unit": [q.unit for q in wanted],
            "value": list(own.values()),
            "mean": draws.mean().to_numpy(),
            "se": draws.std().to_numpy(),
            "low": low,
            "high": high,
        }
    )
    return Bootstrap(kind, draws, table, level, asked, asked - len(draws), turned)


def nearest_frame(refit: AssayModel, fitted: AssayModel, frames: Sequence[Symmetry]) -> AssayModel:
    """A refit in the frame in which its energies are nearest to the fitted ones; the refit itself if it is there.

    Frames predict the same, so that quantities of refits in different ones must not be put in one distribution.
    """
    turned = (apply(refit, symmetry) for symmetry in frames)
    return min((refit, *turned), key=lambda candidate: _distance(candidate, fitted))


def _distance(one: AssayModel, other: AssayModel) -> float:
    """Sum of squared differences of all constants and of what any letters are read as, without gauge freedom."""
    total = float(((constant_terms(one.assembly) - constant_terms(other.assembly)) ** 2).sum())
    for name, reader in linear_readers(one.assembly).items():
        away = (reader.weights - linear_readers(other.assembly)[name].weights).detach()
        total += float(((basis(reader).T @ away) ** 2).sum())
    return total


def _drawn(assembly: Assembly, rows: Rows, kind: Kind, generator: torch.Generator) -> Rows:
    if kind == "case":
        return rows.take(torch.randint(len(rows), (len(rows),), generator=generator).sort().values)
    with torch.no_grad():
        activity = assembly.coordinate(rows.codes, rows.name, rows.inputs)
        recorded = assembly.measurement(rows.name).draw(activity, rows.recorded, generator)
    return Rows(rows.name, rows.codes, recorded, rows.inputs)


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _require_several(number: int, what: str) -> None:
    if number < 2:
        raise ModelError(
            f"{number} {what}", why="an interval needs at least two", fix="ask for more resamples (20, say)"
        )
