"""Trained networks, and all that is needed to run any protocol through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import Segment
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.flows.jacobian import dense_jacobian
from pajamo.mechanisms.flows.solving.solve import Solver
from pajamo.mechanisms.flows.trajectory import Flow, run_histories
from pajamo.models.base import Array
from pajamo.models.flow_parts.words import BEGIN, Histories
from pajamo.models.node_parts.building import Shape, begins_of, response_size
from pajamo.models.node_parts.coordinates import Coordinates
from pajamo.models.node_parts.course import in_units, unit_rate
from pajamo.models.node_parts.drifts import Single, of_members
from pajamo.models.node_parts.fitting import Weights
from pajamo.models.node_parts.records import start_levels
from pajamo.models.node_parts.space import StateSpace
from pajamo.models.parts.own_levels import OwnLevels
from pajamo.protocols.protocol import Protocol

SOLVER = Solver(rtol=1e-3, atol=1e-4)
NETWORK = "network."


@dataclass(frozen=True)
class FittedNetworks:
    """Members of one choice of weights.

    Attributes
    ----------
    shape, space, histories: which network moves which state through which protocol.
    rate: internal units of time per unit of the protocol.
    begins, start: names of the states in which histories begin, and these states, shape (begins, components).
    size: typical change, ln(1 + CP10K).
    own: changes of targets' own levels, written over what coordinates do not hold.
    drift: all members, in double precision; `members` of them.
    weights: of the stationarity of controls and perturbed cells in the loss.
    scatter: variance of the truth around predictions of unseen perturbations, shape (genes,).
    """

    shape: Shape
    space: StateSpace
    histories: Histories
    rate: float
    begins: tuple[str, ...]
    start: Array
    size: float
    own: OwnLevels
    drift: torch.nn.Module
    members: int
    weights: Weights
    scatter: Array

    @classmethod
    def of(
        cls,
        training: TrainingSet,
        shape: Shape,
        space: StateSpace,
        histories: Histories,
        drift: torch.nn.Module,
        members: Sequence[int],
        weights: Weights,
    ) -> FittedNetworks:
        """These members of trained networks, without scatter."""
        controls = [Condition((), *setting) for setting in training.settings]
        made = [
            histories.history(c) if c.genes else histories.control(c)
            for c in (*training.conditions, *controls)
        ]
        begins = begins_of(training, histories)
        return cls(
            shape, space, histories, unit_rate(made), begins,
            space.state(start_levels(training, histories, begins)), response_size(training),
            OwnLevels.of(training), of_members(drift, members).double(), len(members), weights,
            np.zeros(training.n_genes),
        )  # fmt: skip

    def with_scatter(self, scatter: Array) -> FittedNetworks:
        """The same with what unseen perturbations scatter."""
        return replace(self, scatter=scatter)

    @property
    def known(self) -> frozenset[str]:
        """Genes whose perturbation the drift can tell apart from others."""
        return frozenset(self.space.genes if self.space.in_levels else self.space.targets)

    def changes(self, conditions: Sequence[Condition]) -> Array:
        """Change of each condition against its control by each member, shape (members, conditions, genes)."""
        controls = sorted({c.control for c in conditions})
        row = [len(conditions) + controls.index(c.control) for c in conditions]
        levels = self.levels([*conditions, *controls])
        delta = np.maximum(levels[:, : len(conditions)] - levels[:, row], -self.space.coordinates.centre)
        if not self.space.every_gene:
            for each in delta:
                control = np.broadcast_to(self.space.coordinates.centre, each.shape)
                self.own.write(each, conditions, self.space.genes, control)
        return delta

    def levels(self, conditions: Sequence[Condition]) -> Array:
        """Level at the end of each condition's history by each member, shape (members, conditions, genes)."""
        members = [Single(self.drift, member) for member in range(self.members)]
        return np.array([self.space.levels(self._states(drift, conditions)) for drift in members])

    def relaxation(self) -> dict[str, float]:
        """Slowest rate of return to where unperturbed cells begin, by medium, per unit of time; mean of members."""
        resting = [i for i, name in enumerate(self.begins) if not name.startswith(BEGIN)]
        return {
            self.begins[i] or "medium": float(np.mean([self._rate(m, i) for m in range(self.members)]))
            for i in resting
        }

    @property
    def unit(self) -> str:
        """Of rates."""
        return f"1 / {self.histories.protocol.time_unit or 'unit of time'}"

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything that is numbers."""
        weights = {NETWORK + name: value.numpy() for name, value in self.drift.state_dict().items()}
        coordinates = {name: np.asarray(value) for name, value in vars(self.space.coordinates).items()}
        return {**weights, **coordinates, "start": self.start, "scatter": self.scatter}

    def facts(self) -> dict[str, object]:
        """Everything that is names and scalars."""
        return {
            "genes": list(self.space.genes),
            "targets": list(self.space.targets),
            "media": list(self.space.media),
            "begins": list(self.begins),
            "protocol": self.histories.protocol.to_dict(),
            "rate": self.rate,
            "size": self.size,
            "own": self.own.facts(),
            "members": self.members,
            "weights": list(self.weights),
        }

    @classmethod
    def restored(
        cls, arrays: Mapping[str, NDArray[np.generic]], facts: Mapping[str, Any], shape: Shape
    ) -> FittedNetworks:
        """Read what `arrays` and `facts` gave."""
        numbers = {name: np.array(array) for name, array in arrays.items()}
        coordinates = Coordinates(*(numbers[name] for name in ("centre", "encode", "decode")))
        names = {name: tuple(facts[name]) for name in ("genes", "targets", "media")}
        space = StateSpace(coordinates, shape.drift == "production", **names)
        drift = shape.network(space, facts["size"], facts["members"], seed=0).double()
        drift.load_state_dict(
            {
                name.removeprefix(NETWORK): torch.from_numpy(value)
                for name, value in numbers.items()
                if name.startswith(NETWORK)
            }
        )
        return cls(
            shape, space, Histories(Protocol.from_dict(facts["protocol"])), facts["rate"],
            tuple(facts["begins"]), numbers["start"], facts["size"], OwnLevels.restored(facts["own"]),
            drift, facts["members"], (facts["weights"][0], facts["weights"][1]), numbers["scatter"],
        )  # fmt: skip

    def _states(self, drift: torch.nn.Module, conditions: Sequence[Condition]) -> Array:
        found = np.zeros((len(conditions), self.space.size))
        flow = Flow(drift=drift, intervene=self._intervene, solver=SOLVER)
        begins = [self.histories.begin(c) for c in conditions]
        for name in sorted(set(begins)):
            rows = [i for i, begin in enumerate(begins) if begin == name]
            made = [self._history(conditions[i]) for i in rows]
            with torch.no_grad():
                start = torch.from_numpy(self.start[self.begins.index(name)])
                found[rows] = run_histories(flow, start, [in_units(h, self.rate) for h in made]).numpy()
        return found

    def _history(self, condition: Condition) -> Any:
        return self.histories.history(condition) if condition.genes else self.histories.control(condition)

    def _intervene(self, segments: Sequence[Segment]) -> Any:
        return self.space.intervene(segments, torch.float64)

    def _rate(self, member: int, begin: int) -> float:
        """Minus the leading real part of the Jacobian's eigenvalues, among changes that coordinates hold."""
        state = torch.from_numpy(self.start[begin : begin + 1])
        unedited = self._intervene([Segment(medium=self.begins[begin])])
        jacobian = dense_jacobian(Single(self.drift, member), state, unedited).dense()[0].detach().numpy()
        if self.space.in_levels:
            jacobian = self.space.coordinates.encode.T @ jacobian @ self.space.coordinates.decode.T
        return -float(np.linalg.eigvals(jacobian).real.max()) * self.rate
