"""From a screen of pairs to what the pairs do beyond the sum of their genes, in under a minute.

    python examples/tutorial.py [--keep FOLDER] [--small]

All cells are SIMULATED by pajamo's generator, so that every answer can be held against what was planted: a pair
is additive, synergistic (1.6 times the sum of its singles), suppressive (a quarter), or epistatic (one gene
masks the other). With a screen of your own, begin at step 2.
"""

from __future__ import annotations

import argparse
import tempfile
import tomllib
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

import pajamo
from pajamo.data.simulate import Truth, simulate_combinations

STUDY = Path(__file__).resolve().parents[1] / "studies" / "simulated-combinations.toml"
SCREEN = "simulated-combinations.h5ad"
SHOWN = 5
USUAL = {"genes": 300, "singles": 15, "doubles": 40, "cells": 100, "control_cells": 600}
SMALL = {"genes": 60, "singles": 8, "doubles": 12, "cells": 30, "control_cells": 120}
"""Sizes of the screen; cells are those of each condition."""


def simulate(folder: Path, sizes: dict[str, int]) -> Path:
    """Step 1: 15 genes, 40 of their 105 pairs, 100 cells each. The planted truth goes along in uns."""
    path = folder / SCREEN
    adata = simulate_combinations(seed=1, triples=0, library_size=4000.0, suppression=0.75, **sizes)
    adata.write_h5ad(path)
    print(f"1. SIMULATED {adata.n_obs:,} cells x {adata.n_vars} genes: {path.name}")
    return path


def check(path: Path) -> None:
    """Step 2: is it what a perturbation model needs? Every rule says why it is there."""
    report = pajamo.check(path, batch="batch")
    table = report.to_frame()
    print(f"\n2. check: {'passed' if report.passed else 'failed'}; {len(table)} rules, for instance")
    print(table.head(SHOWN).to_string(index=False, max_colwidth=80))


def run(path: Path, runs: Path):
    """Step 3: split, fit the ladder, compare, write a run folder with a report."""
    study = tomllib.loads(STUDY.read_text(encoding="utf-8"))
    study["data"]["path"] = path
    done = pajamo.run(study, runs=runs)
    summary = done.summary[done.summary["metric"] == "mse"].sort_values("rank")
    columns = [
        "model",
        "mean",
        "low",
        "high",
        "improvement",
        "improvement_low",
        "improvement_high",
        "outcome",
    ]
    print(f"\n3. {done.verdict['sentence']}")
    print(summary[columns].to_string(index=False, float_format="%.4f"))
    print(f"   the report: {done.path / 'report.html'}")
    return study


def weights(study: dict, planted: Truth):
    """Step 4: a fitted weight is a quantity with a unit and an error; here it can be held against the truth."""
    model = pajamo.fit(study, model="salt-ls")
    table = model.weights()
    effects = table[table["quantity"] == "main effect"]
    strongest = effects["value"].abs().sort_values(ascending=False).index[:SHOWN]
    print(f"\n4. weights of salt-ls: {len(table):,} quantities; the strongest main effects")
    print(effects.loc[strongest].to_string(index=False, float_format="%.3f"))
    made = pajamo.predict(model, planted.conditions[1 : 1 + len(planted.main)])
    signal = np.corrcoef(made.layers["delta"].ravel(), planted.main.ravel())[0, 1]
    print(f"   correlation of its main effects with the planted ones: {signal:.2f}")
    return model


def predict(model, planted: Truth) -> None:
    """Step 5: a pair that was never measured; the answer carries its uncertainty."""
    singles = planted.conditions[1 : 1 + len(planted.main)]
    pairs = [f"{a}+{b}" for i, a in enumerate(singles) for b in singles[i + 1 :]]
    unseen = next(pair for pair in pairs if pair not in set(planted.pairs))
    made = pajamo.predict(model, [unseen])
    delta, sd = made.layers["delta"][0], made.layers["sd"][0]
    order = np.argsort(-np.abs(delta))[:SHOWN]
    print(f"\n5. {unseen} was never measured; {made.uns['pajamo']['unit']}, its strongest predicted changes")
    table = pd.DataFrame({"gene": made.var_names[order], "change": delta[order], "sd": sd[order]})
    print(table.to_string(index=False, float_format="%.2f"))


def interactions(run_folder: Path, planted: Truth) -> None:
    """Step 6: genetic interactions as measured, and as predicted for held-out pairs, beside what was planted."""
    table = pd.read_csv(run_folder / "interactions.csv")
    kinds = dict(zip(planted.pairs, planted.classes, strict=True))
    table["planted"] = [kinds[f"{a}+{b}"] for a, b in zip(table["gene_1"], table["gene_2"], strict=True)]
    strength = table.groupby("planted").agg(
        pairs=("strength", "size"),
        measured=("strength", "median"),
        held_out=("strength_predicted", "count"),
        predicted=("strength_predicted", "median"),
        most_often_called=("class", lambda names: names.mode()[0]),
    )
    print("\n6. strength of pairs: change over the sum of the singles' changes (1 if they add up), medians")
    print(strength.to_string(float_format="%.2f"))
    print(
        "   measured strengths find what was planted. Predicted ones cannot: the classes were drawn at random,"
    )
    print("   so that nothing about the genes tells which pair departs from the sum.")


def main() -> None:
    """All six steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", type=Path, help="folder for the screen and the run; a temporary one if not given"
    )
    parser.add_argument("--small", action="store_true", help="a screen so small that it only shows the steps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = simulate(folder, SMALL if options.small else USUAL)
        planted = Truth.from_uns(anndata.read_h5ad(path).uns["truth"])
        check(path)
        study = run(path, folder / "runs")
        predict(weights(study, planted), planted)
        interactions(next((folder / "runs").glob("simulated-combinations-*")), planted)


if __name__ == "__main__":
    main()
