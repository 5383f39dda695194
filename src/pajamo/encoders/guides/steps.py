"""Free energies of the steps of an R-loop: one number for the PAM and one for each base pair."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pajamo.data.assays.pairs.pairing import CHANNELS, channels
from pajamo.encoders.sequence.encoder import LinearEncoder, require_room

Array = NDArray[np.float64]

LEVEL_MEAN, LEVEL_SD = -0.5, 1.0
"""kT: what a matched base pair gains, on average over the guide."""
PAM_MEAN, PAM_SD = -1.0, 2.0
STEP_SMOOTH, STEP_OWN = 1.0, 0.5
"""kT: how matched base pairs differ, smoothly along the guide and each on its own."""
MISMATCH_MEAN, MISMATCH_SD = 2.0, 3.0
"""kT: what a mismatch (a bulge) costs, on average over kinds and places."""
REACH, KIND_REACH = 3.0, 4.0
"""Base pairs over which the cost of a mismatch, and of one kind of it, changes along the guide."""
PLACE, PLACE_OWN, KIND, KIND_ALONG, OWN = 2.0, 0.3, 1.0, 0.7, 0.5
"""kT: spread by place (smooth, and of each place), by kind, by kind along the guide, of each kind at each place."""
GUIDE_BASE = TARGET_BASE = CLASS = 0.7
"""kT: spread that mismatches of one base of the guide, of the target, or of one class of pairing share."""
PAM_PLACE, PAM_BASE, ANY_BASE = 4.0, 4.0, 0.3
"""kT: spread of the cost of a wrong base in the PAM, shared by all bases and of each; where any base does."""
JITTER = 1e-6


class StepMap(LinearEncoder):
    """free energy of step i = what a matched pair gains there + what mismatches and bulges there cost.

    Costs are a table of positions by kinds (guide base and target base, inserted base, deletion) under one Gaussian
    prior in which like ones resemble each other: kinds at neighbouring places, places of one kind, mismatches that
    share a base or a class (purine with purine, wobble). What a guide never shows is so learned from what it does,
    which is what carries over to another guide. The prior is whitened: weights are standard normal but for the means.

    A base inserted behind a position enters the step after it. All positions of the PAM enter the first step.

    The same map may hold what one enzyme has of its own beside a map that several share: differences, about 0, with a
    spread that is a share of that of the energies themselves. Only the PAM's are as wide, as PAMs are not alike.

    Attributes
    ----------
    length: positions of a guide, its PAM included.
    pam: positions of the PAM.
    steps: 1 + length - pam.
    spread: how the cost weights make up the table, shape (length x channels, cost weights).
    base: how the first weights make up the matched steps, shape (steps, base weights).
    channels: what each code switches on, shape (codes + 1, channels).
    step_of: step that each position and channel enters, shape (length, channels).
    """

    spread: Tensor
    base: Tensor
    channels: Tensor
    step_of: Tensor
    changes = "kind"

    def __init__(
        self, length: int, pam: int, free: tuple[int, ...] = (), *, unlike: float | None = None
    ) -> None:
        """`free` are positions of the PAM at which any base does, as the N of NGG.

        `unlike` makes it a map of differences: their spread relative to that of energies.
        """
        super().__init__()
        self.length, self.pam, self.steps = length, pam, 1 + length - pam
        self.listed = CHANNELS[self.changes]
        dtype = torch.get_default_dtype()
        base, base_mean, base_sd = _base(self.steps, unlike or 1.0)
        spread, mean, sd = _costs(length, pam, free, unlike or 1.0)
        if unlike is not None:
            base_mean, mean = np.zeros_like(base_mean), np.zeros_like(mean)
        self.register_buffer("base", torch.as_tensor(base, dtype=dtype), persistent=False)
        self.register_buffer("spread", torch.as_tensor(spread, dtype=dtype), persistent=False)
        table = torch.as_tensor(channels(self.changes), dtype=dtype)
        self.register_buffer("channels", table, persistent=False)
        self.register_buffer("step_of", torch.as_tensor(_step_of(length, pam)), persistent=False)
        self._set_weights(
            torch.as_tensor(np.r_[base_sd, sd], dtype=dtype),
            torch.as_tensor(np.r_[base_mean, mean], dtype=dtype),
        )
        # The first weight is the level of matched steps here, and no constant that is known less than the others.
        self.prior_sd[0] = base_sd[0]

    @property
    def table(self) -> Tensor:
        """Cost of each channel at each position in kT, shape (length, channels)."""
        return (self.spread @ self.weights[self.base.shape[1] :]).reshape(self.length, len(self.listed))

    @property
    def matched(self) -> Tensor:
        """Free energy of each step of the matched target in kT, shape (steps,)."""
        return self.base @ self.weights[: self.base.shape[1]]

    def names(self) -> list[str]:
        """The level, the PAM's, each step's own, then whitened directions of the costs."""
        own = [f"step {step}" for step in range(1, self.steps)]
        costs = ["mismatch", "insertion", "deletion"]
        rest = [f"cost {number}" for number in range(self.spread.shape[1] - len(costs))]
        return ["level", "PAM", *own, *costs, *rest]

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (pairs, length) to the free energy of each step in kT, (pairs, steps)."""
        found = self.matched.expand(len(codes), -1)
        for later in (False, True):
            chosen = self._entering(later)
            weight_of_code = (self.table * chosen) @ self.channels.T
            costs = weight_of_code[torch.arange(self.length), codes.long()]
            found = found + self._by_step(costs, later)
        return found

    def _entering(self, later: bool) -> Tensor:
        """Which entries of the table enter their own position's step, or the one after; (length, channels)."""
        own = self._own_step()[:, None]
        return (self.step_of != own if later else self.step_of == own).to(self.spread.dtype)

    def _own_step(self) -> Tensor:
        return (torch.arange(self.length) - self.pam + 1).clamp(min=0)

    def _by_step(self, costs: Tensor, later: bool) -> Tensor:
        """Costs of positions (pairs, length) summed by the step that they enter, (pairs, steps)."""
        target = (self._own_step() + int(later)).clamp(max=self.steps - 1)
        return costs.new_zeros(len(costs), self.steps).index_add(1, target, costs)

    def design_of(self, codes: Tensor, step: int) -> Tensor:
        """How the free energy of one step depends on the weights, shape (pairs, features).

        Raises
        ------
        ModelError: the table would not fit into memory.
        """
        require_room(len(codes), self.features)
        entering = self.step_of == step
        positions = entering.any(dim=1).nonzero()[:, 0]
        switched = self.channels[codes[:, positions].long()] * entering[positions]
        rows = self.spread.reshape(self.length, len(self.listed), -1)[positions]
        costs = switched.flatten(1) @ rows.flatten(0, 1)
        return torch.cat([self.base[step].expand(len(codes), -1), costs], dim=1)

    def design(self, codes: Tensor) -> Tensor:
        """How the sum of all steps depends on the weights, shape (pairs, features)."""
        return torch.stack([self.design_of(codes, step) for step in range(self.steps)]).sum(dim=0)


