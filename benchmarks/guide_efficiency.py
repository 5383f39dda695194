"""Does a negative binomial with guide efficiency tell more than means of cells? Papalexi 2021, raw counts, 98 guides.

    python benchmarks/guide_efficiency.py [DATA] [--seed 0] [--repeats 3]

DATA is the folder with `perturbation/`; by default $PAJAMO_DEV_DATA or ../shared/data. Truth is always measured with
the half of the control cells that no estimate saw. Intervals are 95 % of a bootstrap over targets, paired.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from common import add_data, machine, print_table
from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.pseudobulk import pseudobulk, random_halves
from pajamo.data.screen import Screen
from pajamo.data.training_set import TrainingSet
from pajamo.models.guide_counts import GuideCounts
from pajamo.models.parts.guide_fit import cells_of
from pajamo.models.registry import create

FILE = "papalexi2021_thp1_crisprko_20729x299.npz"
CONTROL = Condition(())
LEAST = 30
"""Cells of a held-out guide below which its own mean says little."""
FEW = 20
MODELS = ("pseudobulk", "pseudobulk, shrunk", "NB without efficiency", "NB with efficiency")


@dataclass(frozen=True)
class Cells:
    """The screen, its cells in ln(1 + CP10K), and the half of the controls that only the truth may use."""

    screen: Screen
    values: np.ndarray
    guide: np.ndarray
    target: np.ndarray
    spare: np.ndarray

    @property
    def targets(self) -> list[str]:
        """Perturbed genes, sorted."""
        return [c.genes[0] for c in self.screen.conditions if not c.is_control]


def load(path: Path, seed: int) -> Cells:
    raw = np.load(path)
    counts = sp.csr_matrix((raw["data"].astype(float), raw["indices"], raw["indptr"]), shape=raw["shape"])
    guide = raw["guide"]
    target = np.array([re.sub(r"g\d+$", "", name) for name in guide])
    names = ["NT", *sorted(set(target) - {"NT"})]
    conditions = (CONTROL, *(Condition((name,)) for name in names[1:]))
    of = np.array([names.index(name) for name in target])
    size = np.asarray(counts.sum(axis=1)).ravel()
    cells = pd.DataFrame({"library_size": size, "batch": raw["rep"], "guide": guide})
    genes = pd.Index(raw["genes"])
    screen = Screen(MemoryMatrix(counts), "counts", genes, conditions, of, cells, name="Papalexi 2021")
    spare = (of == 0) & (random_halves(of, len(names), seed) == 1)
    return Cells(screen, screen.log_normalised(counts, 0).toarray(), guide, target, spare)


def training(data: Cells, rows: np.ndarray) -> tuple[TrainingSet, CountTable]:
    """What a model may see: the given perturbed cells, and the controls that are not spared."""
    kept = np.flatnonzero((rows & (data.target != "NT")) | ((data.target == "NT") & ~data.spare))
    screen = replace(
        data.screen,
        matrix=MemoryMatrix(data.screen.matrix.rows(kept)),
        condition_of=data.screen.condition_of[kept],
        cells=data.screen.cells.iloc[kept].reset_index(drop=True),
    )
    table = CountTable.from_screen(screen, screen.conditions, shared_control=True)
    bulk = pseudobulk(screen)
    return TrainingSet.from_pseudobulk(bulk, screen.conditions, shared_control=True, counts=table), table


def fitted(seen: TrainingSet, **settings: object) -> GuideCounts:
    model = create("guide-counts", settings)
    assert isinstance(model, GuideCounts)
    return model.fit(seen)


def estimates(data: Cells, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Change of every target by each way, shape (targets, genes)."""
    seen, _ = training(data, rows)
    conditions = [Condition((name,)) for name in data.targets]
    order = [seen.conditions.index(c) for c in conditions]
    plain = seen.delta[order]
    variance = seen.variance_of_mean[order] + seen.control_variance_of_mean(conditions)
    kept = np.maximum(0.0, 1.0 - 1.0 / (plain**2 / variance).mean(axis=1, keepdims=True))
    without, with_ = (fitted(seen, complete=complete).predict(conditions).delta for complete in (True, False))
    return dict(zip(MODELS, (plain, kept * plain, without, with_), strict=True))


