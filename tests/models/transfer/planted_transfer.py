"""A small nuclease with guides of eight bases, and tables of sites that it cuts in cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pajamo.config.assays import AssayStudy, ExperimentSettings, TransferSettings, parse_assay_study
from pajamo.data.assays import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.models.transfer.building import new_network
from pajamo.models.transfer.network import TransferNetwork

LENGTH = 11
ALPHABET = PairAlphabet(pam=3)
SCHEME: dict[str, Any] = {
    "kind": "kinetic",
    "states": ["free", "bound", "open"],
    "transitions": {
        "free->bound": {"reads": {"start": 0, "length": 3}},
        "bound->free": {},
        "bound->open": {"reads": {"start": 3, "length": 5, "encoder": "convolution", "kernel": 2}},
        "open->bound": {"reads": {"start": 5, "length": 6, "encoder": "smooth", "changes": "kind"}},
        "open->free": {"rate": 1.0, "makes": ["cleavage"]},
    },
}
LOOP: dict[str, Any] = {"kind": "r-loop", "steps": 8}
RATES: dict[str, Any] = {"kind": "rate"}


def study(
    mechanism: dict[str, Any] = SCHEME, tables: tuple[str, ...] = ("near", "far"), **transfer: Any
) -> AssayStudy:
    """A study with tables of sites, and how to learn from them."""
    experiment = {"path": "t.csv", "pairs": {}, "output": "cleavage", "measurement": {"kind": "cut"}}
    quick = {"members": 1, "epochs": 3, "batch": 256, "resample": False}
    return parse_assay_study(
        {
            "name": "planted",
            "alphabet": "guide-target",
            "experiments": dict.fromkeys(tables, experiment),
            "mechanisms": {"cas": mechanism},
            "transfer": quick | transfer,
        }
    )


def guides(count: int, seed: int = 0) -> list[str]:
    """Different guides with their PAM, 5' to 3'."""
    rng = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(list("ACGT"), size=LENGTH - 3)) + "TGG"] = None
    return list(found)


def targets(guide: str, count: int, rng: np.random.Generator, most: int = 4) -> list[str]:
    """Targets of a guide with up to so many other bases."""
    found = []
    for _ in range(count):
        letters = list(guide)
        for place in rng.choice(LENGTH - 3, size=int(rng.integers(0, most + 1)), replace=False):
            letters[place] = str(rng.choice([base for base in "ACGT" if base != letters[place]]))
        found.append("".join(letters))
    return found


def codes(pairs: list[tuple[str, str]]) -> np.ndarray:
    """Codes of guides and targets as written."""
    own, met = ([text[::-1] for text in texts] for texts in zip(*pairs, strict=True))
    return ALPHABET.encode_pairs([text[:2] + "N" + text[3:] for text in own], met)


def sites(count: int = 12, each: int = 300, seed: int = 0, most: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Codes of sites of random guides, and the number of each site's guide."""
    rng = np.random.default_rng(seed)
    listed = guides(count, seed)
    pairs = [(guide, target) for guide in listed for target in targets(guide, each, rng, most)]
    return codes(pairs), np.repeat(np.arange(count), each)


def assay(tables: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], sets: dict[int, int]) -> Assay:
    """Tables of codes, labels and guides; `sets` says the set of each guide, 0 if not."""
    found = tuple(
        Experiment(
            name,
            own,
            {"label": label.astype(float), "guide": guide.astype(float)},
            np.array([sets.get(int(number), 0) for number in guide], dtype=np.int8),
        )
        for name, (own, label, guide) in tables.items()
    )
    return Assay(ALPHABET, codes([(guides(1)[0], guides(1)[0])])[0], found)


def frame() -> Frame:
    """Of guides of eight bases."""
    return Frame.of(assay({"near": (*sites(2, 5)[:1], np.zeros(10), np.zeros(10))}, {}))


def network(asked: AssayStudy, seed: int = 0, scale: float = 1.0) -> TransferNetwork:
    """A network whose mechanism has random weights, and whose context changes nothing yet."""
    settings = asked.transfer or TransferSettings()
    made = new_network(asked.mechanisms["cas"], settings, frame(), asked.experiments)
    generator = torch.Generator().manual_seed(seed)
    for encoder in made.kinetics.encoders.values():
        for parameter in encoder.parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            parameter.data = parameter.data + scale * drawn
    if made.context is not None:
        made.context.randomise(generator)
    return made.eval()


def fitted(mechanism: dict[str, Any] = SCHEME, seed: int = 0, scale: float = 1.0) -> AssayModel:
    """A model of rates as if it had been fitted: random weights."""
    settings = {"path": "t.csv", "pairs": {}, "output": "cleavage", "measurement": RATES}
    experiments = {"rates": ExperimentSettings.model_validate(settings)}
    model = AssayModel("cas", study(mechanism).mechanisms["cas"], experiments)
    own, _ = sites(2, 5)
    recorded = {"value": np.zeros(len(own)), "censored": np.zeros(len(own))}
    rows = Experiment("rates", own, recorded, np.zeros(len(own), dtype=np.int8))
    assembly = model.build(Assay(ALPHABET, own[0], (rows,)))
    generator = torch.Generator().manual_seed(seed)
    for _, encoder in assembly.readers():
        for parameter in encoder.parameters():
            drawn = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.data = parameter.data + scale * drawn
    return model


def labels(log_odds: np.ndarray, seed: int = 0) -> np.ndarray:
    """Sites that are found with these odds."""
    share = 1 / (1 + np.exp(-log_odds))
    return (np.random.default_rng(seed).random(len(share)) < share).astype(float)
