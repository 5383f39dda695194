"""cell-eval2's own values of the preset vcc2026; run it with the interpreter of cell-eval2's environment.

    python cell_eval2_metrics.py REAL.h5ad PREDICTED.h5ad OUTPUT.json [--targets TARGETS.json] [--own-controls]

Both files hold counts with obs.perturbation and cells called "control". Predictions are tested against the real
controls, or with --own-controls against their own. TARGETS names the perturbed gene of a label that is no gene.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import anndata
from cell_eval2 import EvalConfig, aggregate_metrics, compute_metrics
from exchange import CONTROL

METRICS = (
    "pds_cosine", "expr_mse_unbiased_capped", "expr_distance_unbiased", "de_wilcoxon_direction_fidelity_yield_raw",
    "de_wilcoxon_direction_reach_raw", "de_wilcoxon_sig_jaccard", "de_wilcoxon_lfc_nmae",
)  # fmt: skip
OVER_ALL = "expr_mse_unbiased_capped_norm"
"""The one metric of the six that has a value for the whole panel only."""


def values(
    real: anndata.AnnData,
    predicted: anndata.AnnData,
    targets: Mapping[str, str] | None = None,
    own_controls: bool = False,
) -> dict[str, object]:
    """Each metric by perturbation, None where it has no value, and seconds."""
    preset = EvalConfig.from_preset("vcc2026")
    config = replace(
        preset,
        pert_col="perturbation",
        control=CONTROL,
        num_threads=1,
        device="cpu",
        de=replace(preset.de, backend="pdex"),
        target_gene_map=dict(targets) if targets else None,
        control_source="pred" if own_controls else "real",
        allow_fractional_counts=True,
    )
    began = time.perf_counter()
    table = compute_metrics(predicted, real, config=config)
    means = {row["metric"]: row["mean"] for row in aggregate_metrics(table).to_dicts()}
    found: dict[str, object] = {name: {} for name in METRICS}
    for perturbation, name, value in table.iter_rows():
        if name in found:
            found[name][perturbation] = None if value != value else value
    return {**found, OVER_ALL: means.get(OVER_ALL), "seconds": round(time.perf_counter() - began, 2)}


def versions() -> dict[str, str]:
    """Of cell-eval2 and of what its test and tables come from."""
    return {name: version(name) for name in ("cell-eval2", "pdex", "numpy", "scipy", "anndata")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("real", "predicted", "output"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--targets", type=Path)
    parser.add_argument("--own-controls", action="store_true")
    options = parser.parse_args()
    targets = json.loads(options.targets.read_text(encoding="utf-8")) if options.targets else None
    real, predicted = (anndata.read_h5ad(path) for path in (options.real, options.predicted))
    # The first call compiles; its time says nothing of the second.
    for _ in range(2):
        found = values(real.copy(), predicted.copy(), targets, options.own_controls)
    options.output.write_text(json.dumps({"versions": versions(), **found}), encoding="utf-8")


if __name__ == "__main__":
    main()