def scores(data: Cells, found: dict[str, np.ndarray], held: np.ndarray) -> dict[str, np.ndarray]:
    """MSE and Pearson correlation of each target's change in the held-out cells, NaN with too few cells."""
    control = data.values[data.spare].mean(axis=0)
    rows = [held & (data.target == name) for name in data.targets]
    truth = np.array(
        [data.values[r].mean(axis=0) - control if r.sum() >= LEAST else control * np.nan for r in rows]
    )
    table = {}
    for model, estimate in found.items():
        table["mse", model] = ((estimate - truth) ** 2).mean(axis=1)
        table["pearson", model] = np.array([_pearson(e, t) for e, t in zip(estimate, truth, strict=True)])
    return table


def _pearson(estimate: np.ndarray, truth: np.ndarray) -> float:
    """NaN without a truth; 0 for an estimate of no change at all, which orders nothing."""
    if not np.isfinite(truth).all():
        return np.nan
    a, b = estimate - estimate.mean(), truth - truth.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0


def averaged(parts: list[dict[tuple[str, str], np.ndarray]]) -> dict[tuple[str, str], np.ndarray]:
    """Mean of each target over folds, where it was scored."""
    stacked = {key: np.ma.masked_invalid([part[key] for part in parts]) for key in parts[0]}
    return {key: values.mean(axis=0).filled(np.nan) for key, values in stacked.items()}


def held_out_guides(data: Cells) -> dict[tuple[str, str], np.ndarray]:
    """Each guide in turn is left out of every target, and predicted from the target's other guides."""
    parts = []
    number = np.array([int(name.rsplit("g", 1)[1]) for name in data.guide])
    for fold in range(1, 5):
        held = (number == fold) & (data.target != "NT")
        parts.append(scores(data, estimates(data, ~held), held))
    return averaged(parts)


def few_cells(data: Cells, repeats: int, seed: int) -> dict[tuple[str, str], np.ndarray]:
    """20 cells of each guide against all others."""
    parts = []
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(len(data.guide))
        rank = pd.Series(data.guide[order]).groupby(data.guide[order]).cumcount().to_numpy()
        chosen = np.zeros(len(order), dtype=bool)
        chosen[order[rank < FEW]] = True
        parts.append(scores(data, estimates(data, chosen), ~chosen))
    return averaged(parts)


def held_out_cells(data: Cells, seed: int) -> dict[tuple[str, str], np.ndarray]:
    """Log-likelihood of a fifth of each target's cells, minus that under the control, mean over its cells."""
    held = np.random.default_rng(seed).random(len(data.guide)) < 0.2
    seen, table = training(data, ~held)
    _, asked = training(data, held)
    with_, without = fitted(seen), fitted(seen, complete=True)
    effects = np.array([_raw_effect(without, table, part) for part in without.fitted.parts])
    noise = 1.0 / np.array([_information(without, table, part) for part in without.fitted.parts])
    kept = np.maximum(0.0, 1.0 - 1.0 / (effects**2 / noise).mean(axis=1, keepdims=True))
    models = [_with_effects(without, effects), _with_effects(without, kept * effects), without, with_]
    null = _with_effects(without, 0.0 * effects).cell_log_likelihood(asked)
    of = [asked.condition_of == asked.conditions.index(Condition((name,))) for name in data.targets]
    return {
        ("nats a cell", name): np.array(
            [(model.cell_log_likelihood(asked) - null)[rows].mean() for rows in of]
        )
        for name, model in zip(MODELS, models, strict=True)
    }


def _raw_effect(model: GuideCounts, table: CountTable, part: Condition) -> np.ndarray:
    """ln of what was counted over what unedited cells would show, half a molecule added to both."""
    cells, _ = cells_of(table, part, model.control_rates)
    counted = np.asarray(cells.counts.sum(axis=0)).ravel()
    return np.log((counted + 0.5) / (cells.unedited().sum(axis=0) + 0.5))


