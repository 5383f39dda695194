"""Folding and binding energies of two proteins from deep mutational scans, against MAVE-NN's and MoCHI's figures.

    python benchmarks/protein_assays.py [DATA] [--only gb1|psd95] [--starts N] [--folds CSV]

DATA is the folder of the development data (cisreg/...). GB1 (mavenn_gb1.csv.gz, MAVE-NN's own split): three states
from random starts; the start with the best validation likelihood is judged once on the test set. MAVE-NN published
R2 .947 +- .001 and I_pred 2.357 +- .007; its tutorial takes 1,062 s. Folding energies are compared with mutants that
were measured one by one (Nisthal 2019) and with Otwinowski's fit (2018).

PSD95-PDZ3: abundance and binding jointly, 10 folds (those that benchmarks/peers/mochi_fit.py --folds-out writes, if
given), each predicted by a model that saw neither it nor, except for stopping, the two folds after it. The
declarations are studies/gb1-folding.toml and studies/psd95-pdz3.toml. CPU-seconds leave out reading tables.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from common import ROOT, add_data, machine
from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.errors import PajamoWarning
from pajamo.evaluation.information.metrics import predictive_information, variational_information
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, objective, rows_of
from pajamo.training.assays.adam import fit_by_epochs

MECHANISM = "fold-and-bind"
STABLE = -1.0
"""First folding and binding energy of the wild type, in kT: it folds and binds."""
FIRST_SD = 0.1
"""First standard deviation of the effects of mutations, in kT."""
FIRST_EPOCHS = 2
"""Epochs after which instruments are laid anew."""
PHENOTYPES = ("abundance", "binding")


def study_of(name: str, paths: dict[str, Path], **experiment: object) -> AssayStudy:
    """A shipped study, with the tables at these paths."""
    raw = tomllib.loads((ROOT / "studies" / name).read_text())
    for key, path in paths.items():
        raw["experiments"][key] |= {"path": str(path), **experiment}
    return parse_assay_study(raw)


def started(study: AssayStudy, assay: Assay, seed: int) -> AssayModel:
    """Weak random effects about a stable wild type; instruments laid over the activities that follow."""
    model = AssayModel(MECHANISM, study.mechanisms[MECHANISM], study.experiments, seed=seed)
    assembly, generator = model.build(assay.part("training")), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, reader in assembly.readers():
            reader.weights.normal_(0.0, FIRST_SD, generator=generator)
            reader.weights[0] += STABLE - reader(torch.as_tensor(assay.wild_type)[None])[0]
        lay(model, rows_of(assay.part("training")))
    return model


def lay(model: AssayModel, parts: tuple[Rows, ...]) -> None:
    assembly = model.assembly
    for rows in parts:
        activity = assembly.recorded(assembly.activity(rows.codes, rows.name, rows.inputs), rows.name)
        assembly.measurement(rows.name).start(assembly.settle(activity, rows.name), rows.recorded)


def fitted(study: AssayStudy, assay: Assay, seed: int, **plan: float) -> tuple[AssayModel, float]:
    """A model after Adam, and minus its ln-likelihood on the validation set, nats a row.

    A short, gentle fit finds how far activities spread; the instruments are laid over them anew before the long one,
    as curves that were laid over the narrow first activities would saturate.
    """
    model = started(study, assay, seed)
    training, validation = rows_of(assay.part("training")), rows_of(assay.part("validation"))
    fit_by_epochs(
        model.assembly, training, seed=seed, epochs=FIRST_EPOCHS, batch=plan["batch"], learning_rate=0.01
    )
    with torch.no_grad():
        lay(model, training)
    report = fit_by_epochs(model.assembly, training, validation, seed=seed, progress=say, **plan)
    return model, min(report.validation)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def polished(model: AssayModel, assay: Assay, steps: int) -> None:
    """Quasi-Newton steps on all rows, where they are few enough."""
    parts, assembly = rows_of(assay.part("training")), model.assembly
    optimiser = torch.optim.LBFGS(
        assembly.parameters(),
        max_iter=steps,
        history_size=30,
        line_search_fn="strong_wolfe",
        tolerance_change=0.0,
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = objective(assembly, parts)
        value.backward()
        return value

    optimiser.step(closure)


def squared(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1] ** 2)


def agreement(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    table = pd.DataFrame({"ours": ours, "theirs": theirs}).dropna()
    rank, line = (table.corr(kind).iloc[0, 1] for kind in ("spearman", "pearson"))
    print(f"  {name}: Pearson {line:.3f}, Spearman {rank:.3f} ({len(table)} mutations)")


def gb1(folder: Path, starts: int) -> None:
    study = study_of("gb1-folding.toml", {"selection": folder / "mavenn_gb1.csv.gz"})
    assay, began = read_assay(study), time.process_time()
    tried = []
    for seed in range(starts):
        at = time.process_time()
        tried.append(fitted(study, assay, seed, epochs=30, batch=1024, learning_rate=0.02))
        print(
            f"start {seed}: {tried[-1][1]:.4f} nats a row, {time.process_time() - at:.0f} CPU-s", flush=True
        )
    model, spent = min(tried, key=lambda one: one[1])[0], time.process_time() - began
    test = assay.part("test").experiments[0]
    value, predicted = test.recorded["value"], model.predict(test)
    information = predictive_information(predicted["expected"], value)
    variational = variational_information(-model.log_likelihood(test), value)
    print(f"GB1, {test.n} test rows: R2 {squared(value, predicted['expected']):.4f} (MAVE-NN .947 +- .001)")
    for name, found, theirs in (
        ("I_pred", information, "2.357 +- .007"),
        ("I_var", variational, "2.303 +- .013"),
    ):
        print(f"  {name} {found.bits:.3f} +- {found.standard_error:.3f} bits (MAVE-NN {theirs})")
    print(f"  {spent:.0f} CPU-seconds for {starts} start(s) (MAVE-NN 1,062 s)")
    gb1_energies(folder, assay, model)


def gb1_energies(folder: Path, assay: Assay, model: AssayModel) -> None:
    alone = pd.read_csv(folder / "mavenn_nisthal.csv.gz")
    codes = assay.alphabet.encode(alone["x"].tolist(), where="nisthal")
    with torch.no_grad():
        ours = model.assembly.reader("folding")(torch.as_tensor(codes)).numpy() * model.assembly.blueprint.kT
    agreement("folding energies, against mutants measured one by one (Nisthal)", ours, alone["y"].to_numpy())
    for reader, name in (("folding", "gf"), ("binding", "gb")):
        table = pd.read_csv(folder / f"mavenn_otwinowski_{name}.csv.gz", index_col=0)
        matrix = model.assembly.reader(reader).matrix.detach().numpy() * model.assembly.blueprint.kT
        letters = np.array([assay.alphabet.letters.index(letter) for letter in table.index])
        change = matrix[:, letters] - matrix[np.arange(len(matrix)), assay.wild_type][:, None]
        mutated = letters != assay.wild_type[:, None]
        found, theirs = change[mutated], table.to_numpy().T[mutated]
        agreement(f"{reader} energies, against Otwinowski's fit", found, theirs)


def psd95_tables(folder: Path, folds: Path | None, seed: int) -> dict[str, pd.DataFrame]:
    """Variants without stop codons or indels, each with its fold; -1 for what is never held out."""
    given = None if folds is None else pd.read_csv(folds)
    tables = {}
    for name in PHENOTYPES:
        table = pd.read_csv(folder / f"psd95_pdz3_{name}.txt.gz", sep=" ")
        table = table[~table["STOP"] & ~table["STOP_readthrough"] & ~table["indel"]]
        tables[name] = table[["aa_seq", "fitness", "sigma", "STOP"]].reset_index(drop=True)
    sequences = sorted(set().union(*(table["aa_seq"] for table in tables.values())))
    drawn = dict(zip(sequences, np.random.default_rng(seed).integers(1, 11, len(sequences)), strict=True))
    for name, table in tables.items():
        if given is None:
            table["fold"] = table["aa_seq"].map(drawn)
        else:
            own = given[given["phenotype"].str.lower() == name].drop_duplicates("aa_seq")
            own = own.assign(aa_seq=own["aa_seq"].str.rstrip("*")).set_index("aa_seq")["fold"]
            table["fold"] = table["aa_seq"].str.rstrip("*").map(own).fillna(-1).astype(int)
    return tables


def psd95(folder: Path, folds: Path | None) -> None:
    tables, began = psd95_tables(folder, folds, seed=1), time.process_time()
    predicted = {name: np.full(len(table), np.nan) for name, table in tables.items()}
    with tempfile.TemporaryDirectory() as place:
        paths = {name: Path(place) / f"{name}.csv" for name in PHENOTYPES}
        for fold in range(1, 11):
            watched = [fold % 10 + 1, (fold + 1) % 10 + 1]
            for name, table in tables.items():
                sets = np.select(
                    [table["fold"] == fold, table["fold"].isin(watched)], ["test", "validation"], "training"
                )
                table.assign(set=sets).to_csv(paths[name], index=False)
            with warnings.catch_warnings():
                # MoCHI's folds are of measurements: one of a variant's two may be in training. We are told each time.
                warnings.simplefilter("ignore", PajamoWarning)
                assay = read_assay(study := study_of("psd95-pdz3.toml", paths, split="set"))
            model, loss = fitted(study, assay, fold, epochs=15, batch=256, learning_rate=0.1)
            polished(model, assay, steps=120)
            for name, table in tables.items():
                held = (table["fold"] == fold).to_numpy()
                predicted[name][held] = model.predict(assay.part("test").experiment(name))["expected"]
            print(
                f"fold {fold}: validation {loss:.4f} nats a row, {time.process_time() - began:.0f} CPU-s",
                flush=True,
            )
    for name, table in tables.items():
        held = np.isfinite(predicted[name])
        value, made = table["fitness"].to_numpy()[held], predicted[name][held]
        plain, weight = 1 - np.mean((value - made) ** 2) / value.var(), table["sigma"].to_numpy()[held] ** -2
        level = np.average(value, weights=weight)
        weighted = 1 - np.average((value - made) ** 2, weights=weight) / np.average(
            (value - level) ** 2, weights=weight
        )
        print(
            f"PSD95-PDZ3 {name}: {held.sum()} held out, R2 {plain:.4f}, weighted R2 {weighted:.4f}, "
            f"Pearson {np.corrcoef(value, made)[0, 1]:.4f}, squared {squared(value, made):.4f}"
        )
    print(f"  {time.process_time() - began:.0f} CPU-seconds for 10 fits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--only", choices=["gb1", "psd95"])
    parser.add_argument("--starts", type=int, default=1, help="random starts of the GB1 model")
    parser.add_argument("--folds", type=Path, help="CSV of folds: aa_seq, phenotype, fold")
    options = parser.parse_args()
    folder = options.data / "cisreg"
    if not folder.is_dir():
        parser.error(f"there is no {folder}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    print(machine())
    if options.only != "psd95":
        gb1(folder, options.starts)
    if options.only != "gb1":
        psd95(folder, options.folds)


if __name__ == "__main__":
    main()
