"""pajamo's ladder and published peers on the same folds, scored by the same metrics in the same run.

    python benchmarks/peers/compare.py [DATA] --venvs FOLDER [--perturbench PYTHON] [--folds 2]

FOLDER is what setup.sh made; PYTHON is an interpreter in which `import perturbench` works. A peer whose environment
is not there is left out, and said so. Each peer runs in a process of its own on a file that holds only the training
conditions and the predictor's half of the controls. `better than` is the paired difference on the judged metric, with
a 95 % interval over perturbations. With cell-eval there, its values are compared with pajamo's on the same
predictions. Seconds of a peer are of its whole process, imports included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from pajamo.config import parse_study
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import random_halves
from pajamo.data.splits import make_split
from pajamo.evaluation.comparison import summarise
from pajamo.evaluation.scoring import score
from pajamo.models.registry import models
from pajamo.pipeline.judging import external_prediction
from pajamo.pipeline.ladder import FoldWork, ladder_names
from pajamo.pipeline.loading import Loaded, load

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from common import (  # noqa: E402 - the folder above is not on the path of a script in this one
    FORMATS,
    LIBRARY_SIZE,
    add_data,
    difference,
    ladder_table,
    machine,
    norman,
    print_table,
)

CONTROL = "control"
COPIES = 2
"""Times that a predicted mean is written as a cell for cell-eval, which wants cells."""
SAME = {"mse": "mse", "mse_delta": "mse_delta", "pearson_delta": "pearson_delta"}
"""Metrics of cell-eval that pajamo computes under the same definition."""


@dataclass(frozen=True)
class Peer:
    """A published model: which environment, which script, which settings."""

    environment: str
    script: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """Scores of one model on one fold, its prediction and its time."""

    model: str
    fold: FoldWork
    prediction: Prediction
    scores: pd.DataFrame
    seconds: float


def peers(options: argparse.Namespace, terms: Path | None) -> dict[str, Peer]:
    """Every peer, with the settings that were asked for."""
    gears = ("--hidden", str(options.gears_hidden), "--epochs", str(options.gears_epochs))
    known = {
        "perturbench-linear": Peer("perturbench", "perturbench_model.py", ("--model", "linear")),
        "perturbench-latent": Peer("perturbench", "perturbench_model.py", ("--model", "latent")),
    }
    if terms is not None:
        known["gears"] = Peer("gears", "gears_model.py", (*gears, "--gene-terms", str(terms)))
    return {name: peer for name, peer in known.items() if not options.peers or name in options.peers}


def interpreters(options: argparse.Namespace) -> dict[str, Path]:
    """The environments that are there."""
    made = (
        {name: options.venvs / name / "bin" / "python" for name in ("gears", "cell-eval")}
        if options.venvs
        else {}
    )
    given = made | ({"perturbench": options.perturbench} if options.perturbench else {})
    return {name: path for name, path in given.items() if path.exists()}


def gene_terms(options: argparse.Namespace, loaded: Loaded, folder: Path) -> Path | None:
    """The table of genes and terms as CSV with the perturbed genes only; None if none is given."""
    source = options.gene_terms
    if source is None and options.data.is_dir():
        source = next(iter(sorted((options.data / "priors").glob("prior_gene2go_human*.parquet"))), None)
    if source is None:
        return None
    table = pd.read_parquet(source) if source.suffix == ".parquet" else pd.read_csv(source, dtype=str)
    gene, term = (next(c for c in table if word in c.lower()) for word in ("symbol", "go"))
    perturbed = {name for condition in loaded.perturbed for name in condition.genes}
    kept = table[table[gene].isin(perturbed)][[gene, term]].set_axis(["gene", "term"], axis=1)
    kept.to_csv(folder / "terms.csv", index=False)
    return folder / "terms.csv"


def cells(loaded: Loaded, conditions: set[str], half: int) -> anndata.AnnData:
    """Cells of some conditions and one half of the controls, or all of them where controls are shared."""
    screen = loaded.screen
    halves = random_halves(screen.condition_of, len(screen.conditions), loaded.study.seed)
    names = np.array(["+".join(c.genes) or CONTROL for c in screen.conditions])[screen.condition_of]
    own = (names == CONTROL) & (loaded.shared_control | (halves == half))
    rows = np.flatnonzero(own | np.isin(names, sorted(conditions)))
    obs = pd.DataFrame({"perturbation": names[rows]}, index=[f"cell{row}" for row in rows])
    values = screen.log_normalised_rows(rows).astype(np.float32)
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=screen.genes.astype(str)))


def own_models(work: FoldWork, names: tuple[str, ...], folder: Path) -> Iterator[Result]:
    """pajamo's models on one fold."""
    for name in names:
        rung = work.climb(name, folder / name)
        if rung.prediction is not None:
            yield Result(name, work, rung.prediction, rung.scores, rung.seconds)