def _information(model: GuideCounts, table: CountTable, part: Condition) -> np.ndarray:
    cells, _ = cells_of(table, part, model.control_rates)
    return cells.mean_information(np.zeros(cells.counts.shape[1])) + 1e-12


def _with_effects(model: GuideCounts, effects: np.ndarray) -> GuideCounts:
    changed = GuideCounts(model.settings)
    changed.reference, changed.control_rates, changed.reported = (
        model.reference,
        model.control_rates,
        model.reported,
    )
    changed.fitted = replace(model.fitted, effects=effects)
    return changed


def compared(values: dict[tuple[str, str], np.ndarray], random: np.random.Generator) -> pd.DataFrame:
    """Means over targets, and paired differences to each simpler estimate with their intervals."""
    rows = []
    for metric, model in values:
        own = values[metric, model]
        row = {"metric": metric, "estimate": model, "mean": np.nanmean(own)}
        for name in MODELS[:3]:
            row[f"against {name}"] = "" if model == name else _interval(own - values[metric, name], random)
        rows.append(row)
    return pd.DataFrame(rows).sort_values("metric", kind="stable")


def _interval(difference: np.ndarray, random: np.random.Generator) -> str:
    known = difference[np.isfinite(difference)]
    drawn = known[random.integers(0, len(known), (4000, len(known)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{known.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def by_target(data: Cells, values: dict[tuple[str, str], np.ndarray], model: GuideCounts) -> pd.DataFrame:
    """What the fit on all cells says of each target, and where efficiency helped on held-out cells."""
    guides = model.efficiencies()
    rows = []
    for index, name in enumerate(data.targets):
        own = guides[guides["perturbation"] == name]
        effect = model.fitted.effects[index]
        strongest = np.argsort(-np.abs(effect) / np.sqrt(model.fitted.effect_variance[index]))[:4]
        moved = ", ".join(f"{data.screen.genes[g]} {effect[g]:+.1f}" for g in strongest)
        told = ", ".join(
            f"{r.guide[len(name) :]} {r.efficiency:.2f} [{r.low:.2f}, {r.high:.2f}]" for r in own.itertuples()
        )
        gain = values["nats a cell", MODELS[3]][index] - values["nats a cell", MODELS[2]][index]
        rows.append((name, int(own["cells"].sum()), model.fitted.apart[index], gain, told, moved))
    columns = ["target", "cells", "apart", "nats gained", "efficiency [95 %]", "strongest effects, ln"]
    return pd.DataFrame(rows, columns=columns).sort_values("apart", ascending=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3, help="draws of 20 cells a guide")
    given = parser.parse_args()
    path = given.data / "perturbation" / FILE
    if not path.is_file():
        parser.error(f"there is no {path}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    random, data = np.random.default_rng(given.seed), load(path, given.seed)
    print(machine())
    start = time.perf_counter()
    model = fitted(training(data, np.ones(len(data.guide), dtype=bool))[0])
    print(
        f"\nfit of {len(data.guide)} cells x {len(data.screen.genes)} genes: {time.perf_counter() - start:.1f} s"
    )
    likelihood = held_out_cells(data, given.seed)
    questions: dict[str, Callable[[], dict[tuple[str, str], np.ndarray]]] = {
        "(a) held-out guides, predicted from the target's others": lambda: held_out_guides(data),
        "(b) held-out cells, log-likelihood beyond the control": lambda: likelihood,
        "(c) 20 cells a guide against all others": lambda: few_cells(data, given.repeats, given.seed),
    }
    for title, answer in questions.items():
        print_table(title, compared(answer(), random), {"mean": ".4f"})
    table = by_target(data, likelihood, model)
    print_table(
        "Targets, by how far edited cells stand apart", table, {"apart": ".1f", "nats gained": "+.3f"}
    )
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
