"""A learned model whose answer is known: it finds the mean of a few numbers by noisy steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Card, Learned


class Finder(Learned):
    """Learns one change for all conditions; each step sees noise that depends on (seed, step) only."""

    card = Card("finder", "Finder", "none", "changes", {}, "a test's model")
    learning_rate = 0.1
    weight_decay = 0.01
    bad_step = -1
    finished = 0

    def estimate(self, training):
        torch.manual_seed(0)
        self.target = torch.tensor(training.delta.mean(axis=0))
        self.net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()

    def module(self):
        return self.net

    @property
    def n_steps(self):
        return 250

    def loss(self, step):
        noise = torch.randn(
            8, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(self.seed * 1000 + step)
        )
        loss = ((self.net(noise) - self.target) ** 2).mean()
        return loss * torch.nan if step == self.bad_step else loss

    def finish(self):
        self.finished += 1

    def respond(self, conditions):
        with torch.no_grad():
            row = self.net(torch.zeros(1, 3, dtype=torch.float64)).numpy()
        delta = np.repeat(row, len(conditions), axis=0)
        return delta, np.zeros_like(delta)

    def state(self):
        return {name: value.numpy() for name, value in self.net.state_dict().items()}

    def facts(self):
        return {}

    def restore(self, state, facts):
        self.net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})


@pytest.fixture
def training() -> TrainingSet:
    means = np.array([[1.0, 2.0], [1.2, 1.8]])
    conditions = (Condition(("A",)), Condition(("B",)))
    return TrainingSet(
        pd.Index(["x", "y"]), conditions, Moments(np.full(2, 9), means, np.full((2, 2), 0.1)),
        (("", 0.0),), Moments(np.full(1, 9), np.full((1, 2), 0.5), np.full((1, 2), 0.1)),
    )  # fmt: skip


@pytest.fixture
def finder(training):
    """Build a finder that is estimated and not yet learned."""
    return lambda seed=0: Finder(seed=seed).fit(training)
