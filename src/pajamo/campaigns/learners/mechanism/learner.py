"""A mechanism that goes on learning: a fitted assay, and new measurements of single sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.mechanism.instrument_grid import InstrumentGrid
from pajamo.campaigns.learners.mechanism.marginal import Marginal, known_beforehand, marginal_of
from pajamo.campaigns.learners.mechanism.narrowed import common_axes
from pajamo.campaigns.learners.mechanism.posterior import Posterior, numbers_of, posterior_of
from pajamo.campaigns.learners.mechanism.readings import Plan
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.predictive.linear_parameters import Aside, LinearParameterPredictive
from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import DataError, StudyError, nearest, shorten, warn
from pajamo.explanations.assays.polishing import STEPS, polish
from pajamo.explanations.assays.quantities import Quantity
from pajamo.explanations.designs.recording import conditions_of
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows

BLOCK = 4096
"""Candidates whose derivatives are in memory at once."""


@dataclass(frozen=True, eq=False)
class MechanismLearner(Learner):
    """A mechanism fitted to an assay, which new results are added to.

    Its features are rows of a table of sequences, one number a candidate. Results are added to the training rows of
    the assay and all parameters, the instruments' too, are fitted again by Newton steps from where they stand.
    Predictions are what the experiment would record, exact for the posterior about the optimum (Laplace): no draws.
    The numbers that count are told by their marginal posteriors, which need no optimum in their middle.

    Attributes
    ----------
    model: fitted.
    assay: what it was fitted to.
    plan: in which experiment candidates are measured, and how much is spent on each.
    codes: letters of every candidate, shape (N, length).
    parameters: names of the numbers that count; all of the mechanism's interactions and rates, or, where it has
        none, the wild type's energies, if not given.
    steps: most Newton steps of a fit.
    others: further models from which a fit also begins; the best optimum counts. Few data may have led the first fit
        astray, and Newton steps stay in an optimum that better data give up.
    marginal: whether everything else is integrated out of the numbers that count, which takes some ten fits each from
        where the last one stands. Otherwise their intervals are those of Laplace's approximation about the optimum,
        which hold the truth too seldom where variants are few. If not given, it is done where the letters of all
        sites are known beforehand (`matrix` and `sd`): weak priors leave so much room to stretched energies that
        this room, not the records, would say where a number lies.

    Raises
    ------
    StudyError: a parameter that the mechanism does not have.
    DataError: candidates of another length, or no candidates.
    """

    name: ClassVar[str] = "mechanism"
    fewest: ClassVar[int] = 0

    model: AssayModel
    assay: Assay
    plan: Plan
    codes: Codes
    parameters: Sequence[str] = ()
    steps: int = STEPS
    others: Sequence[AssayModel] = ()
    marginal: bool | None = None

    def __post_init__(self) -> None:
        require_length(self.codes, self.assay)
        _wanted(self.parameters, numbers_of(self.model, self.assay))

    def fit(
        self,
        features: Array,
        values: Array,
        noise: Array | None = None,
        *,
        seed: int,  # noqa: ARG002 - nothing is random
    ) -> FittedMechanism:
        """Add results to the assay and fit again.

        Parameters
        ----------
        features: rows of the table of sequences, shape (L, 1); L may be 0.
        values: as recorded, shape (L, D), in the order of the plan's outputs.
        noise: squared standard errors, shape (L, D), where they are known.
        seed: of no effect: nothing is random.
        """
        rows = np.asarray(features, dtype=np.intp).reshape(-1)
        codes = self.codes[rows]
        shaped = np.asarray(values, dtype=float).reshape(len(rows), len(self.plan.outputs))
        assay = with_results(self.assay, self.plan.rows(codes, shaped, noise), self.model)
        tried = [polish(start, assay, self.steps) for start in (self.model, *self.others)]
        best = min(tried, key=lambda one: one.objective)
        found = FittedMechanism.of(best.model, assay, self.plan, self.codes, self.parameters)
        wanted = known_beforehand(best.model) if self.marginal is None else self.marginal
        return found.integrated() if wanted else found


@dataclass(frozen=True)
class FittedMechanism(Fitted):
    """A mechanism at its optimum, and what the data leave open.

    Attributes
    ----------
    model, assay: the optimum, and everything that was recorded.
    plan, codes: as in the learner.
    posterior: about the optimum.
    grid: what the experiment shows of activities.
    axes: unknowns that count, shape (K, fewer).
    quantities: the numbers that count.
    marginals: of each of them; none where Laplace's approximation about the optimum is told.
    """

    model: AssayModel
    assay: Assay
    plan: Plan
    codes: Codes
    posterior: Posterior
    grid: InstrumentGrid
    axes: Tensor
    quantities: tuple[Quantity, ...]
    marginals: tuple[Marginal, ...] = ()

    @classmethod
    def of(
        cls, model: AssayModel, assay: Assay, plan: Plan, codes: Codes, parameters: Sequence[str]
    ) -> FittedMechanism:
        """Look at the posterior where the model stands."""
        posterior = posterior_of(model, assay, plan.experiment)
        wanted = _wanted(parameters, numbers_of(model, assay))
        activity = torch.cat([posterior.activity(rows) for rows in _blocks(model, plan, codes)])
        grid = InstrumentGrid.of(posterior, plan, activity)
        axes = common_axes(grid.drift, posterior.coordinates.size)
        return cls(model, assay, plan, codes, posterior, grid, axes, wanted)

    def integrated(self) -> FittedMechanism:
        """The same, with the marginal posterior of each number that counts.

        Warns where the optimum lies outside of a number's interval, which is rough then.
        """
        deviations = self._loadings().norm(dim=1).tolist()
        pairs = zip(self.quantities, deviations, strict=True)
        found = tuple(marginal_of(self.model, self.assay, each, size) for each, size in pairs)
        for quantity, one in zip(self.quantities, found, strict=True):
            _say_if_rough(quantity, one, self.model)
        return replace(self, marginals=found)

    def predict(self, features: Features) -> LinearParameterPredictive:
        """What is expected to be recorded of candidates, and how that and the parameters follow from unknowns.

        Several outputs (bins) are seen as what they say of the activity together, and of the instrument beside; an
        instrument's own uncertainty is part of both. Parameters have the middles and widths of their marginals'
        90 % intervals; how far a batch narrows these is what it does, in proportion, about the optimum.
        """
        hidden, activity = self._hidden(features)
        values, loadings = self._parameters()
        return LinearParameterPredictive(
            self.grid.at(activity, self.grid.mean).numpy(),
            hidden,
            (loadings @ self.axes).numpy(),
            [each.name for each in self.quantities],
            slopes=self.grid.at(activity, self.grid.slopes).numpy(),
            noise=self.grid.at(activity, self.grid.noise).numpy(),
            scale=self._scale(),
            values=values,
            units=[each.unit for each in self.quantities],
            aside=Aside((self.grid.aside @ self.axes).numpy(), self.grid.nearest(activity).numpy()),
        )

    def embed(self, features: Features) -> Features:
        """Candidates by how their activities move with what is not known, in units of a measurement's error."""
        return Sensitivities(
            self, np.asarray(features[slice(0, features.shape[0])], dtype=np.intp).reshape(-1)
        )

    def fingerprint(self) -> str:
        """Hash of every number of the model and of what the data leave open."""
        state = {name: values.numpy() for name, values in self.model.assembly.state_dict().items()}
        return fingerprint("mechanism", state | {"covariance": self.posterior.mechanism.numpy()})

    def _hidden(self, features: Features) -> tuple[Array, Tensor]:
        """Factor of the activities that records stand for, shape (rows, unknowns), and the activities."""
        asked = np.asarray(features[slice(0, features.shape[0])], dtype=np.intp).reshape(-1)
        drift = self.grid.drift @ self.axes
        found, activities = np.empty((len(asked), self.axes.shape[1])), [torch.zeros(0, dtype=torch.float64)]
        done = 0
        for rows in _blocks(self.model, self.plan, self.codes[asked]):
            activity = self.posterior.activity(rows)
            moved = self.posterior.moved(rows) @ self.axes + self.grid.at(activity, drift)
            found[done : done + len(rows)] = moved.numpy()
            activities.append(activity)
            done += len(rows)
        return found, torch.cat(activities)

    def _loadings(self) -> Tensor:
        """How the numbers that count move with the unknowns, about the optimum; shape (numbers, K)."""
        return torch.stack([self.posterior.loading(each) for each in self.quantities])

    def _parameters(self) -> tuple[list[float], Tensor]:
        """Each number's value, and its loadings, of the length that its standard deviation has."""
        loadings = self._loadings()
        if not self.marginals:
            return [each.value(self.model.assembly) for each in self.quantities], loadings
        centres, deviations = zip(*(each.summary() for each in self.marginals), strict=True)
        return list(centres), loadings * (torch.tensor(deviations) / loadings.norm(dim=1))[:, None]

    def _scale(self) -> NDArray[np.float64]:
        """Spread of each output over the grid's activities, as what counts as one unit."""
        spread = self.grid.mean.std(dim=0).numpy()
        return np.where(spread > 0, spread, 1.0)


