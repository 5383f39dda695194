"""What a fine-tuned model is worth on proteins that nobody learned from, and what it says of each."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.proteins.properties import property_scores
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.property import PropertyModel
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.fine_tuning.baselines import told_by_baselines
from pajamo.pipeline.proteins.fine_tuning.predicting import told_of_labelled
from pajamo.pipeline.proteins.fine_tuning.sets import LabelledSets, known_labels, known_places

MODEL: Final = "fine-tuned model"


def judged(
    model: PropertyModel, base: ProteinLanguageModel, sets: LabelledSets, progress: Progress
) -> dict[str, pd.DataFrame]:
    """Scores on test beside all baselines, and the predictions of the model."""
    baselines = told_by_baselines(sets, base, progress)
    progress(f"judging on {len(sets.split.test):,} test proteins")
    own = told_of_labelled(model, sets.proteins, sets.split.test)
    scores = property_scores(
        sets.proteins.kind,
        known_labels(sets.proteins, sets.split.test),
        {MODEL: own, **baselines},
        _units(sets),
        baselines,
        sets.study.seed,
    )
    return {"scores": scores, "predictions": _predictions(sets, own)}


def _units(sets: LabelledSets) -> NDArray[np.int64]:
    """Family of each test protein, or of each of its residues with a label."""
    families, test = np.asarray(sets.split.families), sets.split.test
    if sets.proteins.kind != "residues":
        return families[test]
    return np.repeat(families[test], [len(known_places(sets.proteins, number)) for number in test])


def _predictions(sets: LabelledSets, own: Array) -> pd.DataFrame:
    """What was recorded of each test protein and what the model says; residues as texts, "-" where none is known."""
    proteins, test = sets.proteins, sets.split.test
    if proteins.kind == "residues":
        return _letters(sets, own.argmax(axis=1))
    recorded, told = np.asarray(proteins.labels)[test], own
    if proteins.kind == "classification":
        names = np.array(proteins.classes, dtype=object)
        recorded, told = names[recorded], names[own.argmax(axis=1)]
    return pd.DataFrame({"protein": test + 1, "recorded": recorded, "told": told})


def _letters(sets: LabelledSets, found: NDArray[np.intp]) -> pd.DataFrame:
    """One row a test protein; `found` holds the classes of all residues with a label, end to end."""
    names, begin = np.array(sets.proteins.classes, dtype=object), 0
    rows: list[dict[str, object]] = []
    for number in sets.split.test:
        places, labels = known_places(sets.proteins, number), np.asarray(sets.proteins.labels[number])
        told = found[begin : begin + len(places)]
        begin += len(places)
        recorded, said = (_text(names[one], places, len(labels)) for one in (labels[places], told))
        rows.append({"protein": number + 1, "recorded": recorded, "told": said})
    return pd.DataFrame(rows)


def _text(letters: NDArray[np.object_], places: NDArray[np.int64], length: int) -> str:
    written = np.full(length, "-", dtype=object)
    written[places] = letters
    return "".join(written)
