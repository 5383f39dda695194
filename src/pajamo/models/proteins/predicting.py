"""What a fine-tuned model says of proteins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.models.proteins.packing import BUDGET, Shown, Tokens, enclosed, in_packs
from pajamo.models.proteins.property import PropertyModel

Prediction = NDArray[np.float32]


def predict_properties(
    model: PropertyModel, proteins: Iterable[Tokens], *, budget: int = BUDGET
) -> Iterator[Prediction]:
    """Predict the property of each protein, in their order.

    Parameters
    ----------
    proteins: tokens of residues, without <cls> and <eos>.
    budget: tokens that are worked on at once.

    Yields
    ------
    For each protein: a number, shape (); probabilities of classes, shape (classes,); or, for a property of residues,
    shape (residues, classes).
    """
    of_residues = model.sought.kind == "residues"
    shown = (
        Shown(enclosed(residues), range(1, len(residues) + 1) if of_residues else ()) for residues in proteins
    )
    for pack in in_packs(shown, budget):
        found = model.predict(PackedTokens.of(pack, model.head.weight.device)).cpu().numpy()
        yield from np.split(found, np.cumsum(pack.lengths - 2)[:-1]) if of_residues else found
