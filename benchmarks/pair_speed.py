"""How fast guide-target pairs are encoded and scored, an R-loop is fitted, and hypotheses of a search are trained.

    python benchmarks/pair_speed.py [--pairs 1000000] [--threads 2]

On the SIMULATED tables that ship with pajamo; pairs are their sites with two more bases changed at random, and then
random guides against random sites beside a PAM, of which every pair has to be aligned. Elektrum's
featurisation alone takes 5,000 pairs a second, CRISPRzip 40 to 1,800 targets a second and core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch

import pajamo
from common import machine, print_table
from pajamo.config.assays import SearchSettings, parse_assay_study
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.reading import read_assay
from pajamo.data.public.catalogue import find
from pajamo.explanations.pairs.scoring import score_pairs
from pajamo.explanations.pairs.spread import information_of
from pajamo.models.assays.model import AssayModel
from pajamo.search.declaring import space_of
from pajamo.search.executing import CHUNK
from pajamo.search.rewarding import Task
from pajamo.training.assays.fit import fit_assay
from pajamo.training.transfer.fit import fit_transfer

Row = dict[str, Any]
RATE = {"kind": "rate", "value": "log10_k", "lower": -5.0}


def study(dataset: str, measurement: Row, **more: Any) -> Any:
    """One shipped table and an R-loop."""
    experiment = {"dataset": dataset, "pairs": {}, "output": "cleavage", "measurement": measurement}
    return parse_assay_study(
        {
            "name": "speed",
            "alphabet": "guide-target",
            "holdout": [0.0, 0.0],
            "experiments": {"pairs": experiment},
            "mechanisms": {"r-loop": {"kind": "r-loop"}},
        }
        | more
    )


def pairs(count: int) -> pd.DataFrame:
    """Sites of the shipped table with two bases of the protospacer drawn anew."""
    rng = np.random.default_rng(0)
    table = pd.read_csv(find("cas9-simulated-cells").place())
    table = table[table["target"].str.len() == 23]
    bases = np.array([list(target) for target in np.resize(table["target"].to_numpy(), count)])
    for _ in range(2):
        bases[np.arange(count), rng.integers(0, 20, count)] = rng.choice(list("ACGT"), count)
    guides = np.resize(table["guide"].to_numpy(), count)
    return pd.DataFrame({"guide": guides, "target": ["".join(row) for row in bases]})


def unrelated(count: int, guides: int = 20) -> tuple[list[str], list[str]]:
    """Guides and sites that have nothing in common but the PAM: so many pairs if each meets each."""
    rng = np.random.default_rng(1)
    drawn = [
        ["".join(rng.choice(list("ACGT"), 21)) + "GG" for _ in range(n)] for n in (guides, count // guides)
    ]
    return drawn[0], drawn[1]


@contextmanager
def timed(rows: list[Row], what: str, each: Callable[[float], str]) -> Iterator[None]:
    """Add what a block took to the table."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    took = time.perf_counter() - wall
    rows.append({"what": what, "wall s": took, "CPU s": time.process_time() - cpu, "that is": each(took)})
    print(rows[-1], flush=True)


def main() -> None:
    """Print one row a task."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    print(machine())
    torch.set_num_threads(arguments.threads)
    rows: list[Row] = []
    rates = study("cas9-simulated-rates", RATE)
    assay = read_assay(rates)
    model = AssayModel("r-loop", rates.mechanisms["r-loop"], rates.experiments)
    with timed(rows, f"R-loop, {assay.experiments[0].n:,} rates", lambda _: "to its optimum"):
        fit_assay(model, assay, starts=1)
    settings = SearchSettings(cycles=(4,))
    task = Task(rates, space_of(rates, settings, assay.length), assay, settings)
    rng = np.random.default_rng(0)
    drawn = [task.space.draw(rng) for _ in range(CHUNK)]
    with timed(rows, f"{CHUNK} hypotheses together", lambda took: f"{took / CHUNK:.2f} s each"):
        task.rewards(drawn, settings.steps)
    asked = pairs(arguments.pairs)
    turned = [[enzyme_of("Cas9").from_pam(text) for text in asked[column]] for column in ("guide", "target")]
    count = len(asked)
    with timed(rows, f"{count:,} pairs encoded", lambda took: f"{count / took:,.0f} a second"):
        PairAlphabet(pam=3).encode_pairs(*turned)
    cells = study("cas9-simulated-cells", {"kind": "cut"}, transfer={"members": 5, "epochs": 1})
    ensemble = fit_transfer(cells, read_assay(cells), {"r-loop": model})
    with timed(rows, f"{count:,} pairs scored by 5 networks", lambda took: f"{count / took:,.0f} a second"):
        pajamo.score(ensemble, asked)
    listed = dict(zip(("guides", "sites"), unrelated(count), strict=True))
    each = (
        [guide for guide in listed["guides"] for _ in listed["sites"]],
        listed["sites"] * len(listed["guides"]),
    )
    turned = [[enzyme_of("Cas9").from_pam(text) for text in texts] for texts in each]
    count = len(each[0])
    with timed(rows, f"{count:,} unrelated pairs encoded", lambda took: f"{count / took:,.0f} a second"):
        PairAlphabet(pam=3).encode_pairs(*turned)
    found = information_of(model, assay)
    with timed(
        rows, f"{count:,} scored by the R-loop, with intervals", lambda took: f"{count / took:,.0f} a second"
    ):
        score_pairs([model], *each, information=[found], steps=False)
    with timed(
        rows, f"{count:,} (guides x sites) by 5 networks", lambda took: f"{count / took:,.0f} a second"
    ):
        pajamo.score(ensemble, **listed)
    print_table("Speed on guide-target pairs", pd.DataFrame(rows), {"wall s": ".2f", "CPU s": ".2f"})


if __name__ == "__main__":
    main()
