"""cell-eval's own values for given predictions; run it with the interpreter of cell-eval's environment.

    python cell_eval_metrics.py REAL.h5ad PREDICTED.h5ad OUTPUT.csv

Both files hold cells in ln(1 + CP10K) with obs.perturbation, each with its own controls. Differential
expression is not computed: predicted means are no cells.
"""

from __future__ import annotations

import argparse
import tempfile
from importlib.metadata import version
from pathlib import Path

import anndata
from cell_eval import MetricsEvaluator
from exchange import CONTROL

METRICS = ("mse", "mse_delta", "pearson_delta", "discrimination_score_cosine")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("real", "predicted", "output"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        evaluator = MetricsEvaluator(
            anndata.read_h5ad(options.predicted),
            anndata.read_h5ad(options.real),
            control_pert=CONTROL,
            pert_col="perturbation",
            outdir=folder,
            num_threads=1,
            skip_de=True,
        )
        table, _ = evaluator.compute(profile="anndata", write_csv=False, break_on_error=False)
    rows = table.to_pandas()
    rows[["perturbation", *(name for name in METRICS if name in rows)]].to_csv(options.output, index=False)
    print(f"cell-eval {version('cell-eval')}")


if __name__ == "__main__":
    main()