def _base(steps: int, share: float) -> tuple[Array, Array, Array]:
    """Matched steps from: the level of all base pairs, the PAM's own, and deviations along the guide (whitened).

    `share` multiplies every spread but that of the PAM.
    """
    places = np.arange(1, steps)
    kernel = STEP_SMOOTH**2 * _alike(places, places, REACH) + (STEP_OWN**2 + JITTER) * np.eye(steps - 1)
    table = np.zeros((steps, 1 + steps))
    table[1:, 0] = 1.0
    table[0, 1] = 1.0
    table[1:, 2:] = share * np.linalg.cholesky(kernel)
    mean, sd = np.zeros(1 + steps), np.ones(1 + steps)
    mean[:2], sd[:2] = (LEVEL_MEAN, PAM_MEAN), (share * LEVEL_SD, PAM_SD)
    return table, mean, sd


def _costs(length: int, pam: int, free: tuple[int, ...], share: float) -> tuple[Array, Array, Array]:
    """The table of costs from: three means, and whitened deviations of every entry; with their prior mean and sd.

    `share` multiplies every spread but those in the PAM.
    """
    listed = CHANNELS["kind"]
    position, channel = (
        grid.ravel() for grid in np.meshgrid(np.arange(length), np.arange(len(listed)), indexing="ij")
    )
    names = np.array(listed)[channel]
    kind = np.where(np.char.startswith(names, "+"), 1, np.where(names == "-", 2, 0))
    # What is inserted behind the PAM's last position already parts the first base pair.
    inside = (position >= pam) | ((position == pam - 1) & (kind == 1))
    means = np.stack([(kind == each) & inside for each in range(3)], axis=1).astype(float)
    kernel = np.where(np.outer(inside, inside), share**2 * _within(position, names, kind), 0.0)
    kernel += np.where(np.outer(~inside, ~inside), _pam(position, kind, free), 0.0)
    root = np.linalg.cholesky(kernel + JITTER * np.eye(len(kernel)))
    count = len(kernel)
    mean, sd = np.zeros(3 + count), np.ones(3 + count)
    mean[:3], sd[:3] = MISMATCH_MEAN, share * MISMATCH_SD
    return np.concatenate([means, root], axis=1), mean, sd


