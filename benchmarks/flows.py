"""How long flows take, how many steps stiffness costs, and what gradients keep in memory.

    python benchmarks/flows.py [--rows 256] [--repeats 3]

Networks and states are SIMULATED with a fixed seed. Times are CPU seconds of the process, the best of the repeats,
so that they mean something on a busy machine. Memory is what the backward pass could still ask for at its peak,
counted by hooks on saved tensors; beside it the adjoint holds at most 32 states for each level of its replay, and one
number a step and row.
"""

from __future__ import annotations

import argparse
import time
import weakref
from collections.abc import Callable

import pandas as pd
import torch

from common import machine, print_table
from pajamo.mechanisms.flows.drift import LowRankProduction, ProductionDecay
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.solving.failure import IntegrationError
from pajamo.mechanisms.flows.solving.field import BoundDrift
from pajamo.mechanisms.flows.solving.solve import Solver, solve

SIZES = ((100, 8), (1000, 8), (1000, 64))
DURATION = 4.0
LOOSE, TIGHT = {"rtol": 1e-4, "atol": 1e-6}, {"rtol": 1e-6, "atol": 1e-9}


def network(genes: int, rank: int) -> ProductionDecay:
    """A random network with decays between .5 and 1.5 per unit of time."""
    draw = torch.Generator().manual_seed(0)
    production = LowRankProduction(genes, rank)
    with torch.no_grad():
        production.reads.copy_(torch.randn(genes, rank, generator=draw) * genes**-0.5)
        production.writes.copy_(torch.randn(genes, rank, generator=draw) * rank**-0.5)
        production.bias.copy_(torch.randn(1, genes, generator=draw))
    return ProductionDecay(production, 0.5 + torch.rand(genes, generator=draw, dtype=torch.float64))


def knockouts(rows: int, genes: int) -> Intervention:
    """One knockout a row."""
    zeros = torch.zeros(rows, genes, dtype=torch.float64)
    factor = zeros + 1.0
    factor[torch.arange(rows), torch.arange(rows) % genes] = 0.0
    return Intervention(factor, zeros, zeros.bool(), zeros, torch.zeros(rows, dtype=torch.long))


def best(task: Callable[[], object], repeats: int) -> float:
    """CPU seconds of the fastest repeat."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        task()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def speed(rows: int, repeats: int) -> pd.DataFrame:
    """Integration forwards, and forwards with gradients of all weights."""
    lines = []
    for genes, rank in SIZES:
        bound = BoundDrift.of(network(genes, rank), knockouts(rows, genes))
        start = torch.ones(rows, genes, dtype=torch.float64)
        for method in ("explicit", "implicit"):
            solver = Solver(method=method, **LOOSE)

            def forwards(solver=solver, bound=bound, start=start):
                return solve(
                    bound.f, start, [DURATION], solver, arguments=bound.arguments, jacobian=bound.jacobian
                )

            def without_gradients(forwards=forwards):
                with torch.no_grad():
                    return forwards()

            def both(forwards=forwards):
                forwards().states.square().sum().backward()

            lines.append(
                {
                    "rows": rows,
                    "genes": genes,
                    "rank": rank,
                    "method": method,
                    "steps": without_gradients().steps.max().item(),
                    "CPU s": best(without_gradients, repeats),
                    "CPU s with gradients": best(both, repeats),
                }
            )
    return pd.DataFrame(lines)


def robertson(state: torch.Tensor) -> torch.Tensor:
    """Robertson's reaction: rates of .04, 1e4 and 3e7 (Hairer and Wanner II, section IV.10)."""
    a, b, c = state.T
    slow, back, fast = 0.04 * a, 1e4 * b * c, 3e7 * b**2
    return torch.stack([back - slow, slow - back - fast, fast], dim=1)


def van_der_pol(state: torch.Tensor) -> torch.Tensor:
    """Van der Pol's oscillator with mu = 1000."""
    x, y = state.T
    return torch.stack([y, 1000.0 * (1.0 - x**2) * y - x], dim=1)


def stiff(most: int) -> pd.DataFrame:
    """Steps of both methods on stiff systems; the explicit one may give up."""
    cases = (
        ("Robertson", robertson, [1.0, 0.0, 0.0], 40.0),
        ("van der Pol, mu 1000", van_der_pol, [2.0, 0.0], 10.0),
    )
    lines = []
    for name, field, start, end in cases:
        for method in ("explicit", "implicit"):
            solver = Solver(method=method, rtol=1e-6, atol=1e-10, max_steps=most)
            begin, line = time.process_time(), {"system": name, "until": end, "method": method}
            try:
                with torch.no_grad():
                    found = solve(field, torch.tensor([start], dtype=torch.float64), [end], solver)
                line |= {"steps": str(found.steps.item()), "rejected": found.rejected.item(), "reached": end}
            except IntegrationError as error:
                line |= {"steps": f"gave up after {most}", "reached": error.time.item()}
            lines.append(line | {"CPU s": time.process_time() - begin})
    return pd.DataFrame(lines)


class Kept:
    """Counts bytes of saved tensors, now and at most."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0

    def pack(self, tensor: torch.Tensor) -> Holder:
        """Count a tensor until it is let go."""
        size, holder = tensor.nbytes, Holder(tensor)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(holder, self._release, size)
        return holder

    def _release(self, size: int) -> None:
        self.now -= size


class Holder:
    """Keeps a tensor."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def memory() -> pd.DataFrame:
    """Peak of saved tensors against the duration, for the adjoint and for plain differentiation."""
    rows, genes = 16, 200
    bound = BoundDrift.of(network(genes, 8), knockouts(rows, genes))
    start = torch.ones(rows, genes, dtype=torch.float64)

    lines = []
    for duration in (5.0, 20.0, 80.0):
        for gradient in ("adjoint", "direct"):
            count = Kept()
            begin = time.process_time()
            with torch.autograd.graph.saved_tensors_hooks(count.pack, lambda holder: holder.tensor):
                solver = Solver(gradient=gradient, **TIGHT)
                found = solve(bound.f, start, [duration], solver, arguments=bound.arguments)
                found.states.sum().backward()
            lines.append(
                {
                    "duration": duration,
                    "gradient": gradient,
                    "steps": found.steps.max().item(),
                    "peak MB": count.most / 1e6,
                    "CPU s": time.process_time() - begin,
                }
            )
    return pd.DataFrame(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=256, help="perturbations integrated at once")
    parser.add_argument("--repeats", type=int, default=3, help="of each timing; the best counts")
    parser.add_argument(
        "--most-steps", type=int, default=50_000, help="after which a stiff system is given up"
    )
    given = parser.parse_args()
    print(machine())
    print_table(
        f"SIMULATED networks, knockouts, {DURATION:g} units of time, rtol {LOOSE['rtol']:g}",
        speed(given.rows, given.repeats),
        {"CPU s": ".2f", "CPU s with gradients": ".2f"},
    )
    print_table("Stiff systems, rtol 1e-6", stiff(given.most_steps), {"CPU s": ".1f", "reached": ".3g"})
    print_table(
        "Memory of gradients, 16 rows of 200 genes, rtol 1e-6", memory(), {"peak MB": ".1f", "CPU s": ".1f"}
    )


if __name__ == "__main__":
    main()
