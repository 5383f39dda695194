"""What a fine-tuned model says of proteins, with or without labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.fasta import read_fasta
from pajamo.data.proteins.labelled import LabelledProteins
from pajamo.data.pseudobulk import Array
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import warn
from pajamo.models.proteins.packing import BUDGET, Shown, enclosed, in_packs
from pajamo.models.proteins.property import PropertyModel
from pajamo.pipeline.proteins.fine_tuning.saving import load_fine_tuned
from pajamo.pipeline.proteins.fine_tuning.sets import known_places
from pajamo.training.engine.devices import Choice, chosen_device


def told_of_labelled(model: PropertyModel, proteins: LabelledProteins, numbers: NDArray[np.int64]) -> Array:
    """What a model says of some proteins, in their order.

    Returns
    -------
    Numbers, shape (proteins,); or probabilities, shape (proteins or residues with a label, classes).
    """
    of_residues = proteins.kind == "residues"
    return told(
        model,
        [proteins.tokens[number] for number in numbers],
        [known_places(proteins, number) if of_residues else () for number in numbers],
    )


def told(
    model: PropertyModel,
    tokens: Iterable[NDArray[np.uint8]],
    places: Iterable[Sequence[int] | NDArray[np.int64]],
) -> Array:
    """What a model says of proteins, a pack at a time.

    Parameters
    ----------
    tokens: of each protein's residues, without <cls> and <eos>.
    places: residues, from 0, that are asked for where the property is one of residues.
    """
    device = model.head.weight.device
    # <cls> stands before the first residue.
    shown = (
        Shown(enclosed(one), [place + 1 for place in asked])
        for one, asked in zip(tokens, places, strict=True)
    )
    found = [model.predict(PackedTokens.of(pack, device)).cpu().numpy() for pack in in_packs(shown, BUDGET)]
    return np.concatenate(found).astype(np.float64)


def predict_file(proteins: Path, model: Path, device: Choice = "auto") -> pd.DataFrame:
    """Predict the property of all proteins of a FASTA file.

    Returns
    -------
    One row a protein with its number, or its class and the probability of each; or one row a residue.

    Raises
    ------
    DataError: no FASTA.
    ModelError, IntegrityError: no fine-tuned model, or a damaged one.
    """
    tuned = load_fine_tuned(model)
    fitted = tuned.model.to(chosen_device(device)).eval()
    names, sequences = zip(*_cut(read_fasta(proteins), tuned.longest - 2, proteins), strict=True)
    tokens = [tokens_of(one) for one in sequences]
    if fitted.sought.kind == "residues":
        return _residues(
            names, sequences, told(fitted, tokens, [np.arange(len(one)) for one in tokens]), fitted
        )
    found = told(fitted, tokens, [()] * len(tokens))
    table = pd.DataFrame({"protein": names})
    if fitted.sought.kind == "regression":
        return table.assign(**{tuned.label: found})
    return table.join(_classes(found, fitted, tuned.label))


def _cut(records: Iterable[tuple[str, str]], room: int, path: Path) -> Iterator[tuple[str, str]]:
    """Proteins as the model learned from them: longer ones lose what is beyond."""
    longer = 0
    for name, sequence in records:
        longer += len(sequence) > room
        yield name, sequence[:room]
    if longer:
        warn(f"{path.name}: {longer:,} proteins are cut to their first {room:,} residues, as in training")


def _residues(
    names: Sequence[str], sequences: Sequence[str], found: Array, model: PropertyModel
) -> pd.DataFrame:
    lengths = [len(one) for one in sequences]
    table = pd.DataFrame(
        {
            "protein": np.repeat(np.array(names, dtype=object), lengths),
            "place": np.concatenate([np.arange(1, length + 1) for length in lengths]),
            "residue": list("".join(sequences)),
        }
    )
    return table.join(_classes(found, model, "class"))


def _classes(found: Array, model: PropertyModel, label: str) -> pd.DataFrame:
    """The likeliest class, and the probability of each."""
    classes = np.array(model.sought.classes, dtype=object)
    table = pd.DataFrame(found, columns=[f"p({name})" for name in classes])
    table.insert(0, label, classes[found.argmax(axis=1)])
    return table
