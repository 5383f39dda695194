"""MAVE-NN (MIT) on one of its own data sets; run it with the interpreter of MAVE-NN's own environment.

    python3.11 -m venv FOLDER/mavenn && FOLDER/mavenn/bin/pip install mavenn==1.1.4       # 2.5 GB, TensorFlow
    FOLDER/mavenn/bin/python benchmarks/peers/mavenn_fit.py --task mpsa-pairwise [--data DATA] [--seed 0]
    FOLDER/mavenn/bin/python benchmarks/peers/mavenn_fit.py --score CSV ...     # of other tools: columns phi and y

DATA is the folder with `cisreg/mavenn_*.csv.gz`, or one such file. Training, validation and test are the file's
column `set`; training stops early on the validation rows. It prints one line of JSON: information of the test rows
(bits), the squared correlation that MAVE-NN's tutorials call R2, epochs, and the cost of the fit and of the process.
Settings are those of MAVE-NN's tutorials and example models; its paper waited longer on MPSA (--patience 30).
MAVE-NN 1.1.4 ignores `restore_best_weights`: the weights are those of the last epoch. Its black box and custom maps
do not run on current Keras, hence additive, neighbour and pairwise maps alone. A seed does not repeat a fit of global
epistasis exactly: the same seed stopped after 37 and after 50 epochs (MPSA, pairwise), so look at several runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cost import DEFAULT_DATA, Cost, data_file, one_thread, peak_megabytes, peer

if TYPE_CHECKING:  # the libraries are imported after their threads are limited
    import pandas as pd
    from mavenn import Model

INSTALL = "python3.11 -m venv FOLDER/mavenn && FOLDER/mavenn/bin/pip install mavenn==1.1.4"
SKEWED = {"regression_type": "GE", "ge_noise_model_type": "SkewedT", "ge_heteroskedasticity_order": 2}
"""Global epistasis with skewed-t noise whose scale varies, as in tutorials 2 and 3."""
FUZZ = 0.01
"""Noise on the latent phenotype in its standard deviations: the default of `I_predictive`."""
DRAWS = 10
"""I_pred has a random part (noise on the latent phenotype against ties): one draw of it is what MAVE-NN publishes,
the mean of several (`I_pred_mean`) is what two models should be compared by."""


@dataclass(frozen=True)
class Task:
    """A data set, a map from genotype to phenotype, and the settings that MAVE-NN publishes for them."""

    data: str
    alphabet: str
    gpmap_type: str
    fit: dict[str, float | bool]
    model: dict[str, object] = field(default_factory=lambda: dict(SKEWED))


def _fit(rate: float, epochs: int, batch: int, patience: int, linear: bool) -> dict[str, float | bool]:
    return {
        "learning_rate": rate, "epochs": epochs, "batch_size": batch,
        "early_stopping_patience": patience, "linear_initialization": linear,
    }  # fmt: skip


MPSA, PAIRWISE = _fit(1e-3, 1000, 200, 10, False), _fit(1e-3, 1000, 50, 10, False)
BINS = {"regression_type": "MPA", "mpa_hidden_nodes": 100}
TASKS = {
    "mpsa-additive": Task("mpsa", "rna", "additive", MPSA),
    "mpsa-neighbor": Task("mpsa", "rna", "neighbor", MPSA),
    "mpsa-pairwise": Task("mpsa", "rna", "pairwise", PAIRWISE),
    "sortseq-additive": Task("sortseq", "dna", "additive", _fit(5e-3, 1000, 500, 10, True), BINS),
    "gb1-additive": Task("gb1", "protein", "additive", _fit(5e-4, 1000, 1000, 5, False)),
    "amyloid-additive": Task("amyloid", "protein*", "additive", _fit(1e-3, 500, 64, 25, True)),
}
"""Tutorial 3, the notebooks `train_sortseq_mpa_additive` and `train_gb1_ge_additive`, and tutorial 2."""


def prepare_tensorflow(threads: int, seed: int) -> None:
    """Threads of TensorFlow, which has pools of its own, and the seed of every generator that MAVE-NN uses."""
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    tensorflow.keras.utils.set_random_seed(seed)


def measured(table: pd.DataFrame, task: Task) -> pd.Series | pd.DataFrame:
    """The measurements in MAVE-NN's form: one value a sequence, or counts in each bin."""
    if task.model["regression_type"] == "MPA":
        return table[[name for name in table if name.startswith("ct_")]]
    return table["y"]