def peer_model(name: str, peer: Peer, python: Path, work: FoldWork, split: Path, folder: Path) -> Result:
    """One peer on one fold, in a process of its own."""
    training, output = folder / f"training{work.number}.h5ad", folder / f"{name}{work.number}.h5ad"
    if not training.exists():
        cells(work.loaded, {str(c) for c in work.fold.train}, half=0).write_h5ad(training)
    command = [python, HERE / peer.script, training, split, output, "--fold", work.number, *peer.settings]
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    adata = anndata.read_h5ad(output)
    print(f"{work.fold.name}: {name} {seconds:.0f} s {adata.uns['facts']}", flush=True)
    prediction = replace(external_prediction(adata, work.loaded), model=name)
    return Result(name, work, prediction, score(prediction, work.truth, duplicate=False), seconds)


def against_cell_eval(python: Path, result: Result, folder: Path) -> pd.DataFrame:
    """Largest differences between cell-eval's values and pajamo's on one prediction.

    cell-eval refuses levels below zero, so both score the prediction raised to zero where it is below.
    """
    work, made = result.fold, result.prediction
    clipped = replace(made, delta=np.maximum(made.level, 0.0) - made.control)
    table = score(clipped, work.truth, duplicate=False, names=[*SAME.values(), "discrimination"])
    own = table.pivot(index="genes", columns="metric", values="value")
    real, written, found = (folder / name for name in ("real.h5ad", "predicted.h5ad", "cell_eval.csv"))
    cells(work.loaded, {str(c) for c in work.fold.test}, half=1).write_h5ad(real)
    as_cells(clipped).write_h5ad(written)
    command = [str(python), str(HERE / "cell_eval_metrics.py"), str(real), str(written), str(found)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cell-eval failed:\n{done.stderr[-3000:]}")
    return compared(pd.read_csv(found, index_col="perturbation"), own, result.model, done.stdout.split()[-1])


def as_cells(prediction: Prediction) -> anndata.AnnData:
    """Predicted means and the predictor's control mean as cells."""
    names = [*("+".join(c.genes) for c in prediction.conditions), CONTROL]
    values = np.repeat(np.vstack([prediction.level, prediction.control[:1]]), COPIES, axis=0)
    obs = pd.DataFrame(
        {"perturbation": np.repeat(names, COPIES)}, index=[f"mean{i}" for i in range(len(values))]
    )
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=prediction.genes.astype(str)))


def compared(theirs: pd.DataFrame, own: pd.DataFrame, model: str, version: str) -> pd.DataFrame:
    """One row a metric: both means and the largest difference over perturbations."""
    theirs = theirs.loc[own.index]
    n = len(own)
    # cell-eval divides the rank by n, pajamo (as cell-eval2) by n - 1.
    rank = (1 - theirs["discrimination_score_cosine"]) * n
    pairs = {name: (theirs[name], own[mine]) for name, mine in SAME.items()}
    pairs["discrimination (cosine)"] = (1 - rank / (n - 1), own["discrimination"])
    return pd.DataFrame(
        [
            {
                "metric": name,
                "model": model,
                f"cell-eval {version}": float(a.mean()),
                "pajamo": float(b.mean()),
                "largest difference": float((a - b).abs().max()),
            }
            for name, (a, b) in pairs.items()
        ]
    )


