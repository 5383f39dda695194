"""What kinetic networks of guide-target pairs are compared with: counts, CFD, regressions, trees, a network.

    python benchmarks/pair_baselines.py rates [DATA] [--models additive-sigmoid ...] [--seed 0]
    python benchmarks/pair_baselines.py cuts [DATA] [--models CFD ...] [--train circleseq_10gRNA siteseq_9gRNA ...]

DATA is the folder with `kinetics/`; by default $PAJAMO_DEV_DATA or ../shared/data.

rates: NucleaSeq of wild-type Cas9, unique sequences, learned from one guide and judged on the other, both ways; the
rows by which a model stops or chooses are of the guide that it learns from. Limit of detection: 1e-5 / s.
cuts: learned from in vitro and cellular tables without the guides of the test tables, judged on the two GUIDE-seq
tables as they stand and without the rows whose protospacer is the guide's own. Intervals are over guides.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import add_data, machine, print_table
from pajamo.config.assays import parse_assay_study
from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.data.assays.reading import read_assay
from pajamo.evaluation.pairs.comparing import pair_scores
from pajamo.models.pairs.cfd import PAM
from pajamo.models.pairs.features import how_many
from pajamo.models.pairs.registry import MODELS, fit_pair_models

TESTS = ("guideseq_kleinstiver_5gRNA", "guideseq_listgarten_22gRNA")
TRAINING = ("circleseq_10gRNA", "siteseq_9gRNA", "cd33_doench2016", "hmg_haeussler2016")


def rates(folder: Path, names: list[str], seed: int) -> pd.DataFrame:
    """Both directions of NucleaSeq."""
    assay = read_assay(
        parse_assay_study(
            {
                "name": "nucleaseq",
                "alphabet": "guide-target",
                "holdout": [0, 0],
                "experiments": {"wt": _rates(folder)},
            }
        )
    )
    experiment = assay.experiments[0]
    guide = pd.read_csv(folder / "nucleaseq_wtcas9_unique.csv.gz")["guide"].to_numpy()
    found = []
    for one, other in (("sgRNA1", "sgRNA2"), ("sgRNA2", "sgRNA1")):
        learned, judged = experiment.rows(guide == one), experiment.rows(guide == other)
        found.append(_judge(learned, {f"{one} to {other}": judged}, names, seed))
    return pd.concat(found)


def _rates(folder: Path) -> dict[str, Any]:
    return {
        "path": str(folder / "nucleaseq_wtcas9_unique.csv.gz"),
        "pairs": {"guide": "on_target", "target": "sequence"},
        "measurement": {"kind": "rate", "value": "log10_k", "lower": -5.0},
    }


def cuts(folder: Path, training: list[str], names: list[str], seed: int) -> pd.DataFrame:
    """Both GUIDE-seq tables, by models that saw none of their guides."""
    tables = {name: _cut_table(folder, name) for name in (*training, *TESTS)}
    known = {guide for name in TESTS for guide in tables[name]["spacer"]}
    learned = pd.concat([tables[name] for name in training])
    learned = learned[~learned["spacer"].isin(known)].drop_duplicates(["guide", "target"])
    print(
        f"training: {len(learned)} pairs, {int(learned.label.sum())} found, {learned.spacer.nunique()} guides"
    )
    judged = {}
    for name in TESTS:
        whole = _experiment(tables[name], name)
        judged[name] = whole
        judged[f"{name}, no on-targets"] = whole.rows(how_many(whole.codes[:, PAM:]) > 0)
    return _judge(_experiment(learned, "training"), judged, names, seed)


def _cut_table(folder: Path, name: str) -> pd.DataFrame:
    table = pd.read_csv(folder / f"{name}.csv.gz")
    spacer = table["guide"].str.replace("[-_]", "", regex=True).str.upper().str[:20]
    if "target_aligned" in table:
        table = table.assign(guide=table["guide_aligned"], target=table["target_aligned"])
    return table.assign(spacer=spacer)[["guide", "target", "label", "spacer"]]


def _experiment(table: pd.DataFrame, name: str) -> Experiment:
    """A table of cuts, read like a user's."""
    pairs = read_pairs(table["guide"].tolist(), table["target"].tolist(), enzyme_of("Cas9"), where=name)
    codes = PairAlphabet().encode_pairs(pairs.guides, pairs.targets)
    recorded = {"label": table["label"].to_numpy(np.float64), "guide": pairs.guide_of.astype(np.float64)}
    return Experiment(name, codes, recorded, np.zeros(len(codes), dtype=np.int8))


def _judge(learned: Experiment, judged: dict[str, Experiment], names: list[str], seed: int) -> pd.DataFrame:
    found = []
    for name in names:
        began = time.perf_counter()
        model = fit_pair_models(learned, [name], seed)[name]
        seconds = time.perf_counter() - began
        for where, experiment in judged.items():
            scores = pair_scores(experiment, {name: model.predict(experiment.codes)}, seed)
            found.append(scores.assign(test=where, seconds=seconds))
    return pd.concat(found)


def main() -> None:
    """Fit, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("rates", "cuts"))
    add_data(parser)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--train", nargs="+", default=list(TRAINING))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = given.data / "kinetics"
    if not folder.is_dir():
        parser.error(f"there is no {folder}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    print(machine())
    if given.task == "rates":
        found = rates(folder, given.models, given.seed)
    else:
        found = cuts(folder, given.train, given.models, given.seed)
    numbers = [name for name in found if found[name].dtype == float and name not in ("found", "seconds")]
    print_table(given.task, found, dict.fromkeys(numbers, ".4f") | {"seconds": ".1f"})


if __name__ == "__main__":
    main()
