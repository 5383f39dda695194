"""The six metrics of cell-eval2's preset vcc2026 by cell-eval2 and by pajamo, on the same cells in the same run.

    python benchmarks/peers/vcc2026.py [DATA] --venvs FOLDER [--models salt-ls ...]

FOLDER is what setup.sh made. Predictions of one fold are brought to counted cells once, written, and scored by
both. Without cell-eval2 only pajamo's values are printed. Libraries are sums over the measured genes, since
cell-eval2 knows no other. It leaves out one target gene a label; here the first of a pair, on both sides. Seconds
are of all metrics of both sides, without reading files, importing and compiling.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from pajamo.config import parse_study
from pajamo.data.conditions import Condition
from pajamo.data.splits import make_split
from pajamo.evaluation.panel import measures
from pajamo.evaluation.panel.group import Group, joined
from pajamo.evaluation.panel.panel import Panel
from pajamo.evaluation.panel.sample import Halves, sample_counts
from pajamo.evaluation.panel.side import Side
from pajamo.models.registry import create
from pajamo.pipeline.ladder import FoldWork
from pajamo.pipeline.loading import load
from pajamo.training.fit import fit_model

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from common import add_data, machine, norman, print_table  # noqa: E402 - the folder above is not on the path

CONTROL = "control"
THEIRS = {
    "counts_discrimination": "pds_cosine",
    "squared error": "expr_mse_unbiased_capped",
    "squared effect": "expr_distance_unbiased",
    "direction_fidelity": "de_wilcoxon_direction_fidelity_yield_raw",
    "direction_reach": "de_wilcoxon_direction_reach_raw",
    "significance_jaccard": "de_wilcoxon_sig_jaccard",
    "fold_error": "de_wilcoxon_lfc_nmae",
}


class Made(NamedTuple):
    """Counted cells of one model's prediction, and pajamo's values of them."""

    model: str
    groups: Mapping[Condition, Group]
    values: Mapping[str, np.ndarray]
    seconds: float


def scored(panel: Panel, side: Side) -> dict[str, np.ndarray]:
    """pajamo's values by condition."""
    own, true = panel.own, panel.measured
    names = np.argsort(np.argsort(panel.genes.to_numpy(dtype=str), kind="stable"))
    return {
        "counts_discrimination": measures.discrimination(side, true, own),
        "squared error": measures.squared_error(side, true, own),
        "squared effect": panel.effect,
        "direction_fidelity": measures.direction_fidelity(side, true, own),
        "direction_reach": measures.direction_reach(side, true, own, names),
        "significance_jaccard": measures.significance_jaccard(side, true, own),
        "fold_error": measures.fold_error(side, true, own),
    }


def predictions(work: FoldWork, panel: Panel, halves: Halves, names: list[str]) -> Iterator[Made]:
    """Each model's prediction as counted cells, with pajamo's values."""
    whole = {condition: joined(halves[condition]) for condition in panel.conditions}
    for name in names:
        model = fit_model(create(name, {}, seed=0), work.training)
        made, drawn = model.predict(panel.conditions), work.drawn(model).get(name, {})
        groups = dict(zip(panel.conditions, panel.emitted(made, drawn), strict=True))
        began = time.perf_counter()
        # Both sides, since cell-eval2 computes both as well.
        true, side = (Side.of(zip(of.values(), panel.controls, strict=True)) for of in (whole, groups))
        values = scored(replace(panel, measured=true), side)
        yield Made(name, groups, values, time.perf_counter() - began)


def table(groups: Mapping[Condition, Group], control: Group, genes: pd.Index) -> anndata.AnnData:
    """Cells as cell-eval2 reads them."""
    named = {**{"+".join(condition.genes): group for condition, group in groups.items()}, CONTROL: control}
    labels = np.repeat(list(named), [len(group) for group in named.values()])
    obs = pd.DataFrame({"perturbation": labels}, index=[f"cell{i}" for i in range(len(labels))])
    counts = sp.csr_matrix(sp.vstack([group.counts for group in named.values()]), dtype=np.float32)
    return anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=genes.astype(str)))


