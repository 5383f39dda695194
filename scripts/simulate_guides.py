"""Makes the SIMULATED tables of `pajamo demo kinetics`: cleavage rates of two guides, and sites of eight in cells.

    python scripts/simulate_guides.py

Nothing in them was measured: no kinetics table of guides and targets was found in an openly licensed package. An
R-loop with a plausible landscape and drawn costs of mismatches is the truth; rates are read with noise and a limit of
detection, and sites are found in cells with a probability that follows the rate, the guide and chance. The same seed
gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pajamo.config.assays import RateSettings, RLoopSettings, declare
from pajamo.data.atomic import write_bytes
from pajamo.encoders.guides.steps import StepMap
from pajamo.explanations.simulations.libraries import random_pairs
from pajamo.explanations.simulations.planting import simulate_pairs

SHIPPED = Path(__file__).parents[1] / "src/pajamo/data/public/shipped"
SEED = 7
TARGETS, SITES = 700, 1200
NOISE, LIMIT = 0.25, -5.0
RATES = {"binding": 3.0, "zipping": 7.0, "cutting": 1.0}
"""ln of each rate in 1/s."""
LANDSCAPE = (2.0, *(1.2,) * 6, 0.6, 0.3, 0.0, -0.6, *(-1.3,) * 6, *(-0.8,) * 4)
"""kT: free energy of binding the PAM, then of each matched base pair: an R-loop is uphill first, as of SpCas9."""
IN_CELLS = {"2": 0.05, "3": 0.1, "4": 0.25, "5": 0.3, "6": 0.3}
"""Shares of sites by the number of bases that differ, few of them alike as in a genome."""
COSTS = (4.5, 5.0, 5.0)
"""kT: what a mismatch, an insertion and a deletion cost on average."""
SLOPE, LEVEL, GUIDES_DIFFER = 2.6, 5.5, 0.7
"""Log odds of a site: slope a decade of the rate, level, and spread between guides."""


def energies(rng: np.random.Generator) -> list[float]:
    """Weights of an R-loop, drawn about their prior mean."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    prior = StepMap(23, 3, (2,))
    torch.set_default_dtype(before)
    drawn = prior.prior_mean.numpy() + 0.6 * np.minimum(prior.prior_sd.numpy(), 1.0) * rng.normal(
        size=prior.features
    )
    first = prior.base.shape[1]
    drawn[:first] = np.linalg.lstsq(prior.base.numpy(), np.array(LANDSCAPE), rcond=None)[0]
    drawn[first : first + 3] = COSTS
    return [float(value) for value in drawn]


def guide(rng: np.random.Generator) -> str:
    """Twenty random bases and the PAM that Cas9 asks for."""
    return "".join(rng.choice(list("ACGT"), 20)) + "NGG"


def tables() -> dict[str, pd.DataFrame]:
    """Both tables by their names."""
    rng = np.random.default_rng(SEED)
    settings = declare("r-loop")
    assert isinstance(settings, RLoopSettings)
    weights = {"R-loop": energies(rng), **RATES}
    guides = [guide(rng) for _ in range(10)]
    libraries = [random_pairs(each, TARGETS, rng) for each in guides[:2]]
    sites = [random_pairs(each, SITES, rng, IN_CELLS) for each in guides[2:]]
    measurement = RateSettings(lower=LIMIT)
    rates = simulate_pairs(
        settings, pd.concat(libraries, ignore_index=True), rng,
        weights=weights, measurement=measurement, noise=NOISE, output="cleavage",
    )  # fmt: skip
    cells = simulate_pairs(
        settings, pd.concat(sites, ignore_index=True), rng,
        weights=weights, measurement=RateSettings(), noise=0.0, output="cleavage",
    ).table  # fmt: skip
    offset = dict(zip(guides, GUIDES_DIFFER * rng.normal(size=len(guides)), strict=True))
    log_odds = LEVEL + SLOPE * cells["log10_k"] + cells["guide"].map(offset)
    cells["label"] = (rng.random(len(cells)) < 1 / (1 + np.exp(-log_odds))).astype(int)
    found = {"rates": rates.table.round({"log10_k": 3}), "cells": cells.drop(columns="log10_k")}
    return {name: table.drop(columns="change") for name, table in found.items()}


def main() -> None:
    """Write both tables, each into the folder of its data set, and say what the catalogue has to know."""
    for name, table in tables().items():
        place = SHIPPED / f"cas9-simulated-{name}" / f"{name}.csv.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        content = gzip.compress(table.to_csv(index=False).encode(), mtime=0)
        write_bytes(place, content)
        print(
            place.parent.name,
            f"rows {len(table)}, bytes {len(content)}, sha256 {hashlib.sha256(content).hexdigest()}",
        )


if __name__ == "__main__":
    main()
