"""GEARS (cell-gears, MIT) on one fold; run it with the interpreter of GEARS's own environment.

    python gears_model.py TRAINING.h5ad SPLIT.json OUTPUT.h5ad --fold 0 --gene-terms TERMS.csv

TERMS.csv has columns gene and term (gene ontology), from which GEARS builds its graph of perturbations; GEARS's
own table is a download, which this script does not need. A perturbed gene without a term gets one of its own and is
then a node without neighbours. GEARS computes filters from every condition of the AnnData that it is given, so it
is given training cells only. Its learning rate halves each epoch: more than about six epochs change little.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import warnings
from argparse import Namespace
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import anndata
import gears.gears as gears_module
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from exchange import CONTROL, Clock, arguments, labels, read_training, write_means
from gears import GEARS, PertData

BATCHES_SHOWN = 4
VALIDATION = 8
"""One training double in this many chooses GEARS's best epoch."""


def condition(label: str) -> str:
    """GEARS's spelling: "ctrl", "A+ctrl", "A+B"."""
    if label == CONTROL:
        return "ctrl"
    return label if "+" in label else f"{label}+ctrl"


def write_terms(path: Path, genes: list[str]) -> None:
    """The two tables that GEARS reads. It only reads pickles; these are written and read in one folder here."""
    table = pd.read_csv(path, dtype=str)
    terms = table[table["gene"].isin(genes)].groupby("gene")["term"].agg(set).to_dict()
    known = {gene: terms.get(gene, {f"none:{gene}"}) for gene in genes}
    for name, content in (("gene2go_all.pkl", known), ("perturbed.pkl", genes)):
        with open(Path("data") / name, "wb") as file:
            pickle.dump(content, file)


def for_gears(training: anndata.AnnData) -> anndata.AnnData:
    """The training cells with the columns that GEARS looks for."""
    obs = pd.DataFrame(
        {"condition": [condition(str(p)) for p in training.obs["perturbation"]], "cell_type": "cells"},
        index=[f"cell{i}" for i in range(training.n_obs)],
    )
    names = training.var_names.astype(str)
    return anndata.AnnData(
        sp.csr_matrix(training.X, dtype=np.float32),
        obs=obs,
        var=pd.DataFrame({"gene_name": names}, index=names),
    )


def divided(seen: list[str], seed: int) -> dict[str, list[str]]:
    """Training conditions, and a few doubles that choose the epoch."""
    doubles = sorted(label for label in seen if "+" in label) or sorted(seen)
    number = max(1, len(doubles) // VALIDATION)
    chosen = set(np.random.default_rng(seed).choice(doubles, number, replace=False))
    return {
        "train": ["ctrl", *(condition(label) for label in seen if label not in chosen)],
        "val": [condition(label) for label in sorted(chosen)],
    }


class First:
    """The first batches of a loader."""

    def __init__(self, loader: object) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[object]:
        return islice(iter(self.loader), BATCHES_SHOWN)


def without_display(loader: object) -> None:
    """GEARS evaluates the whole training set after each epoch, only to print it; here a few batches."""
    whole = gears_module.evaluate

    def evaluate(given, *rest):
        return whole(First(given) if given is loader else given, *rest)

    gears_module.evaluate = evaluate


def fitted(training: anndata.AnnData, seen: list[str], options: Namespace, clock: Clock) -> GEARS:
    """Prepare GEARS's data and train it."""
    data = PertData("data", gene_set_path="data/perturbed.pkl", default_pert_graph=False)
    data.new_data_process("fold", adata=for_gears(training))
    data.set2conditions = divided(seen, options.seed)
    data.split, data.seed, data.train_gene_set_size = "no_test", options.seed, 1.0
    data.get_dataloader(batch_size=options.batch)
    without_display(data.dataloader["train_loader"])
    clock.lap("data")
    model = GEARS(data, device="cpu")
    model.model_initialize(hidden_size=options.hidden)
    model.train(epochs=options.epochs, lr=options.rate)
    clock.lap("train")
    return model


def main() -> None:
    parser = arguments("GEARS on one fold of a pajamo split.")
    parser.add_argument("--gene-terms", type=Path, required=True, help="CSV with columns gene and term")
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    np.random.seed(options.seed)  # noqa: NPY002 - GEARS draws from numpy's global state
    clock = Clock()
    seen, asked = (labels(options.split, options.fold, side) for side in ("train", "test"))
    training = read_training(options.training, asked)
    output, terms = options.output.resolve(), options.gene_terms.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # GEARS writes into ./data
        Path("data").mkdir()
        write_terms(terms, sorted({gene for label in (*seen, *asked) for gene in label.split("+")}))
        model = fitted(training, seen, options, clock)
        made = model.predict([label.split("+") for label in asked])
        os.chdir(output.parent)
    clock.lap("predict")
    means = {label: np.asarray(made[label.replace("+", "_")]) for label in asked}
    settings = {"hidden": options.hidden, "epochs": options.epochs, "cells": training.n_obs}
    write_means(output, means, training.var_names, {"seconds": clock.seconds, **settings})


if __name__ == "__main__":
    main()
