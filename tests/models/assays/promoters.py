"""Small assays of random sequences, and what a blueprint says of them in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pajamo.config.assays import declare
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compile import compile_mechanism

LAC: dict[str, Any] = {
    "sites": {"CRP": {"start": 1, "length": 6}, "RNAP": {"start": 12, "length": 8}},
    "interactions": {"CRP+RNAP": {}},
    "transcribes": ["RNAP"],
}


def assay(
    length: int = 24,
    rows: int = 12,
    inputs: Mapping[str, Mapping[str, float | Sequence[float]]] | None = None,
    alphabet: str = "dna",
) -> Assay:
    """Random sequences of one length; `inputs` by experiment, or one experiment without any."""
    letters = alphabet_of(alphabet)
    rng = np.random.default_rng(3)
    experiments = []
    for name, given in (inputs or {"plate": {}}).items():
        codes = rng.integers(0, len(letters.letters), (rows, length)).astype(np.uint8)
        values = {
            key: np.broadcast_to(np.asarray(value, dtype=float), (rows,)) for key, value in given.items()
        }
        experiments.append(Experiment(name, codes, {}, np.zeros(rows, np.int8), values))
    return Assay(letters, experiments[0].codes[0], tuple(experiments))


def of_sequences(*sequences: str, **inputs: float) -> Assay:
    """An assay of one experiment with these sequences."""
    letters = alphabet_of("dna")
    codes = letters.encode(list(sequences))
    values = {key: np.full(len(codes), value) for key, value in inputs.items()}
    experiment = Experiment("plate", codes, {}, np.zeros(len(codes), np.int8), values)
    return Assay(letters, codes[0], (experiment,))


def thermodynamic(
    over: Assay | None = None, fitted: Sequence[tuple[str, str]] = (), **changes: Any
) -> Blueprint:
    """The lac promoter with changes to its declaration, compiled."""
    declared = LAC | changes
    if {"states", "outputs"} & changes.keys():
        declared = {key: value for key, value in declared.items() if key != "transcribes" or key in changes}
    return compile_mechanism(declare("thermodynamic", **declared), over or assay(), fitted)


def assembled(blueprint: Blueprint, alphabet: str = "dna", seed: int = 0) -> Assembly:
    """Random weights and constants, in float64, without any measurement."""
    letters = alphabet_of(alphabet)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        complement = None if letters.complement is None else torch.as_tensor(letters.complement)
        assembly = Assembly(blueprint, letters.letters, {}, {}, {}, complement)
    finally:
        torch.set_default_dtype(before)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, reader in assembly.readers():
            reader.weights.normal_(generator=generator)
        assembly.constants.normal_(generator=generator)
    return assembly


def activity(blueprint: Blueprint, over: Assay, seed: int = 0) -> Tensor:
    """ln of each output for every sequence of the first experiment."""
    first = over.experiments[0]
    inputs = {name: torch.tensor(values) for name, values in first.inputs.items()}
    assembly = assembled(blueprint, seed=seed)
    found = assembly.activity(torch.as_tensor(first.codes), first.name, inputs).value
    return found.detach()


def same(one: Blueprint, other: Blueprint) -> bool:
    """Whether two blueprints say the same."""
    arrays = ("incidence", "log_rates", "rate_terms", "fixed_inputs", "makes", "group_of_state", "ends")
    texts = ("settings", "terms", "rows", "states", "outputs", "transitions", "kT", "bound", "groups")
    return (
        all(getattr(one, name) == getattr(other, name) for name in texts)
        and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and one.readers.keys() == other.readers.keys()
        and one.inputs.keys() == other.inputs.keys()
        and all(np.array_equal(one.inputs[key], other.inputs[key]) for key in one.inputs)
    )
