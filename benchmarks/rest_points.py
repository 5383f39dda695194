"""Rest points of many perturbations with gradients to every weight: by programmes, dense, and by unrolling.

    python benchmarks/rest_points.py [--perturbations 256] [--genes 1000] [--rank 64] [--threads 2]

The naive ways are timed on fewer perturbations where they would take minutes or all memory, and said to be.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import pandas as pd
import torch

from common import machine, print_table
from pajamo.mechanisms.flows.drift import LowRankProduction, ProductionDecay
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.resting.rest import rest_point

STEP, STEPS = 0.2, 300
DENSE_ROWS = 4


def system(genes: int, rank: int) -> ProductionDecay:
    """A random network, stable, with decay rates that differ threefold."""
    draw = torch.Generator().manual_seed(0)
    production = LowRankProduction(genes, rank)
    with torch.no_grad():
        production.reads.copy_(torch.randn(genes, rank, generator=draw) / genes**0.5)
        production.writes.copy_(0.6 * torch.randn(genes, rank, generator=draw) / rank**0.5)
        production.bias.copy_(torch.randn(1, genes, generator=draw))
    return ProductionDecay(production, 0.5 + torch.rand(genes, generator=draw, dtype=torch.float64))


def knockouts(rows: int, genes: int) -> Intervention:
    """One gene knocked out a row."""
    factor = torch.ones(rows, genes, dtype=torch.float64)
    each = torch.arange(rows)
    factor[each, each % genes] = 0.0
    zeros = torch.zeros_like(factor)
    return Intervention(factor, zeros, zeros.bool(), zeros, torch.zeros(rows, dtype=torch.long), zeros[:, :0])


class Unstructured:
    """The same drift, without telling its Jacobian."""

    def __init__(self, drift: ProductionDecay) -> None:
        self.drift = drift

    def __call__(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time."""
        return self.drift(state, intervention)


def unrolled(drift: ProductionDecay, edits: Intervention, start: torch.Tensor) -> torch.Tensor:
    """Explicit Euler steps, all of which automatic differentiation remembers."""
    state = start.expand(len(edits), -1)
    for _ in range(STEPS):
        state = state + STEP * drift(state, edits)
    return state


def timed(
    drift: ProductionDecay, state: Callable[[], torch.Tensor]
) -> tuple[float, float, float, torch.Tensor]:
    """Seconds forward, forward and backward, processor seconds of both, and the gradients in one vector."""
    weights = list(drift.parameters())
    began, worked = time.perf_counter(), time.process_time()
    found = state()
    forward = time.perf_counter() - began
    gradients = torch.autograd.grad(found.square().mean(), weights)
    both, worked = time.perf_counter() - began, time.process_time() - worked
    return forward, both, worked, torch.cat([gradient.flatten() for gradient in gradients])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--perturbations", type=int, default=256)
    parser.add_argument("--genes", type=int, default=1000)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{machine()}\n{options.threads} threads")
    drift, edits = system(options.genes, options.rank), knockouts(options.perturbations, options.genes)
    start = torch.ones(options.genes, dtype=torch.float64)
    with torch.no_grad():
        control = rest_point(drift, knockouts(1, options.genes), start).state[0]
    few = edits[torch.arange(min(DENSE_ROWS, len(edits)))]
    ways = {
        "implicit, by programmes": (edits, lambda rows: rest_point(drift, rows, control).state),
        "implicit, dense Jacobian": (few, lambda rows: rest_point(Unstructured(drift), rows, control).state),
        f"unrolled, {STEPS} steps": (edits, lambda rows: unrolled(drift, rows, control)),
    }
    found = []
    for name, (rows, solve) in ways.items():
        runs = [timed(drift, lambda s=solve, r=rows: s(r)) for _ in range(options.repeats)]
        reference = timed(drift, lambda r=rows: rest_point(drift, r, control).state)[3]
        forward, both, worked, gradient = min(runs, key=lambda run: run[1])
        error = float((gradient - reference).norm() / reference.norm())
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        found.append((name, len(rows), forward, both, worked, both / len(rows) * 1e3, error, memory))
    columns = ["way", "perturbations", "forward s", "with gradients s", "processor s", "ms each"]
    table = pd.DataFrame(found, columns=[*columns, "gradient differs by", "peak GiB so far"])
    forms = dict.fromkeys(
        ["forward s", "with gradients s", "processor s", "ms each", "peak GiB so far"], ".2f"
    )
    title = f"Rest points of {options.genes} genes at rank {options.rank} (best of {options.repeats})"
    print_table(title, table, {**forms, "gradient differs by": ".1e"})


if __name__ == "__main__":
    main()