def fitted(mavenn: ModuleType, task: Task, known: pd.DataFrame, patience: int | None) -> Model:
    """MAVE-NN's model, fitted on the training rows and stopped on the validation rows."""
    targets, settings = measured(known, task), dict(task.model)
    if settings["regression_type"] == "MPA":
        settings["Y"] = targets.shape[1]
    length = len(known["x"].iloc[0])
    model = mavenn.Model(L=length, alphabet=task.alphabet, gpmap_type=task.gpmap_type, **settings)
    model.set_data(x=known["x"], y=targets, validation_flags=known["validation"], shuffle=True)
    fit = task.fit if patience is None else {**task.fit, "early_stopping_patience": patience}
    model.fit(early_stopping=True, verbose=False, **fit)
    return model


def scored(model: Model, task: Task, test: pd.DataFrame) -> dict[str, float | int | None]:
    """Variational and predictive information of the test rows with MAVE-NN's errors (bits), and R2."""
    import numpy as np

    data, squared = {"x": test["x"], "y": measured(test, task)}, None
    if task.model["regression_type"] == "GE":
        squared = np.corrcoef(model.x_to_yhat(data["x"]).ravel(), data["y"])[0, 1] ** 2
    draws = [model.I_predictive(**data, uncertainty=False)[0] for _ in range(DRAWS)]
    published = (*model.I_variational(**data), *model.I_predictive(**data))
    names = ("I_var", "I_var_error", "I_pred", "I_pred_error", "I_pred_mean", "I_pred_sd", "R2")
    values = (*published, np.mean(draws), np.std(draws, ddof=1), squared)
    return {name: None if v is None else round(float(v), 4) for name, v in zip(names, values, strict=True)}


def save_predictions(path: Path, model: Model, task: Task, test: pd.DataFrame) -> None:
    """Latent phenotype (and predicted measurement) of each test row, for scoring by other estimators."""
    table = test.assign(phi=model.x_to_phi(test["x"]).ravel())
    if task.model["regression_type"] == "GE":
        table["predicted"] = model.x_to_yhat(test["x"]).ravel()
    table.to_csv(path, index=False)


def scored_table(path: Path) -> dict[str, float | str | int]:
    """I_pred (bits) of a table with columns phi and y by MAVE-NN's estimator, called as its `I_predictive` does.

    The latent phenotype gets 1 % of noise: the mean and the scatter of ten draws. `I_pred_error` is MAVE-NN's own
    (the scatter over halves of the rows, divided by the root of two).
    """
    import numpy as np
    import pandas as pd
    from mavenn.src.entropy import mi_continuous

    table = pd.read_csv(path)
    phi, values = table["phi"].to_numpy(dtype=float), table["y"].to_numpy(dtype=float)

    noise = FUZZ * phi.std(ddof=1) * np.random.default_rng(0).standard_normal((DRAWS, len(phi)))
    draws = [float(mi_continuous(phi + each, values, uncertainty=False)[0]) for each in noise]
    error = float(mi_continuous(phi + noise[0], values)[1])
    figures = {"I_pred_mean": np.mean(draws), "I_pred_sd": np.std(draws, ddof=1), "I_pred_error": error}
    return {"file": path.name, "rows": len(table)} | {name: round(float(v), 4) for name, v in figures.items()}


def score_tables(paths: list[Path]) -> None:
    """Print a line of JSON for each table."""
    one_thread()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with redirect_stdout(sys.stderr):
        peer("mavenn", "mavenn", INSTALL)
        lines = [scored_table(path) for path in paths]
    for line in lines:
        print(json.dumps(line))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--task", choices=sorted(TASKS))
    asked.add_argument("--score", nargs="+", type=Path, help="tables with columns phi and y")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="development data, or one file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="threads of TensorFlow")
    parser.add_argument("--patience", type=int, help="epochs without progress; by default the tutorial's")
    parser.add_argument("--predictions", type=Path, help="CSV of the test rows to write")
    return parser.parse_args()


def main() -> None:
    options, whole = arguments(), Cost()
    if options.score:
        score_tables(options.score)
        return
    task = TASKS[options.task]
    path = data_file(options.data, f"mavenn_{task.data}.csv.gz")
    one_thread()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with redirect_stdout(sys.stderr):  # MAVE-NN prints its progress
        mavenn, version = peer("mavenn", "mavenn", INSTALL)
        prepare_tensorflow(options.threads, options.seed)
        import pandas as pd

        known, test = mavenn.split_dataset(pd.read_csv(path))
        cost = Cost()
        model = fitted(mavenn, task, known, options.patience)
        spent = cost.so_far("fit_")
        scores = scored(model, task, test)
        if options.predictions:
            save_predictions(options.predictions, model, task, test)
    line = {
        "peer": f"mavenn {version}", "task": options.task, "seed": options.seed, "test_rows": len(test), **scores,
        "epochs": len(model.history["loss"]), **spent, **whole.so_far(), "peak_megabytes": peak_megabytes(),
    }  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main()