class Sensitivities:
    """Features of candidates in a mechanism's own space, made when they are asked for.

    Parameters
    ----------
    fitted: the mechanism.
    rows: of the table of sequences, by candidate.
    """

    def __init__(self, fitted: FittedMechanism, rows: NDArray[np.intp]) -> None:
        self.fitted, self.rows = fitted, rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Candidates and unknowns."""
        return len(self.rows), self.fitted.axes.shape[1]

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Array:
        """Change of the activity along each unknown, in standard errors of one measurement."""
        found = self.fitted.predict(self.rows[rows, None].astype(float))
        return np.asarray(found.hidden * np.sqrt(found.precision)[:, None])


def require_length(codes: Codes, assay: Assay) -> None:
    """Refuse candidates that the mechanism does not read.

    Raises
    ------
    DataError: no candidates, or another length than the assay's sequences.
    """
    if not len(codes):
        raise DataError("the pool of candidates is empty", where="candidates", fix="give a row a candidate")
    if codes.shape[1] != assay.length:
        raise DataError(
            f"candidates have {codes.shape[1]} letters, the assay's sequences {assay.length}",
            where="candidates",
            why="what a position means is known for that length only",
            fix="give the same stretch of the construct as in the assay",
        )


def with_results(assay: Assay, results: Experiment, model: AssayModel) -> Assay:
    """The assay with results among the training rows of their experiment."""
    if not results.n:
        return assay
    inputs = conditions_of(
        model, results.name, results.n, {k: float(v[0]) for k, v in results.inputs.items()}
    )
    more = replace(results, inputs={name: values.numpy() for name, values in inputs.items()})
    experiments = tuple(_joined(e, more) if e.name == results.name else e for e in assay.experiments)
    return replace(assay, experiments=experiments)


def _joined(first: Experiment, second: Experiment) -> Experiment:
    return replace(
        first,
        codes=np.concatenate([first.codes, second.codes]),
        recorded={key: np.concatenate([first.recorded[key], v]) for key, v in second.recorded.items()},
        set_of=np.concatenate([first.set_of, second.set_of]),
        inputs={key: np.concatenate([first.inputs[key], v]) for key, v in second.inputs.items()},
    )


def _blocks(model: AssayModel, plan: Plan, codes: Codes) -> list[Rows]:
    """Candidates as rows of the experiment, some at a time."""
    found = []
    for start in range(0, len(codes), BLOCK):
        part = torch.as_tensor(codes[start : start + BLOCK])
        found.append(
            Rows(plan.experiment, part, {}, conditions_of(model, plan.experiment, len(part), plan.inputs))
        )
    return found


def _say_if_rough(quantity: Quantity, marginal: Marginal, model: AssayModel) -> None:
    """Say where the other parameters' room, not the records, decides where a number lies."""
    optimum, (low, high) = quantity.value(model.assembly), marginal.interval()
    if not low <= optimum <= high:
        warn(
            f"the interval of {quantity.name} is rough: {low:.3g} to {high:.3g} {quantity.unit}, and the optimum is "
            f"{optimum:.3g}. The records hold too few of the other parameters; measure more variants, or declare "
            "what is known of the sites (`matrix`, `sd`)"
        )


def _wanted(names: Sequence[str], known: dict[str, Quantity]) -> tuple[Quantity, ...]:
    """The numbers that count.

    Raises
    ------
    StudyError: the mechanism has no such number, or none at all.
    """
    for name in names:
        if name not in known:
            raise StudyError(
                f"the mechanism has no parameter {name!r}",
                where="candidates.parameters",
                fix=f"{nearest(name, known)}it has: {shorten(known, 20)}",
            )
    if not known:
        raise StudyError(
            "this model has no numbers that can be narrowed",
            where="candidates.model",
            fix="choose a mechanism whose sites are read by linear encoders",
        )
    if names:
        return tuple(known[name] for name in names)
    constants = tuple(each for each in known.values() if each.features is None)
    return constants or tuple(known.values())
