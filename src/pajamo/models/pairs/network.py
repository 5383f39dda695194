"""A black box of the size and shape of CRISPR-Net (Lin et al. 2020, Adv Sci 7, 1903562): about 67,000 weights.

Kernels of several widths slide along the pair, a recurrent layer reads what they found from both ends, and two dense
layers weigh it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pajamo.data.assays.pairs.pairing import GUIDE, INSERTED, SIZE, TARGET, Codes, parts
from pajamo.models.pairs.base import Array, Arrays, Learned, PairModel, Places, Task
from pajamo.models.pairs.keeping import fewer

WIDTHS, KERNELS, UNITS, DENSE = (1, 2, 3, 5), 10, 15, (80, 20)
MOST, BATCH, EPOCHS, PATIENCE, STEP = 50_000, 512, 60, 8, 2e-3
"""Most rows an epoch, each of which draws others of the sites that were not found; rows a step; most epochs; epochs
without a gain before it stops; and the first step's size."""
_AT_ONCE = 8192


class Network(nn.Module):
    """From pairings, shape (pairs, length), to one number each."""

    channels: Tensor

    def __init__(self, length: int) -> None:
        super().__init__()
        self.register_buffer("channels", _channels(), persistent=False)
        width = self.channels.shape[1]
        self.kernels = nn.ModuleList(nn.Conv1d(width, KERNELS, each) for each in WIDTHS)
        self.recurrent = nn.LSTM(width + KERNELS * len(WIDTHS), UNITS, batch_first=True, bidirectional=True)
        self.dense = nn.Sequential(
            nn.Linear(length * 2 * UNITS, DENSE[0]),
            nn.ReLU(),
            nn.Linear(DENSE[0], DENSE[1]),
            nn.ReLU(),
            nn.Dropout(0.35),
            nn.Linear(DENSE[1], 1),
        )

    def forward(self, codes: Tensor) -> Tensor:
        """One number a pair."""
        switched = self.channels[codes.long()]
        seen = [
            functional.relu(kernel(functional.pad(switched.mT, ((each - 1) // 2, each // 2)))).mT
            for kernel, each in zip(self.kernels, WIDTHS, strict=True)
        ]
        read, _ = self.recurrent(torch.cat([switched, *seen], dim=-1))
        value: Tensor = self.dense(functional.relu(read).flatten(1))[:, 0]
        return value


class Convolutional(PairModel):
    """The network, stopped where its loss on the rows kept aside is least.

    Attributes
    ----------
    network: its layers.
    level, spread: mean and standard deviation of the training rates, in which it speaks.
    """

    name: ClassVar[str] = "convolutional"
    title: ClassVar[str] = "network of CRISPR-Net's size"

    def _learn(self, learned: Learned) -> None:
        value, rows = learned.value, learned.train
        self.level, self.spread = _scale(value[rows], self.task)
        # Layers draw from torch's own stream, which is left as it was found.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.network = Network(learned.codes.shape[1])
            self._descend(learned, np.random.default_rng(self.seed))

    def _descend(self, learned: Learned, rng: np.random.Generator) -> None:
        optimiser = torch.optim.Adam(self.network.parameters(), lr=STEP)
        best, waited, kept = np.inf, 0, self.network.state_dict()
        aside = self._some(learned.value, learned.aside, rng)
        for _ in range(EPOCHS):
            self._epoch(learned, *self._some(learned.value, learned.train, rng), optimiser)
            missed = self._missed(learned, *aside)
            waited += 1
            if missed < best:
                best, waited = missed, 0
                kept = {name: own.clone() for name, own in self.network.state_dict().items()}
            if waited == PATIENCE:
                break
        self.network.load_state_dict(kept)

    def _some(self, value: Array, places: Places, rng: np.random.Generator) -> tuple[Places, Array]:
        """Rows of an epoch in random order, and what each stands for."""
        if self.task == "cut":
            rows, weights = fewer(value, places, MOST, rng)
        else:
            rows, weights = places, np.ones(len(places))
        order = rng.permutation(len(rows))
        return rows[order], weights[order]

    def _epoch(self, learned: Learned, rows: Places, weights: Array, optimiser: torch.optim.Adam) -> None:
        self.network.train()
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            said = self.network(torch.as_tensor(learned.codes[some]))
            loss = self._loss(said, torch.as_tensor(learned.value[some], dtype=torch.float32))
            weight = torch.as_tensor(weights[start : start + BATCH], dtype=torch.float32)
            optimiser.zero_grad()
            ((loss * weight).sum() / weight.sum()).backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            optimiser.step()

    def _loss(self, said: Tensor, value: Tensor) -> Tensor:
        if self.task == "cut":
            return functional.binary_cross_entropy_with_logits(said, value, reduction="none")
        return (said - (value - self.level) / self.spread) ** 2

    def _missed(self, learned: Learned, rows: Places, weights: Array) -> float:
        value = torch.as_tensor(learned.value[rows], dtype=torch.float32)
        losses = self._loss(self._raw(learned.codes[rows]), value).double().numpy()
        return float(np.average(losses, weights=weights))

    @torch.no_grad()
    def _raw(self, codes: Codes) -> Tensor:
        self.network.eval()
        parts_of = torch.as_tensor(codes).split(_AT_ONCE)
        return torch.cat([self.network(part) for part in parts_of])

    def _say(self, codes: Codes) -> Array:
        raw = self._raw(codes).double()
        said = torch.sigmoid(raw) if self.task == "cut" else self.level + self.spread * raw
        return np.asarray(said.numpy())

    def _state(self) -> Arrays:
        held = {name: own.numpy() for name, own in self.network.state_dict().items()}
        return {**held, "scale": np.array([self.level, self.spread])}

    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.level, self.spread = (float(value) for value in arrays["scale"])
        positions = arrays["dense.0.weight"].shape[1] // (2 * UNITS)
        self.network = Network(positions)
        held = {name: torch.as_tensor(own) for name, own in arrays.items() if name != "scale"}
        self.network.load_state_dict(held)


def _scale(value: Array, task: Task) -> tuple[float, float]:
    return (0.0, 1.0) if task == "cut" else (float(value.mean()), float(value.std()))


def _channels() -> Tensor:
    """Guide's base, what is opposite, what is inserted, by code; nothing for the missing one; (codes + 1, 17)."""
    places = parts(np.arange(SIZE, dtype=np.uint8))
    sizes = (len(GUIDE), len(TARGET), len(INSERTED))
    switched = [np.eye(size)[own] for size, own in zip(sizes, places, strict=True)]
    table = np.pad(np.concatenate(switched, axis=1), ((0, 1), (0, 0)))
    return torch.as_tensor(table, dtype=torch.float32)
