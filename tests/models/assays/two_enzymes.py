"""Two enzymes with PAMs at opposite ends and guides of unequal length, whose rates one R-loop is to explain."""

from __future__ import annotations

from typing import Any

import numpy as np

from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import read_pairs

LONG, SHORT = 8, 6
"""Base pairs of Cas12a's guides and of Cas9's."""
PAM = 4
GUIDES = {"nine": ("CTGGCA", "GCCAGT"), "twelve": ("ACGGTCAT", "TGACCGTA")}
"""Protospacers, 5' to 3'. Read from the PAM, those of Cas9 are the first base pairs of those of Cas12a."""
ENZYMES = {"nine": "Cas9", "twelve": "Cas12a"}
VARIES = ("binding", "cutting", "level", "costs")


def study(*names: str, **mechanism: Any) -> AssayStudy:
    """A study of these experiments with one R-loop."""
    experiment = {"output": "cleavage", "measurement": {"kind": "rate", "noise": "student"}}
    return parse_assay_study(
        {
            "name": "enzymes",
            "alphabet": "guide-target",
            "experiments": {
                name: experiment | {"path": f"{name}.csv", "pairs": {"enzyme": ENZYMES[name]}}
                for name in names
            },
            "mechanisms": {"loop": {"kind": "r-loop"} | mechanism},
        }
    )


def joint(**changed: Any) -> AssayStudy:
    """Both enzymes under one R-loop."""
    declared = {"steps": LONG, "pam": PAM, "any_base": [3], "shorter": {"nine": SHORT}, "varies": VARIES}
    return study("nine", "twelve", **(declared | changed))


def codes_of(
    name: str, rows: int, rng: np.random.Generator, pam: int = PAM, *, right: bool = False
) -> np.ndarray:
    """Codes of pairs with up to three mismatches, now and then one of them in the PAM unless that is always right."""
    guides, targets = [], []
    for number in range(rows):
        spacer = GUIDES[name][number % 2]
        guide = spacer + "TGG" if name == "nine" else "TTTA" + spacer
        target = list(guide)
        within = range(len(spacer)) if name == "nine" else range(4, len(guide))
        asked = [len(guide) - 1, len(guide) - 2] if name == "nine" else [0, 1, 2]
        places = [*within, *([] if right else asked)]
        for place in rng.choice(places, rng.integers(0, 4), replace=False):
            target[place] = str(rng.choice([base for base in "ACGT" if base != guide[place]]))
        guides.append(guide)
        targets.append("".join(target))
    pairs = read_pairs(guides, targets, enzyme_of(ENZYMES[name]), pam=pam)
    return PairAlphabet(pam=pam).encode_pairs(pairs.guides, pairs.targets)


def experiment(name: str, codes: np.ndarray, value: np.ndarray, length: int) -> Experiment:
    """Rates of pairs, all of them resolved and for learning."""
    padded = np.pad(codes, ((0, 0), (0, length - codes.shape[1])), constant_values=PairAlphabet().missing)
    recorded = {"value": value, "censored": np.zeros(len(codes))}
    return Experiment(name, padded, recorded, np.zeros(len(codes), dtype=np.int8), enzyme=ENZYMES[name])


def assay(rows: dict[str, int], seed: int = 0, pam: int = PAM, *, right: bool = False) -> Assay:
    """Pairs of some enzymes, of which nothing was recorded yet."""
    rng = np.random.default_rng(seed)
    codes = {name: codes_of(name, number, rng, pam, right=right) for name, number in rows.items()}
    length = max(own.shape[1] for own in codes.values())
    experiments = tuple(experiment(name, own, np.zeros(len(own)), length) for name, own in codes.items())
    return Assay(PairAlphabet(pam=pam), experiments[-1].codes[0], experiments)
