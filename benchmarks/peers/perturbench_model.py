"""PerturBench's LinearAdditive or LatentAdditive on one fold; run it where `import perturbench` works.

    python perturbench_model.py TRAINING.h5ad SPLIT.json OUTPUT.h5ad --fold 0 [--model linear|latent]

Only the package's data sets, transforms and models are used, with its published hyper-parameters for Norman 2019
except where `--help` says so. Trained with Lightning; a tenth of the cells of each training condition stops it early.
The prediction is the mean over the control cells that the predictor may see.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from argparse import Namespace
from types import SimpleNamespace

import anndata
import lightning
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from exchange import CONTROL, Clock, arguments, labels, read_training, write_means
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from perturbench.data.collate import noop_collate
from perturbench.data.datasets import Counterfactual, SingleCellPerturbationWithControls
from perturbench.data.transforms.pipelines import SingleCellPipeline
from perturbench.data.utils import batch_dataloader
from perturbench.modelcore.models import LatentAdditive, LinearAdditive

KEYS = {
    "perturbation_key": "condition",
    "perturbation_combination_delimiter": "+",
    "covariate_keys": ["cell_type"],
    "perturbation_control_value": CONTROL,
}
RATES = {"linear": 0.0047168, "latent": 1e-3}
DECAYS = {"linear": 1.7588e-8, "latent": 1.0407e-8}
EPOCHS = {"linear": 500, "latent": 60}
VALIDATION = 0.1


def cells(training: anndata.AnnData, rows: np.ndarray) -> anndata.AnnData:
    """Some of the training cells with the columns that PerturBench looks for."""
    obs = pd.DataFrame(
        {
            "condition": pd.Categorical(training.obs["perturbation"].astype(str).to_numpy()[rows]),
            "cell_type": pd.Categorical(["cells"] * len(rows)),
        },
        index=[f"cell{i}" for i in rows],
    )
    names = pd.DataFrame(index=training.var_names.astype(str))
    return anndata.AnnData(sp.csr_matrix(training.X, dtype=np.float32)[rows], obs=obs, var=names)


def divided(training: anndata.AnnData, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, and rows of each condition that say when to stop; controls are on both sides."""
    label = training.obs["perturbation"].astype(str).to_numpy()
    draws = np.random.default_rng(seed)
    held = []
    for name in sorted(set(label) - {CONTROL}):
        own = np.flatnonzero(label == name)
        held.append(draws.choice(own, int(len(own) * VALIDATION), replace=False))
    stopping = np.concatenate(held)
    rest = np.setdiff1d(np.arange(len(label)), stopping)
    return rest, np.concatenate([stopping, np.flatnonzero(label == CONTROL)])


def model_of(options: Namespace, data: SimpleNamespace):
    """The peer's model with its published settings, or the smaller ones named in `--help`."""
    shared = {
        "lr": options.rate or RATES[options.model],
        "wd": DECAYS[options.model],
        "softplus_output": True,
        "n_genes": None,
        "n_perts": None,
        "datamodule": data,
    }
    if options.model == "linear":
        return LinearAdditive(inject_covariates=False, **shared)
    return LatentAdditive(
        dropout=0.1, n_layers=1, encoder_width=options.width, latent_dim=options.latent, **shared
    )


def prepared(training: anndata.AnnData, seed: int):
    """Both loaders' data sets, the transform, and what the model reads from a data module."""
    train, stop = (
        SingleCellPerturbationWithControls.from_anndata(cells(training, rows), **KEYS)
        for rows in divided(training, seed)
    )
    context = train[1]
    transform = SingleCellPipeline(context["perturbation_uniques"], context["covariate_uniques"])
    train[0].transform = stop[0].transform = transform
    data = SimpleNamespace(
        train_dataset=train[0],
        train_context=context,
        evaluation=None,
        num_genes=training.n_vars,
        num_perturbations=len(context["perturbation_uniques"]),
        embedding_width=None,
    )
    return data, stop[0], transform


def fit(model, data: SimpleNamespace, stopping, options: Namespace) -> int:
    """Train until the validation loss stops falling; the best epoch's weights stay. Returns the epochs."""
    loading = {"batch_size": options.batch, "num_workers": 0, "collate_fn": noop_collate()}
    with tempfile.TemporaryDirectory() as folder:
        best = ModelCheckpoint(folder, monitor="val_loss", mode="min", save_top_k=1, save_weights_only=True)
        trainer = lightning.Trainer(
            accelerator="cpu",
            devices=1,
            min_epochs=5,
            max_epochs=options.epochs or EPOCHS[options.model],
            callbacks=[best, EarlyStopping("val_loss", patience=50)],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(
            model,
            batch_dataloader(data.train_dataset, shuffle=True, **loading),
            batch_dataloader(stopping, shuffle=False, **loading),
        )
        # The file was written a moment ago by this process, into a folder of its own.
        saved = torch.load(best.best_model_path, weights_only=False)
        model.load_state_dict(saved["state_dict"])
        return int(trainer.current_epoch)


def predicted(model, training: anndata.AnnData, asked: list[str], transform) -> dict[str, np.ndarray]:
    """Mean over the control cells of what they would become."""
    label = training.obs["perturbation"].astype(str).to_numpy()
    wanted = pd.DataFrame({"condition": asked, "cell_type": "cells"})
    would_be, _ = Counterfactual.from_anndata(
        cells(training, np.flatnonzero(label == CONTROL)), wanted, **KEYS
    )
    would_be.transform = transform
    means = {}
    with torch.no_grad():
        for number in range(len(asked)):
            batch, about = would_be[number]
            means[str(about["condition"].iloc[0])] = model.predict(batch).numpy().mean(axis=0)
    return means


def main() -> None:
    parser = arguments("PerturBench's additive models on one fold of a pajamo split.")
    parser.add_argument("--model", choices=("linear", "latent"), default="linear")
    parser.add_argument(
        "--epochs", type=int, help="at most; 500 as published for linear, 60 for latent (not tuned)"
    )
    parser.add_argument("--batch", type=int, default=500, help="4000 as published, for a larger screen")
    parser.add_argument(
        "--rate", type=float, help="as published for linear; 1e-3 for latent (6.8e-5 published)"
    )
    parser.add_argument(
        "--width", type=int, default=256, help="latent: width of the encoder, 5376 as published"
    )
    parser.add_argument("--latent", type=int, default=64, help="latent: dimensions")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(options.threads)
    lightning.seed_everything(options.seed, workers=False, verbose=False)
    clock = Clock()
    asked = labels(options.split, options.fold, "test")
    training = read_training(options.training, asked)
    data, stopping, transform = prepared(training, options.seed)
    model = model_of(options, data)
    clock.lap("data")
    epochs = fit(model, data, stopping, options)
    clock.lap("train")
    means = predicted(model.eval(), training, asked, transform)
    clock.lap("predict")
    facts = {"seconds": clock.seconds, "epochs": epochs, "model": options.model, "cells": training.n_obs}
    write_means(options.output, {label: means[label] for label in asked}, training.var_names, facts)


if __name__ == "__main__":
    main()