def results(options: argparse.Namespace, loaded: Loaded, folder: Path) -> tuple[list[Result], pd.DataFrame]:
    """Everything on every fold, and the scores of the technical duplicate."""
    split = make_split(loaded.study.split, loaded.bulk, loaded.study.seed)
    split.save(folder / "split.json")
    found = interpreters(options)
    chosen = peers(options, gene_terms(options, loaded, folder))
    for name, peer in chosen.items():
        if peer.environment not in found:
            print(f"left out: {name}, there is no environment for {peer.environment}")
    every, ceilings = [], []
    for number, fold in enumerate(split.folds):
        work = FoldWork(loaded, fold, number)
        every += own_models(work, ladder_names(loaded.study), folder)
        every += [
            peer_model(name, peer, found[peer.environment], work, folder / "split.json", folder)
            for name, peer in chosen.items()
            if peer.environment in found
        ]
        ceilings.append(work.ceiling().assign(fold=fold.name))
    return every, pd.concat(ceilings)


def show(options: argparse.Namespace, every: list[Result], ceilings: pd.DataFrame, title: str) -> None:
    """The table: metrics, difference to the best baseline, difference to one model, seconds."""
    parts = [result.scores.assign(fold=result.fold.fold.name) for result in every]
    scores = pd.concat([*parts, ceilings], ignore_index=True).assign(split="doubles")
    baselines = [name for name, kind in models().items() if kind.card.baseline]
    seconds = pd.Series([r.seconds for r in every], index=[r.model for r in every]).groupby(level=0).sum()
    table = ladder_table(summarise(scores, baselines).table, seconds, options.metric)
    if options.against in set(scores["model"]):
        other = summarise(scores, [options.against]).table
        judged = other[other["metric"] == options.metric].set_index("model")
        shown = [difference(judged.loc[model]) for model in table["model"]]
        table.insert(len(table.columns) - 1, f"better than {options.against} by", shown)
    print_table(title, table, FORMATS)


def check_metrics(options: argparse.Namespace, every: list[Result], folder: Path) -> None:
    """The table of agreement with cell-eval on the first fold."""
    python = interpreters(options).get("cell-eval")
    if python is None:
        print("\nleft out: the comparison with cell-eval, there is no environment for it")
        return
    first = [r for r in every if r.fold.number == 0 and r.model in options.checked]
    tables = [against_cell_eval(python, result, folder) for result in first]
    numbers = {name: ".6f" for name in tables[0] if name.startswith(("cell-eval", "pajamo"))}
    title = (
        "The same metrics by cell-eval and by pajamo, predictions of the first fold (levels raised to zero)"
    )
    print_table(title, pd.concat(tables), numbers | {"largest difference": ".1e"})


def study(options: argparse.Namespace, path: Path):
    """The study of benchmarks/ladder.py with fewer folds; cells are not compared, since peers predict means."""
    table = {
        "name": "peers",
        "data": {"path": path, "library_size": LIBRARY_SIZE},
        "split": {"kind": "doubles", "holdout": 0.25, "folds": options.folds},
        "models": {"ladder": options.models},
        "evaluation": {"control": options.control, "metric": options.metric},
    }
    return parse_study(table)


def arguments() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--venvs", type=Path, help="folder that setup.sh made")
    parser.add_argument("--perturbench", type=Path, help="interpreter in which `import perturbench` works")
    parser.add_argument("--gene-terms", type=Path, help="table of gene symbols and GO terms, for GEARS")
    parser.add_argument("--peers", nargs="+", help="only these peers")
    parser.add_argument(
        "--models", nargs="+", default=["peper", "mixed-effects"], help="besides the baselines"
    )
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--control", choices=("split", "shared"), default="split")
    parser.add_argument("--metric", default="mse", help="the metric that is judged")
    parser.add_argument("--against", default="peper", help="the model of the second difference")
    parser.add_argument("--checked", nargs="+", default=["salt-ls", "peper", "perturbench-linear", "gears"])
    parser.add_argument("--gears-hidden", type=int, default=32)
    parser.add_argument("--gears-epochs", type=int, default=6)
    return parser


def main() -> None:
    parser = arguments()
    options = parser.parse_args()
    path = norman(options.data, parser)
    print(machine())
    loaded = load(study(options, path))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        every, ceilings = results(options, loaded, folder)
        title = f"Norman 2019, doubles, 25 % out, {options.folds} folds, {options.control} controls"
        show(options, every, ceilings, title)
        check_metrics(options, every, folder)


if __name__ == "__main__":
    main()