def _within(position: Array, names: NDArray[np.str_], kind: NDArray[np.int64]) -> Array:
    """Prior covariance of costs within the protospacer."""
    same_kind, same_name = kind[:, None] == kind, names[:, None] == names
    place = PLACE**2 * _alike(position, position, REACH) + PLACE_OWN**2 * (position[:, None] == position)
    along = KIND**2 + KIND_ALONG**2 * _alike(position, position, KIND_REACH)
    total = same_kind * place + same_name * along + OWN**2 * np.eye(len(names))
    bases = np.array([name.split(">") if ">" in name else ("", "") for name in names])
    total += GUIDE_BASE**2 * _shared(bases[:, 0]) + TARGET_BASE**2 * _shared(bases[:, 1])
    return np.asarray(total + CLASS**2 * _shared(np.array([_class(*pair) for pair in bases])))


def _pam(position: Array, kind: NDArray[np.int64], free: tuple[int, ...]) -> Array:
    """Prior covariance of costs in the PAM: what does not belong costs alike at every place that asks for a base."""
    asks = ~np.isin(position, free) | (kind > 0)
    own = np.where(asks, PAM_BASE, ANY_BASE) ** 2
    return np.asarray(PAM_PLACE**2 * np.outer(asks, asks) + np.diag(own))


def _class(guide: str, target: str) -> str:
    """Whether a mismatch keeps the size of the base that is met (transition) or not, and which the guide asks for."""
    if not guide:
        return ""
    large = "AG"
    if (guide in large) == (target in large):
        return "transition of purine" if guide in large else "transition of pyrimidine"
    return "transversion of purine" if guide in large else "transversion of pyrimidine"


def _shared(labels: NDArray[np.str_]) -> Array:
    return ((labels[:, None] == labels) & (labels != "")).astype(float)


def _alike(one: Array, other: Array, reach: float) -> Array:
    return np.exp(-0.5 * ((one[:, None] - other) / reach) ** 2)


def _step_of(length: int, pam: int) -> NDArray[np.int64]:
    """Step that each position and channel enters: its own base pair's; insertions the next, but the PAM's first."""
    own = np.maximum(np.arange(length) - pam + 1, 0)
    after = np.minimum(np.where(np.arange(length) < pam - 1, 0, own + 1), length - pam)
    inserted = np.array([name.startswith("+") for name in CHANNELS["kind"]])
    return np.where(inserted[None, :], after[:, None], own[:, None])
