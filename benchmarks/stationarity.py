"""Does correcting the stationarity loss for measurement noise find the network that a naive loss shrinks?

    python benchmarks/stationarity.py [--seeds 10]

A planted linear network of 12 genes at rest under K shift edits, each of one gene. The mean profile of every
perturbation has an error of standard deviation 0.05 or 0.2, each half of its cells 1.41 times as much. The network
is fitted by each loss of `flows.stationarity.losses` alone, at its exact minimum; decay and edits are
known. "guarded" makes the share of the correction that the smallest eigenvalue of the Gram matrix bears.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from common import machine, print_table
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.linear import total_effects
from pajamo.mechanisms.flows.stationarity.guard import covariance_share, split_half_share
from pajamo.mechanisms.flows.stationarity.losses import covariance_corrected, naive, split_half

GENES = 12
PERTURBATIONS = (100, 400, 1600, 6400)
NOISES = (0.05, 0.2)


class Network(torch.nn.Module):
    """dx/dt = W x + b + shift - x."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time."""
        return state @ self.weights[:, :-1].T + self.weights[:, -1] + intervention.shift - state


@dataclass(frozen=True)
class Screen:
    """Two halves of the cells of each perturbation, and what was done to them."""

    network: torch.Tensor
    halves: tuple[torch.Tensor, torch.Tensor]
    noise: torch.Tensor
    edits: Intervention

    @property
    def mean(self) -> torch.Tensor:
        """Profile of all cells of each perturbation."""
        return (self.halves[0] + self.halves[1]) / 2


def simulate(perturbations: int, noise: float, seed: int) -> Screen:
    """Steady states of a random network under random shifts of single genes, measured twice."""
    draw = torch.Generator().manual_seed(seed)
    normal = {"generator": draw, "dtype": torch.float64}
    network = torch.randn(GENES, GENES, **normal) * (torch.rand(GENES, GENES, generator=draw) < 0.25)
    network = 0.6 * network / torch.linalg.eigvals(network).abs().amax().clamp(min=0.5)
    shift = torch.zeros(perturbations, GENES, dtype=torch.float64)
    target = torch.randint(0, GENES, (perturbations,), generator=draw)
    shift[torch.arange(perturbations), target] = torch.randn(perturbations, **normal)
    state = (1.0 + shift) @ total_effects(network).T
    halves = [state + 2**0.5 * noise * torch.randn(perturbations, GENES, **normal) for _ in range(2)]
    zeros = torch.zeros_like(shift)
    medium = torch.zeros(perturbations, dtype=torch.long)
    edits = Intervention(zeros + 1.0, zeros, zeros.bool(), zeros, medium, zeros[:, :0])
    factor = (noise * torch.eye(GENES, dtype=torch.float64)).expand(perturbations, -1, -1)
    return Screen(network, (halves[0], halves[1]), factor, replace(edits, shift=shift))


def _corrected(drift: Network, screen: Screen, share: float = 1.0) -> torch.Tensor:
    return covariance_corrected(drift, screen.mean, screen.noise, screen.edits, share=share)


Loss = Callable[[Network], torch.Tensor]


def losses(screen: Screen) -> Mapping[str, Loss]:
    """Every way to say that the screen is at rest."""
    corrected = covariance_share(screen.mean, screen.noise)
    split = split_half_share(screen.halves)
    return {
        "naive": lambda drift: naive(drift, screen.mean, screen.edits),
        "corrected": lambda drift: _corrected(drift, screen),
        "corrected, guarded": lambda drift: _corrected(drift, screen, corrected),
        "split-half": lambda drift: split_half(drift, screen.halves, screen.edits),
        "split-half, guarded": lambda drift: split_half(drift, screen.halves, screen.edits, share=split),
    }


def fit(loss: Loss) -> torch.Tensor:
    """The exact stationary point of a loss that is quadratic in the weights, shape (genes, genes)."""
    shape = (GENES, GENES + 1)

    def of(flat: torch.Tensor) -> torch.Tensor:
        return loss(Network(flat.reshape(shape)))

    origin = torch.zeros(GENES * (GENES + 1), dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(of, origin)
    curvature = torch.autograd.functional.hessian(of, origin)
    return torch.linalg.solve(curvature, -slope).reshape(shape)[:, :-1]


def run(seeds: int) -> pd.DataFrame:
    rows = []
    for noise in NOISES:
        for perturbations in PERTURBATIONS:
            for seed in range(seeds):
                screen = simulate(perturbations, noise, seed)
                for name, loss in losses(screen).items():
                    error = torch.linalg.norm(fit(loss) - screen.network) / torch.linalg.norm(screen.network)
                    rows.append((noise, perturbations, seed, name, float(error)))
    return pd.DataFrame(rows, columns=["noise", "K", "seed", "loss", "error"])


def interval(values: np.ndarray) -> str:
    """Median over networks and its 95 % bootstrap interval."""
    drawn = np.random.default_rng(0).choice(values, (2000, len(values)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return f"{np.median(values):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    print(machine())
    found = run(options.seeds)
    for noise, part in found.groupby("noise"):
        table = part.pivot_table(
            index="loss", columns="K", values="error", aggfunc=lambda errors: interval(errors.to_numpy())
        ).reindex(list(losses(simulate(100, 0.05, 0))))
        table.columns = [f"K = {count}" for count in table.columns]
        title = f"Relative error of the network, noise {noise} (median of {options.seeds} networks, 95 % interval)"
        print_table(title, table.reset_index())
    last = found[(found["K"] == PERTURBATIONS[-1]) & (found["noise"] == NOISES[-1])]
    wide = last.pivot(index="seed", columns="loss", values="error")
    print(f"\nError ratios at K = {PERTURBATIONS[-1]}, noise {NOISES[-1]} (target: at least 2):")
    for name in ("corrected", "split-half"):
        print(f"  naive / {name}: {interval((wide['naive'] / wide[name]).to_numpy())}")


if __name__ == "__main__":
    main()
