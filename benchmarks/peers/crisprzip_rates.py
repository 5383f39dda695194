"""CRISPRzip (MIT) on NucleaSeq's cleavage rates; run it with the interpreter of CRISPRzip's own environment.

    python3.11 -m venv FOLDER/crisprzip && FOLDER/crisprzip/bin/pip install crisprzip==1.2.3 pandas
    FOLDER/crisprzip/bin/python benchmarks/peers/crisprzip_rates.py [--data DATA] [--rates CSV] [--concentration 100]

DATA is the folder with `kinetics/nucleaseq_wtcas9_unique.csv.gz`, or that file: cleavage rates of wild-type
Cas9 with two guides (Jones 2021), one row for each unique target. CRISPRzip takes targets of 23 nt with an
NGG PAM and neither insertion nor deletion, so only those are scored. Its parameters `sequence_params` are
taken as they come and nothing is fitted here; that they were learnt from NucleaSeq, perhaps from these very
guides, cannot be excluded.

A rate is obtained as from the experiment: the fraction cleaved at NucleaSeq's times, and a single exponential
1 - exp(-k t) fitted to it by least squares. The enzyme is at 100 nM, with which the authors of CRISPRzip
simulate NucleaSeq: a target is bound at k_bind x 100 nM = 10 per second. The figures depend on it: the
example in CRISPRzip's README binds at 0.1 per second, which is --concentration 1. Predicted rates are clipped
at the detection limit as the measured ones are (log10 k of at least -5, k per second).

It prints a line of JSON for each guide: Pearson's and Spearman's correlation of log10 k, Pearson's without
the clip of the predictions, and the cost; Numba compiles on the first run and keeps the result.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from cost import DEFAULT_DATA, Cost, data_file, one_thread, peak_megabytes, peer

if TYPE_CHECKING:  # the libraries are imported after their threads are limited
    import numpy as np
    import pandas as pd
    from crisprzip.kinetics import BareSearcher

INSTALL = "python3.11 -m venv FOLDER/crisprzip && FOLDER/crisprzip/bin/pip install crisprzip==1.2.3 pandas"
PARAMETERS = "sequence_params"
SECONDS = (12.0, 60.0, 180.0, 600.0, 1_800.0, 6_000.0, 18_000.0, 60_000.0)
"""NucleaSeq's time points after the start (Jones 2021)."""
DETECTION_LIMIT = -5.0
"""Smallest log10 rate (per second) that NucleaSeq resolves; slower targets carry this value in the table."""
SEARCHED = (-9.0, 1.0)
"""Range of log10 k in which the exponential is fitted; slower targets are all at its lower end."""


def scored_targets(path: Path) -> pd.DataFrame:
    """The rows that CRISPRzip can score: 20 bases and an NGG PAM, without insertion or deletion."""
    import pandas as pd

    table = pd.read_csv(path)
    return table[(table["sequence"].str.len() == 23) & table["sequence"].str.endswith("GG")]


def cleaved_fractions(searcher: BareSearcher, targets: pd.DataFrame, binding_rate: float) -> np.ndarray:
    """Fraction cleaved of each target of one guide at each time (target x time)."""
    import numpy as np

    guided = searcher.bind_guide_rna(protospacer=targets["on_target"].iloc[0])
    complexes = (guided.probe_sequence(target) for target in targets["sequence"])
    times = np.array(SECONDS)
    return np.array([each.get_cleaved_fraction(times, on_rate=binding_rate) for each in complexes])


def fitted_log10_rates(fractions: np.ndarray) -> np.ndarray:
    """log10 k (per second) of the least-squares exponential 1 - exp(-k t) through each row of fractions.

    The sum of squares may have several minima in log k, hence a fine grid whose best point is refined between
    its neighbours.
    """
    import numpy as np

    grid = np.linspace(*SEARCHED, 1001)
    curves = -np.expm1(-(10 ** grid[:, None]) * np.array(SECONDS))
    best = [int(((curves - row) ** 2).sum(1).argmin()) for row in fractions]
    step = grid[1] - grid[0]
    return np.array([_refined(row, grid[at], step) for row, at in zip(fractions, best, strict=True)])


def _refined(fractions: np.ndarray, near: float, step: float) -> float:
    import numpy as np
    from scipy.optimize import minimize_scalar

    def squares(log10_rate: float) -> float:
        return float(((-np.expm1(-(10**log10_rate) * np.array(SECONDS)) - fractions) ** 2).sum())

    return float(minimize_scalar(squares, bounds=(near - step, near + step), method="bounded").x)


def compared(measured: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Correlations of log10 rates with the predictions clipped at the detection limit, and without the clip."""
    from scipy.stats import pearsonr, spearmanr

    clipped = predicted.clip(min=DETECTION_LIMIT)
    values = {
        "pearson": pearsonr(measured, clipped)[0],
        "spearman": spearmanr(measured, clipped)[0],
        "pearson_unclipped": pearsonr(measured, predicted)[0],
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="development data, or the file")
    parser.add_argument("--concentration", type=float, default=100.0, help="of the enzyme, nM")
    parser.add_argument("--rates", type=Path, help="CSV to write: guide, target, log10_k (not clipped)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    path = data_file(options.data, "nucleaseq_wtcas9_unique.csv.gz", "kinetics")
    one_thread()
    kinetics, version = peer("crisprzip.kinetics", "crisprzip", INSTALL)
    import pandas as pd

    searcher = kinetics.load_landscape(PARAMETERS)
    binding_rate = kinetics.load_k_bind(PARAMETERS) * options.concentration
    predictions = []
    for guide, targets in scored_targets(path).groupby("guide"):
        cost = Cost()
        rates = fitted_log10_rates(cleaved_fractions(searcher, targets, binding_rate))
        line = {
            "peer": f"crisprzip {version}", "guide": guide, "rows": len(targets),
            "concentration_nM": options.concentration, **compared(targets["log10_k"].to_numpy(), rates),
            **cost.so_far(), "peak_megabytes": peak_megabytes(),
        }  # fmt: skip
        print(json.dumps(line))
        predictions.append(pd.DataFrame({"guide": guide, "target": targets["sequence"], "log10_k": rates}))
    if options.rates:
        pd.concat(predictions).to_csv(options.rates, index=False)


if __name__ == "__main__":
    main()
