"""What a fine-tuned model must beat: no model at all, what residues a protein has, and the model as it was before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import TOKENS
from pajamo.data.proteins.labelled import LabelledProteins
from pajamo.data.pseudobulk import Array
from pajamo.models.proteins.embedding import embed_proteins, embed_residues
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.fine_tuning.linear import Logistic, Ridge, fit_logistic, fit_ridge
from pajamo.pipeline.proteins.fine_tuning.sets import LabelledSets, known_labels, known_places

MEAN: Final = "mean"
MAJORITY: Final = "majority"
BY_TYPE: Final = "majority of each residue's type"
COMPOSITION: Final = "composition and length"
FROZEN: Final = "frozen embeddings"
MOST_RESIDUES: Final = 50_000
"""Residues that a regression on embeddings learns from, drawn at random, and as many on which it is chosen."""


def told_by_baselines(sets: LabelledSets, base: ProteinLanguageModel, progress: Progress) -> dict[str, Array]:
    """What each baseline says of the test proteins, or of their residues with a label.

    Parameters
    ----------
    base: the model before it was fine-tuned.

    Returns
    -------
    By name, numbers, or probabilities of classes.
    """
    progress("baselines: a linear map on the model's embeddings as they were")
    if sets.proteins.kind == "residues":
        return {BY_TYPE: _by_type(sets), FROZEN: _frozen_residues(sets, base)}
    described = {COMPOSITION: composition(sets.proteins), FROZEN: _means(sets.proteins, base)}
    name = MEAN if sets.proteins.kind == "regression" else MAJORITY
    return {name: _constant(sets), **{by: _linear(sets, one) for by, one in described.items()}}


def composition(proteins: LabelledProteins) -> Array:
    """Share of each letter, and ln of the number of residues; shape (proteins, 34)."""
    counts = np.stack([np.bincount(one, minlength=len(TOKENS)) for one in proteins.tokens]).astype(np.float64)
    lengths = counts.sum(axis=1, keepdims=True)
    return np.concatenate([counts / lengths, np.log(lengths)], axis=1)


def _constant(sets: LabelledSets) -> Array:
    """The mean of the numbers that were learned from, or how frequent each class is, for every protein."""
    labels, tested = known_labels(sets.proteins, sets.split.training), len(sets.split.test)
    if sets.proteins.kind == "regression":
        return np.full(tested, labels.mean())
    return np.tile(_frequencies(np.bincount(labels, minlength=len(sets.proteins.classes))), (tested, 1))


def _frequencies(counts: NDArray[Any]) -> Array:
    """Shares, with one more of each class, so that none is impossible."""
    more = counts + 1.0
    return np.asarray(more / more.sum(axis=-1, keepdims=True))


def _by_type(sets: LabelledSets) -> Array:
    """How frequent each class is among residues of the same letter."""
    proteins, training = sets.proteins, sets.split.training
    counts = np.zeros((len(TOKENS), len(proteins.classes)))
    np.add.at(counts, (_letters(proteins, training), known_labels(proteins, training)), 1.0)
    return _frequencies(counts)[_letters(proteins, sets.split.test)]


def _letters(proteins: LabelledProteins, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tokens of all residues with a label."""
    found = [proteins.tokens[number][known_places(proteins, number)] for number in numbers]
    return np.concatenate(found).astype(np.int64)


def _means(proteins: LabelledProteins, base: ProteinLanguageModel) -> Array:
    """Mean of each protein's residues as the model described them before; shape (proteins, width)."""
    return np.concatenate(list(embed_proteins(base, proteins.tokens))).astype(np.float64)


def _linear(sets: LabelledSets, described: Array) -> Array:
    split, labels = sets.split, np.asarray(sets.proteins.labels)
    fit: Ridge | Logistic
    learned, kept = described[split.training], described[split.validation]
    if sets.proteins.kind == "regression":
        numbers = labels.astype(np.float64)
        fit = fit_ridge(learned, numbers[split.training], kept, numbers[split.validation])
    else:
        of = labels.astype(np.int64)
        number = len(sets.proteins.classes)
        fit = fit_logistic(learned, of[split.training], kept, of[split.validation], number)
    return fit(described[split.test])


def _frozen_residues(sets: LabelledSets, base: ProteinLanguageModel) -> Array:
    """A logistic regression on residues as the model described them before."""
    learned, labels = _drawn(sets, base, sets.split.training)
    kept, kept_labels = _drawn(sets, base, sets.split.validation)
    fit = fit_logistic(learned, labels, kept, kept_labels, len(sets.proteins.classes))
    return np.concatenate([fit(rows) for rows, _ in _described(sets, base, sets.split.test)])


def _drawn(
    sets: LabelledSets, base: ProteinLanguageModel, numbers: NDArray[np.int64]
) -> tuple[Array, NDArray[np.int64]]:
    """Descriptions and labels of a random choice of residues: others are let go of as soon as they are made."""
    lengths = np.array([len(known_places(sets.proteins, number)) for number in numbers])
    share = min(1.0, MOST_RESIDUES / max(1, lengths.sum()))
    taken = np.random.default_rng(sets.study.seed).random(lengths.sum()) < share
    pieces = np.split(taken, np.cumsum(lengths)[:-1])
    found = [
        (rows[piece], labels[piece])
        for piece, (rows, labels) in zip(pieces, _described(sets, base, numbers), strict=True)
    ]
    rows, labels = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(labels)


def _described(
    sets: LabelledSets, base: ProteinLanguageModel, numbers: NDArray[np.int64]
) -> Iterator[tuple[Array, NDArray[np.int64]]]:
    """Descriptions and labels of each protein's residues with a label."""
    made = embed_residues(base, (sets.proteins.tokens[number] for number in numbers))
    for number, rows in zip(numbers, made, strict=True):
        places = known_places(sets.proteins, number)
        yield rows[places].astype(np.float64), np.asarray(sets.proteins.labels[number])[places]
