"""A small nuclease with known rates: PAM binding, two R-loop states, cleavage; guides of eight bases."""

from __future__ import annotations

import numpy as np
import torch

from pajamo.config.assays import ContinuousSettings, ExperimentSettings, declare
from pajamo.config.assays.study import PairSettings
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.starts import lay_over

GUIDE = "ACGTTGCA" + "NGG"
OTHER = "CATGACTT" + "NGG"
PAM, LENGTH = 3, 11
CHANNELS = 10
"""Of substitutions told apart by the target's base: 4, then 5 insertions and a deletion."""
SLOW = 3.0


def reads(start, length, **changes):
    return {"reads": {"start": start, "length": length, "encoder": "additive"} | changes}


def cycle(**changes):
    """Solution, open, intermediate, closed, and back to solution by cleavage."""
    transitions = {
        "solution->open": reads(0, 3),
        "open->solution": reads(0, 3),
        "open->intermediate": reads(3, 4),
        "intermediate->open": {},
        "intermediate->closed": reads(7, 4),
        "closed->intermediate": {},
        "closed->solution": {"makes": ["cleavage"]},
    }
    return declare(
        "kinetic",
        states=["solution", "open", "intermediate", "closed"],
        transitions=transitions | changes.pop("transitions", {}),
        **changes,
    )


def chain():
    """The same without a way back from the product: single-turnover cleavage, as a rate of first passage."""
    declared = dict(cycle().transitions)
    declared.pop("closed->solution")
    raw = {name: given.model_dump(exclude_defaults=True) for name, given in declared.items()}
    return declare(
        "kinetic",
        states=["solution", "open", "intermediate", "closed", "cut"],
        transitions=raw | {"closed->cut": {}},
        passages={"cleavage": {"start": "solution", "to": ["cut"]}},
    )


def library(rows=200, seed=0, guides=(GUIDE, OTHER)):
    """Pairs of guides and targets with some bases changed, matched ones first; 5' to 3'."""
    random = np.random.default_rng(seed)
    own = [guides[row % len(guides)] for row in range(rows)]
    targets = []
    for row, guide in enumerate(own):
        letters = np.array(list(guide.replace("N", "A")))
        changed = random.random(len(letters)) < (0.25 if row >= len(guides) else 0.0)
        letters[changed] = random.choice(list("ACGT"), changed.sum())
        targets.append("".join(letters))
    return own, targets


def assay_of(guides, targets, values=None, name="one"):
    """Pairs as an assay, every tenth of them held out."""
    pairs = read_pairs(guides, targets, enzyme_of("Cas9"))
    alphabet = PairAlphabet(pam=PAM)
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets)
    sets = np.where(np.arange(len(codes)) % 10 == 9, 2, 0).astype(np.int8)
    recorded = {"value": np.zeros(len(codes)) if values is None else values}
    return Assay(alphabet, codes[0], (Experiment(name, codes, recorded, sets),))


def experiment(**changes):
    """ln of the rate, read on a straight scale."""
    settings = {"value": "y", "nonlinearity": "linear", "coordinate": "log"}
    return ExperimentSettings(
        path="table.csv", measurement=ContinuousSettings(**settings), pairs=PairSettings(), **changes
    )


def network_model(mechanism=None, rows=200, seed=0, noise=0.05, **changes):
    """A model at planted rates, and readings of ln of its output with noise."""
    guides, targets = library(rows, seed)
    empty = assay_of(guides, targets)
    model = AssayModel("cas9", mechanism or cycle(), {"one": experiment(**changes)})
    model.build(empty)
    plant(model, seed)
    random = np.random.default_rng([seed, 1])
    with torch.no_grad():
        codes = torch.as_tensor(empty.experiments[0].codes)
        activity = model.assembly.activity(codes, "one", {})
        value = model.assembly.recorded(activity, "one").numpy()
    assay = assay_of(guides, targets, value + noise * random.normal(size=rows))
    lay_over(model.assembly, rows_of(assay.part("training")))
    return model, assay


def plant(model, seed=0):
    """Onward rates of 1/s at the matched target, ways back slower; mismatches slow what reads them."""
    random = np.random.default_rng(seed)
    assembly = model.assembly
    with torch.no_grad():
        for name, reader in assembly.readers():
            drawn = -random.uniform(0.5, SLOW, reader.features)
            reader.weights.copy_(torch.as_tensor(drawn if name != "ln k open->solution" else -drawn))
            reader.weights[0] = 0.0 if name != "ln k open->solution" else -1.0
        constants = [assembly.blueprint.terms[place].name for place in assembly.constant_terms]
        back = {"ln k intermediate->open": -1.5, "ln k closed->intermediate": -2.0}
        assembly.constants.copy_(torch.tensor([back.get(name, -0.5) for name in constants]))
