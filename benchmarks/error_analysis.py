"""The laws of the error analysis against simulation and real cells: variance, controls, correlation, counts.

    python benchmarks/error_analysis.py [DATA] [--repeats 40000] [--seed 0]

DATA is the folder with `perturbation/`; by default $PAJAMO_DEV_DATA or ../shared/data. Without it the null
correlations are measured on the control cells of the screen that ships with pajamo.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.linalg
import scipy.sparse as sp
import scipy.stats

from common import add_data, machine, print_table
from pajamo.data.conditions import Condition
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.public.datasets import get
from pajamo.data.screen import Screen
from pajamo.protocols.errors import (
    Variances,
    batch_test,
    control_ratio,
    power,
    propagate,
    shared_control_correlation,
    variance_components,
    variance_of_difference,
    variance_of_log_ratio,
    within_batch,
)

VARIANCES = Variances(cell=1.0, batch=0.3, batch_by_perturbation=0.01)
ALLOCATIONS = {
    "proportional": ([25, 25, 25, 25], [50, 50, 50, 50]),
    "control in one batch": ([25, 25, 25, 25], [200, 0, 0, 0]),
    "perturbed in one batch": ([100, 0, 0, 0], [50, 50, 50, 50]),
    "unbalanced, pooled": ([50, 30, 15, 5], [20, 40, 60, 80]),
    "unbalanced, within batches": ([50, 30, 15, 5], [20, 40, 60, 80]),
}
SPLITS = ((32, 8), (32, 32), (32, 16), (16, 32), (8, 64))
"""Cells of each null perturbation, and of the control that both share; a condition holds 100 cells."""


def simulated_differences(
    perturbed: list[int], control: list[int], repeats: int, random: np.random.Generator
) -> np.ndarray:
    """Differences of means within each batch, cell by cell; the last column is that of pooled means."""
    shift = random.normal(0, VARIANCES.batch**0.5, (repeats, len(perturbed)))
    sides = []
    for cells in (np.array(perturbed), np.array(control)):
        own = shift + random.normal(0, VARIANCES.batch_by_perturbation**0.5, shift.shape)
        sums = np.zeros(shift.shape)
        for batch, number in enumerate(cells):
            noise = random.normal(0, VARIANCES.cell**0.5, (repeats, number)).sum(axis=1)
            sums[:, batch] = number * own[:, batch] + noise
        means = np.divide(sums, cells, out=np.zeros_like(sums), where=cells > 0)
        sides.append(np.column_stack([means, sums.sum(axis=1) / cells.sum()]))
    return sides[0] - sides[1]


def variances(repeats: int, random: np.random.Generator) -> pd.DataFrame:
    rows = []
    for name, (perturbed, control) in ALLOCATIONS.items():
        differences = simulated_differences(perturbed, control, repeats, random)
        if "within" in name:
            best = within_batch(perturbed, control, VARIANCES)
            formula, seen = float(best.variance[0]), float((differences[:, :-1] @ best.weights[0]).var())
        else:
            formula = float(variance_of_difference(perturbed, control, VARIANCES).total[0])
            seen = float(differences[:, -1].var())
        rows.append((name, formula, seen, seen / formula - 1, (2 / repeats) ** 0.5))
    return pd.DataFrame(rows, columns=["allocation", "formula", "simulated", "off by", "its standard error"])


def square_roots() -> pd.DataFrame:
    rows = []
    for number, ratio in ((1, 1.0), (4, 1.0), (25, 1.0), (100, 1.0), (25, 2.0), (25, 0.5)):
        tried = np.geomspace(0.01, 100, 20_001)
        each = 1 / (number + tried)
        best = tried[(1 / each + ratio**2 / (tried * each)).argmin()]
        rule = float(control_ratio(number, ratio))
        rows.append((number, ratio, rule, best, best / rule - 1))
    return pd.DataFrame(rows, columns=["perturbations", "sd ratio", "rule", "grid search", "off by"])


def k562_cells(data: Path) -> tuple[str, list[np.ndarray], Screen | None]:
    """Cells of each condition in ln(1 + CP10K), and the same as a screen whose batches are lanes."""
    path = data / "perturbation" / "perturbench_devel_norman19_mcfaline23.h5ad"
    if not path.is_file():
        shipped = anndata.read_h5ad(get("renge"))
        control = shipped[shipped.obs["perturbation"] == "control"]
        groups = [sp.csr_matrix(control[control.obs["day"] == day].X).toarray() for day in (2, 3, 4, 5)]
        return "control cells of the shipped iPSC course, a condition a day", groups, None
    adata = anndata.read_h5ad(path)
    adata = adata[adata.obs["dataset"] == "norman19"]
    labels = adata.obs["perturbation"].astype(str).to_numpy()
    values = sp.csr_matrix(adata.X, dtype=float)
    names = sorted(set(labels) - {"control"})
    groups = [values[labels == name].toarray() for name in (*names, "control")]
    conditions = (Condition(()), *(Condition(tuple(name.split("+"))) for name in names))
    of = np.array([0 if label == "control" else names.index(label) + 1 for label in labels])
    lanes = pd.Series(adata.obs_names).str.rsplit("-", n=1).str[-1].to_numpy()
    cells = pd.DataFrame({"library_size": np.nan, "batch": lanes}, index=adata.obs_names)
    screen = Screen(MemoryMatrix(values), "log1p", adata.var_names, conditions, of, cells, name="Norman 2019")
    return f"Norman 2019, {len(groups)} conditions of up to 100 cells", groups, screen


def null_correlations(groups: list[np.ndarray], repeats: int, random: np.random.Generator) -> pd.DataFrame:
    """Two random sets of cells of one condition as perturbations that do nothing, a third as the control."""
    rows = []
    for here, there in SPLITS:
        shared, split = [], []
        enough = [cells for cells in groups if len(cells) >= 2 * here + there]
        for _ in range(repeats):
            for cells in enough:
                order = random.permutation(len(cells))[: 2 * here + there]
                first, second, control = np.split(cells[order], [here, 2 * here])
                halves = control[: there // 2].mean(axis=0), control[there // 2 :].mean(axis=0)
                a, b = first.mean(axis=0), second.mean(axis=0)
                shared.append(_pearson(a - control.mean(axis=0), b - control.mean(axis=0)))
                split.append(_pearson(a - halves[0], b - halves[1]))
        expected = float(shared_control_correlation(here, there))
        error = np.reshape(shared, (repeats, -1)).mean(axis=0).std(ddof=1) / len(enough) ** 0.5
        rows.append(
            (here, there, expected, np.mean(shared), np.mean(shared) - expected, error, np.mean(split))
        )
    columns = ["n_p", "n_c", "n_p/(n_p+n_c)", "Pearson", "off by", "standard error", "split control"]
    return pd.DataFrame(rows, columns=columns)


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def counts(repeats: int, random: np.random.Generator) -> pd.DataFrame:
    """60 perturbed against 120 control cells, dispersion .3, half of the expression lost."""
    dispersion, here, there, effect = 0.3, 60, 120, -0.7
    size, rows = 1 / dispersion, []
    for mean in (0.05, 0.1, 0.3, 0.6, 1.0, 3.0, 10.0):
        low = mean * np.exp(effect)
        first = random.negative_binomial(here * size, size / (size + low), repeats)
        second = random.negative_binomial(there * size, size / (size + mean), repeats)
        kept = (first > 0) & (second > 0)
        seen = float(np.log(first[kept] / here / (second[kept] / there)).var())
        formula = float(variance_of_log_ratio(mean, dispersion, here, there, effect=effect))
        found, delta = power(mean, dispersion, effect, here, there)
        total = first + second
        lower = scipy.stats.betabinom.cdf(first, total, here * size, there * size)
        upper = scipy.stats.betabinom.sf(first - 1, total, here * size, there * size)
        exact = float((2 * np.minimum(lower, upper) <= 0.05).mean())
        rows.append(
            (
                mean,
                here * low,
                1 - kept.mean(),
                formula,
                seen,
                "delta" if delta[0] else "exact",
                found[0],
                exact,
            )
        )
    columns = [
        "mean", "molecules", "zeros", "variance, formula", "simulated", "method", "power", "exact test, simulated",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def components(screen: Screen | None) -> pd.DataFrame:
    """Planted truth, then the lanes of Norman 2019."""
    rows = []
    truth = np.array([1.0, 0.02, 0.01, 0.0])
    estimates, covered = [], []
    for seed in range(40):
        found = variance_components(_planted(seed, truth))
        estimates.append(found.pooled["sum"].to_numpy() / 50)
        low, high = found.pooled["sum_low"].to_numpy() / 50, found.pooled["sum_high"].to_numpy() / 50
        covered.append((low <= truth) & (truth <= high))
    for k, name in enumerate(("cell", "batch", "batch by perturbation")):
        made = np.array(estimates)[:, k]
        error = made.std(ddof=1) / len(made) ** 0.5
        rows.append(
            ("planted, 40 screens", name, truth[k], made.mean(), error, np.mean(covered, axis=0)[k], np.nan)
        )
    if screen is not None:
        found = variance_components(screen)
        z = batch_test(screen, permutations=100).z
        for name in ("batch", "batch_by_perturbation"):
            share = found.pooled.loc[name]
            half = (share["share_high"] - share["share_low"]) / 2
            row = ("Norman 2019, share of all, +- half of its interval", name.replace("_", " "), np.nan)
            rows.append((*row, share["share"], half, np.nan, z if name == "batch" else np.nan))
    columns = ["of", "component", "planted", "found", "standard error", "coverage of 95 %", "permutation z"]
    return pd.DataFrame(rows, columns=columns)


def _planted(seed: int, truth: np.ndarray) -> Screen:
    """Unbalanced cells of 10 conditions in 12 batches, 50 genes."""
    random = np.random.default_rng(seed)
    condition = random.choice(10, 2000, p=random.dirichlet(np.full(10, 3.0)))
    batch = random.choice(12, 2000, p=random.dirichlet(np.full(12, 3.0)))
    sd = np.sqrt(truth)
    values = random.normal(0, sd[0], (2000, 50)) + random.normal(0, sd[1], (12, 50))[batch]
    values += random.normal(0, sd[2], (10, 12, 50))[condition, batch]
    cells = pd.DataFrame({"library_size": np.nan, "batch": batch.astype(str)})
    conditions = (Condition(()), *(Condition((f"P{k}",)) for k in range(1, 10)))
    genes = pd.Index([f"G{k}" for k in range(50)])
    return Screen(MemoryMatrix(sp.csr_matrix(values)), "log1p", genes, conditions, condition, cells)


def propagation(repeats: int, random: np.random.Generator) -> pd.DataFrame:
    """Covariance of an ensemble that is carried along, against Phi Sigma Phi^T."""
    jacobian = random.normal(0, 0.3, (8, 8)) - 1.5 * np.eye(8)
    start = np.diag(random.uniform(0.5, 2.0, 8))
    rows = []
    for duration in (0.2, 1.0, 3.0):
        carried = (
            random.multivariate_normal(np.zeros(8), start, repeats) @ scipy.linalg.expm(jacobian * duration).T
        )
        seen, formula = np.trace(np.cov(carried.T)), np.trace(propagate(jacobian, start, duration))
        rows.append((duration, formula, seen, seen / formula - 1))
    return pd.DataFrame(rows, columns=["duration", "formula", "ensemble", "off by"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--repeats", type=int, default=40_000, help="simulations of each case")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random, start = np.random.default_rng(given.seed), time.perf_counter()
    print(machine())
    percent = {"off by": "+.1%", "its standard error": ".1%", "zeros": ".0%", "coverage of 95 %": ".0%"}
    digits = {"formula": ".4f", "simulated": ".4f", "variance, formula": ".4f", "power": ".3f", "ensemble": ".4f",
              "exact test, simulated": ".3f", "molecules": ".1f", "permutation z": ".1f", "found": ".5f",
              "rule": ".3f", "grid search": ".3f"}  # fmt: skip
    formats = {**digits, **percent, "standard error": ".5f"}
    print_table("Variance of a difference, formula and simulation", variances(given.repeats, random), formats)
    print_table("Square-root rule, control cells per cell of a perturbation", square_roots(), formats)
    name, groups, screen = k562_cells(given.data)
    plain = dict.fromkeys(("n_p/(n_p+n_c)", "Pearson", "standard error"), ".3f")
    signed = dict.fromkeys(("off by", "split control"), "+.3f")
    table = null_correlations(groups, max(20, 800 // len(groups)), random)
    print_table(f"Correlation of two perturbations that do nothing: {name}", table, {**plain, **signed})
    print_table(
        "Log ratio of counts, 60 against 120 cells, effect -0.7", counts(given.repeats, random), formats
    )
    print_table("Variance components", components(screen), formats)
    print_table("Error carried by a flow", propagation(given.repeats, random), formats)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
