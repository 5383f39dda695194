"""MoCHI (MIT) on its own demonstration data, PSD95-PDZ3; run it with the interpreter of MoCHI's own environment.

    git clone https://github.com/lehner-lab/MoCHI FOLDER/source        # not on PyPI; bioconda has `pymochi` as well
    python3.11 -m venv FOLDER/mochi && FOLDER/mochi/bin/pip install torch==2.13.0 FOLDER/source   # 1.4 GB
    FOLDER/mochi/bin/python benchmarks/peers/mochi_fit.py [--data DATA] [--folds-out CSV] [--predictions CSV]

DATA is the folder with `cisreg/psd95_pdz3_{abundance,binding}.txt.gz`. The model is MoCHI's own: abundance is the
fraction folded (two states), binding the fraction folded and bound (three states), folding energies are shared and
all energies are additive; settings are the defaults of its command line. Each of 10 folds is predicted by a model
that saw neither it (test) nor, except for stopping, the two folds after it (validation). MoCHI draws folds over
measurements: a variant's abundance may be held out while its binding is in training. --folds-out writes them
(aa_seq, phenotype, fold), so that other models can be judged on exactly the same folds.

It prints a line of JSON for each phenotype, over all held-out measurements together: R2 = 1 - residual/total sum of
squares (plain, and weighted by 1/sigma^2), Pearson's correlation and its square (MoCHI's own R2), the mean of
((y - prediction)/sigma)^2, and the cost of the whole cross-validation. MoCHI fits weighted absolute errors to targets
with noise added, so a squared correlation well above R2 comes from its loss. The grid search looks at the
validation rows of fold 1 alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from cost import DEFAULT_DATA, Cost, data_file, one_thread, peak_megabytes, peer

if TYPE_CHECKING:  # the libraries are imported after their threads are limited
    import pandas as pd
    from pymochi.data import MochiData

INSTALL = (
    "git clone https://github.com/lehner-lab/MoCHI FOLDER/source\n"
    "    python3.11 -m venv FOLDER/mochi && FOLDER/mochi/bin/pip install torch==2.13.0 FOLDER/source"
)
FILES = {"Abundance": "psd95_pdz3_abundance.txt.gz", "Binding": "psd95_pdz3_binding.txt.gz"}
SETTINGS = {
    "batch_size": "512,1024,2048", "learn_rate": 0.05, "num_epochs": 1000, "num_epochs_grid": 100,
    "l1_regularization_factor": 0, "l2_regularization_factor": 1e-6,
}  # fmt: skip
"""Defaults of `run_mochi.py`; the smallest validation loss among the batch sizes wins."""
COLUMNS = ["aa_seq", "Nham_aa", "phenotype", "fold", "fitness", "sigma", "predicted"]


def design(folder: Path) -> pd.DataFrame:
    """MoCHI's model design: which phenotype is which transformation of which energies."""
    import pandas as pd

    return pd.DataFrame({
        "phenotype": list(FILES),
        "transformation": ["TwoStateFractionFolded", "ThreeStateFractionBound"],
        "trait": [["Folding"], ["Folding", "Binding"]],
        "file": [str(data_file(folder, name)) for name in FILES.values()],
    })  # fmt: skip


def cross_validated(data: MochiData, seed: int) -> tuple[pd.DataFrame, list[int], int]:
    """Grid search on fold 1, then one model a fold: every model's predictions, its epochs, and the chosen batch."""
    from pymochi.models import MochiTask

    with tempfile.TemporaryDirectory() as folder:
        task = MochiTask(directory=str(Path(folder) / "task"), data=data, **SETTINGS)
        task.grid_search(seed=seed)
        for fold in range(1, data.k_folds + 1):
            task.fit_best(fold=fold, seed=seed)
        predictions = task.predict_all(save=False)
    fits = [model for model in task.models if not model.metadata.grid_search]
    return (
        predictions,
        [len(model.training_history["val_loss"]) for model in fits],
        fits[0].metadata.batch_size,
    )


