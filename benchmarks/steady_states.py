"""How fast and how exact are steady states by spanning trees, by elimination and by a plain linear solve?

    python benchmarks/steady_states.py [--sequences 10000] [--threads 1] [--exact 10]

Every sequence has rates of its own, ln k ~ N(0, 3). Times are the best of several, in milliseconds for all sequences.
The error is that of the smallest occupancy of a sequence against rational arithmetic: the largest among the few
sequences on which the solve in double precision and elimination differ most. Schemes of more than 20 states are
only timed.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import pandas as pd
import torch

from common import machine, print_table
from pajamo.mechanisms.kinetics.elimination import by_elimination
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.trees import by_trees, count_trees

SPREAD = 3.0
REPEATS = 5
TREES_TIMED_UP_TO = 1000
MOST_EXACT = 20
Solve = Callable[[Scheme, torch.Tensor], torch.Tensor]


def chain(states: int) -> Scheme:
    """Reversible steps from the first state to the last, and an irreversible one back."""
    names = tuple(f"s{i}" for i in range(states))
    steps = [ends for one, other in pairwise(names) for ends in ((one, other), (other, one))]
    return Scheme(names, (*steps, (names[-1], names[0])))


def complete(states: int) -> Scheme:
    """Every state exchanges with every other."""
    names = tuple(f"s{i}" for i in range(states))
    return Scheme(names, tuple((one, other) for one in names for other in names if one != other))


def cube(sites: int) -> Scheme:
    """Each of some sites is bound or free."""
    names = [format(state, f"0{sites}b") for state in range(2**sites)]
    ends = [(names[i], names[i ^ 1 << site]) for i in range(len(names)) for site in range(sites)]
    return Scheme(tuple(names), tuple(ends))


def by_solve(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """The naive way: the balance of the first state is replaced by the sum of all occupancies."""
    rates = (log_rates - log_rates.amax(-1, keepdim=True)).exp()
    count = len(scheme.states)
    source, target = torch.tensor(scheme.ends).mT
    matrix = rates.new_zeros(len(rates), count * count)
    matrix = matrix.index_add(1, target * count + source, rates).index_add(1, source * (count + 1), -rates)
    matrix = matrix.reshape(-1, count, count)
    matrix = torch.cat([torch.ones_like(matrix[:, :1]), matrix[:, 1:]], dim=1)
    right = torch.zeros_like(matrix[:, :, :1])
    right[:, 0] = 1.0
    return torch.linalg.solve(matrix, right).squeeze(-1)


def log_of_solve(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """What a model would train on; nan where the solve has gone negative."""
    return by_solve(scheme, log_rates).log()


def exact_logarithms(scheme: Scheme, rates: list[float]) -> list[float]:
    """Log occupancies by elimination on fractions, which do not round."""
    count = len(scheme.states)
    table = [[Fraction(0)] * count for _ in range(count)]
    for (source, target), rate in zip(scheme.ends, rates, strict=True):
        table[source][target] += Fraction(rate)
    leaving = [Fraction(0)] * count
    for k in range(count - 1, 0, -1):
        leaving[k] = sum(table[k][:k], Fraction(0))
        for i in range(k):
            if table[i][k]:
                factor = table[i][k] / leaving[k]
                table[i][:k] = [
                    way + factor * more for way, more in zip(table[i][:k], table[k][:k], strict=True)
                ]
    filled = [Fraction(1)]
    for k in range(1, count):
        filled.append(sum((filled[i] * table[i][k] for i in range(k)), Fraction(0)) / leaving[k])
    total = sum(filled, Fraction(0))
    return [_logarithm(one / total) for one in filled]


def _logarithm(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


def best_milliseconds(work: Callable[[], object]) -> float:
    """Shortest of several runs after a first."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def timed(solve: Solve, scheme: Scheme, rates: torch.Tensor) -> str:
    """Milliseconds forward, and forward and backward."""
    sent = torch.randn(len(rates), len(scheme.states), dtype=rates.dtype)
    leaf = rates.clone().requires_grad_()
    forward = best_milliseconds(lambda: solve(scheme, rates))
    both = best_milliseconds(lambda: torch.autograd.grad(solve(scheme, leaf), leaf, sent))
    return f"{forward:.1f} / {both:.1f}"


def error_of_smallest(solve: Solve, scheme: Scheme, rates: torch.Tensor, truth: torch.Tensor) -> float:
    """Largest relative error of the smallest occupancy of a sequence."""
    found = solve(scheme, rates).double()
    smallest = truth.argmin(-1, keepdim=True)
    ratio = found.gather(-1, smallest) / truth.gather(-1, smallest).exp()
    return float((ratio - 1.0).abs().max())


def disputed(scheme: Scheme, rates: torch.Tensor, few: int) -> torch.Tensor:
    """Rates of the sequences on which two ways differ most in the logarithm of an occupancy."""
    difference = (log_of_solve(scheme, rates) - by_elimination(scheme, rates)).abs().amax(-1)
    return rates[difference.nan_to_num(torch.inf).argsort(descending=True)[:few]]


def row(name: str, scheme: Scheme, sequences: int, few: int, dtype: torch.dtype) -> dict[str, object]:
    """One scheme in one precision."""
    draw = torch.Generator().manual_seed(0)
    rates = SPREAD * torch.randn(sequences, len(scheme.transitions), generator=draw, dtype=torch.float64)
    ways = {"trees": by_trees, "elimination": by_elimination, "solve": log_of_solve}
    if count_trees(scheme) > TREES_TIMED_UP_TO:
        del ways["trees"]
    shown: dict[str, object] = {
        "scheme": f"{name} ({len(scheme.states)} states, {len(scheme.transitions)} rates)",
        "trees listed": f"{count_trees(scheme):.4g}",
        "precision": str(dtype).removeprefix("torch."),
    }
    shown |= {f"{way} ms": timed(solve, scheme, rates.to(dtype)) for way, solve in ways.items()}
    if len(scheme.states) > MOST_EXACT:
        return shown
    hardest = disputed(scheme, rates, few)
    exact = [exact_logarithms(scheme, one.exp().tolist()) for one in hardest]
    truth = torch.tensor(exact, dtype=torch.float64)
    for way, solve in ways.items():
        share = by_solve if way == "solve" else lambda *given, solve=solve: solve(*given).exp()
        shown[f"{way} error"] = error_of_smallest(share, scheme, hardest.to(dtype), truth)
    shown["solve negative"] = int((by_solve(scheme, rates.to(dtype)) < 0.0).sum())
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--exact", type=int, default=10, help="sequences that are compared with exact occupancies"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(machine())
    schemes = {f"chain {n}": chain(n) for n in (4, 8, 12, 16, 20, 24, 40)}
    schemes |= {f"complete {n}": complete(n) for n in (4, 5, 8)} | {f"cube {n}": cube(n) for n in (3, 4)}
    rows = [
        row(name, scheme, options.sequences, options.exact, dtype)
        for name, scheme in schemes.items()
        for dtype in (torch.float64, torch.float32)
    ]
    table = pd.DataFrame(rows)
    order = [f"{way} {what}" for what in ("ms", "error") for way in ("trees", "elimination", "solve")]
    table = table[["scheme", "trees listed", "precision", *order, "solve negative"]]
    title = f"{options.sequences} sequences, {options.threads} thread(s); ms forward / forward and backward"
    errors = {f"{way} error": ".0e" for way in ("trees", "elimination", "solve")}
    print_table(title, table, errors | {"solve negative": ".0f"})


if __name__ == "__main__":
    main()
