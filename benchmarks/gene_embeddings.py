"""What is an embedding of genes worth for genes never perturbed? Norman 2019, perturbed genes left out in parts.

    python benchmarks/gene_embeddings.py [DATA] --proteins TABLE [--sequences FASTA] [--folds 5]

TABLE holds embeddings of proteins by gene, as `pajamo embed --by gene` writes them. With FASTA (headers with
GN=SYMBOL) a description of the sequences that needs no model is compared as well: shares of the twenty residues, and
of their neighbouring pairs on principal axes, and the length. Gene ontology is taken from DATA/priors. All are
compared with one-hot vectors (nothing is known of a gene) and with how genes are expressed in the training responses.

Judged on single perturbations of genes that training never saw, alone or in a pair. Gains are over one-hot vectors
of the same model, positive where the embedding helps, with 95 % intervals over perturbations. Genes without a name in
the development file have no sequence and no annotation; the second table is of genes that every embedding covers.
"""

from __future__ import annotations

import argparse
import itertools
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import pajamo
from common import LIBRARY_SIZE, add_data, difference, machine, norman, print_table
from pajamo.data.proteins.fasta import read_records
from pajamo.data.reading.priors import read_embedding
from pajamo.evaluation.ablation import ablation
from pajamo.evaluation.comparison import summarise
from pajamo.models.registry import models
from pajamo.pipeline.run_record import Run
from pajamo.pipeline.variants import Variant

MODELS = ("peper", "dynamics", "graph-shift", "shift-vae", "sparse-shift")
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
PAIR_AXES = 16
METRICS = ("mse", "pearson_delta")


def described(fasta: Path) -> pd.DataFrame:
    """Composition, neighbouring pairs on principal axes, and length: one row a gene, columns of unit variance."""
    records = {record.gene: record.sequence for record in read_records(fasta) if record.gene}
    pairs = ["".join(pair) for pair in itertools.product(RESIDUES, repeat=2)]
    single = np.array([[s.count(r) / len(s) for r in RESIDUES] for s in records.values()])
    double = np.array([[len(re.findall(f"(?={p})", s)) / len(s) for p in pairs] for s in records.values()])
    double -= double.mean(axis=0)
    left, sizes, _ = np.linalg.svd(double, full_matrices=False)
    length = np.log([[len(s)] for s in records.values()])
    values = np.hstack([single, left[:, :PAIR_AXES] * sizes[:PAIR_AXES], length])
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-12)
    values[:, len(RESIDUES) : -1] *= sizes[:PAIR_AXES] / sizes[0]
    table = pd.DataFrame(values, columns=[f"v{i}" for i in range(values.shape[1])])
    return table.assign(gene=list(records))


def embeddings(options: argparse.Namespace, folder: Path) -> dict[str, str]:
    """Path of each table by name."""
    named = {}
    if options.proteins:
        named["protein"] = options.proteins.resolve()
    if options.sequences:
        named["composition"] = (folder / "composition.csv").resolve()
        described(options.sequences).to_csv(named["composition"], index=False)
    ontology = options.data / "priors" / "prior_gene2go_human_org.Hs.eg.db_3.16.parquet"
    if ontology.is_file():
        named["ontology"] = ontology.resolve()
    return {name: str(path) for name, path in named.items()}


def study(path: Path, named: dict[str, str], options: argparse.Namespace) -> dict[str, object]:
    """Perturbed genes left out in parts; guides activate their gene."""
    return {
        "name": "gene-embeddings",
        "data": {"path": str(path), "library_size": LIBRARY_SIZE},
        "split": {"kind": "unseen-perturbation", "folds": options.folds},
        "models": {"ladder": list(options.models)},
        "protocol": {
            "steps": [
                {"do": "perturb", "kind": "crispra", "onset": 0},
                {"do": "culture", "medium": "RPMI"},
                {"do": "measure"},
            ]
        },
        "priors": {"embeddings": named},
        "evaluation": {"distributions": False, "field_metrics": False},
    }


def show(run: Run, named: dict[str, str]) -> None:
    """Ablation on singles, then on those that every table covers, and the verdict on each."""
    print_table("Genes with a vector", run.table("embeddings"))
    scores = run.scores
    singles = scores[~scores["condition"].str.contains("+", regex=False)]
    covered = set.intersection(*(set(read_embedding(Path(table), 32)) for table in named.values()))
    for title, part in {
        "single perturbations of genes never perturbed": singles,
        "of these, genes that every table covers": singles[singles["condition"].isin(covered)],
    }.items():
        for metric in METRICS:
            _table(f"{part['condition'].nunique()} {title}: {metric}", part[part["metric"] == metric])


def _table(title: str, scores: pd.DataFrame) -> None:
    variants = {name: Variant.named(name) for name in scores["model"].unique()}
    pairs = {name: (made.model, made.embedding) for name, made in variants.items() if made.embedding}
    found = ablation(scores, pairs, "one-hot")
    cells = [_cell(row) for row in found.itertuples()]
    wide = found.assign(cell=cells).pivot(index="model", columns="embedding", values="cell")
    print_table(title, wide[list(dict.fromkeys(found["embedding"]))].reset_index())
    known = models()
    baselines = [n for n, made in variants.items() if made.model in known and made.kind.card.baseline]
    ranked = summarise(scores, baselines).table.sort_values("rank", kind="stable")
    best = ranked[~ranked["model"].isin(baselines) & ranked["rank"].notna()].iloc[0]
    print(f"\nbest model {best['model']} {best['mean']:.4g}, best baseline {best['best_baseline']}")
    print(f"better by {difference(best)}: {best['outcome']}\n")
    print(ranked[["model", "mean"]].head(8).to_string(index=False))


def _cell(row) -> str:
    if row.outcome == "reference":
        return f"{row.mean:.4g}"
    return f"{row.mean:.4g} ({row.gain:+.2g} [{row.gain_low:+.2g}, {row.gain_high:+.2g}])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--proteins", type=Path, help="embeddings of proteins by gene")
    parser.add_argument("--sequences", type=Path, help="FASTA of the genes' proteins, with GN=SYMBOL")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--runs", type=Path, help="keep the run folder there; a complete run is not repeated")
    options = parser.parse_args()
    path = norman(options.data, parser)
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        named = embeddings(options, folder)
        if not named:
            parser.error("give --proteins or --sequences, or a folder of data with priors/")
        began = time.perf_counter()
        run = pajamo.run(study(path, named, options), runs=folder, progress=print)
        show(run, named)
        print(f"\n{time.perf_counter() - began:.0f} s wall")


if __name__ == "__main__":
    main()