def held_out(predictions: pd.DataFrame) -> pd.DataFrame:
    """Every measurement that was ever held out, with the prediction of the model that did not see it."""
    rows = predictions[predictions["Fold"].notna()].copy()
    rows["fold"] = rows["Fold"].astype(int)
    rows["phenotype"] = [list(FILES)[int(number) - 1] for number in rows["phenotype"]]
    rows["predicted"] = [row[f"fold_{row['fold']}"] for _, row in rows.iterrows()]
    return rows[COLUMNS]


def figures(rows: pd.DataFrame) -> dict[str, float | int]:
    """Agreement of held-out measurements and predictions, and the share of the variance that is not noise."""
    import numpy as np

    measured, made, sigma = (rows[name].to_numpy(float) for name in ("fitness", "predicted", "sigma"))
    residual, pearson, weight = measured - made, float(np.corrcoef(measured, made)[0, 1]), sigma**-2
    centred = measured - np.average(measured, weights=weight)
    by_fold = [np.corrcoef(one["fitness"], one["predicted"])[0, 1] ** 2 for _, one in rows.groupby("fold")]
    values = {
        "R2": 1 - np.mean(residual**2) / measured.var(),
        "R2_weighted": 1 - np.average(residual**2, weights=weight) / np.average(centred**2, weights=weight),
        "pearson": pearson,
        "pearson_squared": pearson**2,
        "pearson_squared_mean_of_folds": np.mean(by_fold),
        "weighted_squared_error": np.mean((residual / sigma) ** 2),
        "weighted_absolute_error": np.mean(np.abs(residual) / sigma),
        "explainable_share": 1 - np.mean(sigma**2) / measured.var(),
    }
    return {"held_out": len(rows), **{name: round(float(value), 4) for name, value in values.items()}}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the development data")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of folds and fits; MoCHI's default is 1")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folds-out", type=Path, help="CSV to write: aa_seq, phenotype, fold")
    parser.add_argument("--predictions", type=Path, help="CSV of the held-out predictions to write")
    parser.add_argument(
        "--only-folds", action="store_true", help="write the folds (--folds-out) and stop before any fit"
    )
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"--data {options.data} is no folder, and there are two files to read")
    if options.only_folds and not options.folds_out:
        parser.error("--only-folds needs --folds-out, the file to write")
    return options


def divided(options: argparse.Namespace) -> MochiData:
    """MoCHI's data with its folds, which are written where asked for."""
    from pymochi.data import MochiData

    data = MochiData(model_design=design(options.data), k_folds=options.folds, seed=options.seed)
    if options.folds_out:
        rows = data.fdata.vtable[["aa_seq", "phenotype"]].assign(fold=data.cvgroups["fold"].to_numpy())
        rows = rows[rows["fold"].notna()]
        rows["phenotype"] = [list(FILES)[int(number) - 1] for number in rows["phenotype"]]
        rows.to_csv(options.folds_out, index=False)
    return data


def main() -> None:
    options, cost = arguments(), Cost()
    one_thread()
    os.environ["MOCHI_DEVICE"] = "cpu"
    with redirect_stdout(sys.stderr):
        _, version = peer("pymochi", "pymochi", INSTALL)
        import torch

        torch.set_num_threads(options.threads)
        data = divided(options)
        if options.only_folds:
            return
        predictions, epochs, batch = cross_validated(data, options.seed)
        rows = held_out(predictions)
    if options.predictions:
        rows.to_csv(options.predictions, index=False)
    spent = {**cost.so_far(), "peak_megabytes": peak_megabytes()}
    for phenotype, one in rows.groupby("phenotype"):
        line = {
            "peer": f"pymochi {version}", "task": "psd95-pdz3", "phenotype": phenotype, "folds": options.folds,
            "seed": options.seed, **figures(one), "batch": batch, "epochs": sum(epochs), **spent,
        }  # fmt: skip
        print(json.dumps(line))


if __name__ == "__main__":
    main()