def by_cell_eval2(python: Path, real: Path, made: Made, panel: Panel, folder: Path) -> dict:
    """Values of cell-eval2, computed in a process of its own."""
    predicted, targets, output = (folder / name for name in ("predicted.h5ad", "targets.json", "output.json"))
    table(made.groups, panel.controls[0].cells, panel.genes).write_h5ad(predicted)
    targets.write_text(
        json.dumps({"+".join(c.genes): c.genes[0] for c in panel.conditions}), encoding="utf-8"
    )
    command = [python, HERE / "cell_eval2_metrics.py", real, predicted, output, "--targets", targets]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cell-eval2 failed:\n{done.stderr[-3000:]}")
    return json.loads(output.read_text(encoding="utf-8"))


def compared(made: Made, panel: Panel, theirs: dict | None) -> Iterator[dict[str, object]]:
    """A row a metric: both means, the largest difference over perturbations, seconds of all metrics."""
    labels = ["+".join(condition.genes) for condition in panel.conditions]
    for name, ours in made.values.items():
        row: dict[str, object] = {"model": made.model, "metric": name, "pajamo": mean(ours)}
        if theirs is not None:
            other = np.array([theirs[THEIRS[name]].get(label) for label in labels], dtype=float)
            both = np.abs(ours - other)[np.isfinite(ours) | np.isfinite(other)]
            row[f"cell-eval2 {theirs['versions']['cell-eval2']}"] = mean(other)
            row["largest difference"] = float(both.max()) if len(both) else 0.0
            row["seconds cell-eval2"] = theirs["seconds"]
        yield {**row, "seconds pajamo": made.seconds}


def mean(values: np.ndarray) -> float:
    """Mean of what is there."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--venvs", type=Path, help="folder that setup.sh made")
    parser.add_argument("--python", type=Path, help="or an interpreter in which `import cell_eval2` works")
    parser.add_argument("--models", nargs="+", default=["mean-perturbation", "salt", "salt-ls"])
    options = parser.parse_args()
    path = norman(options.data, parser)
    study = {
        "name": "vcc2026", "data": {"path": path}, "split": {"kind": "doubles", "holdout": 0.25, "folds": 1}
    }  # fmt: skip
    loaded = load(parse_study(study))
    fold = make_split(loaded.study.split, loaded.bulk, 0).folds[0]
    work, halves = FoldWork(loaded, fold, 0), sample_counts(loaded.screen, fold.test, seed=0)
    panel, _ = Panel.of(halves, loaded.bulk.genes)
    first = np.array([panel.genes == condition.genes[0] for condition in panel.conditions])
    panel = replace(panel, own=first)
    python = options.python or (options.venvs and options.venvs / "cell-eval2" / "bin" / "python")
    if python is None or not python.exists():
        print("left out: cell-eval2, there is no environment for it")
        python = None
    print(machine())
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole = {condition: joined(halves[condition]) for condition in panel.conditions}
        table(whole, panel.controls[0].cells, panel.genes).write_h5ad(folder / "real.h5ad")
        for made in predictions(work, panel, halves, options.models):
            theirs = by_cell_eval2(python, folder / "real.h5ad", made, panel, folder) if python else None
            rows += compared(made, panel, theirs)
    shown = pd.DataFrame(rows)
    numbers = {name: ".6f" for name in shown if name.startswith(("pajamo", "cell-eval2"))}
    formats = numbers | {"largest difference": ".1e", "seconds pajamo": ".2f", "seconds cell-eval2": ".2f"}
    size = f"{len(panel.conditions)} held-out doubles x {len(panel.genes):,} genes"
    print_table(f"Norman 2019, {size}, the same cells for both", shown, formats)


if __name__ == "__main__":
    main()
