"""Energy matrices of a fitted mechanism as long tables, with errors and with what the library says of each letter."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauges import Array, LetterMap, fix_gauge, gauged_covariance
from pajamo.explanations.assays.gauging import (
    GaugeName,
    gauge_distribution,
    letter_counts,
    linear_readers,
    wild_type_window,
)
from pajamo.explanations.assays.information import Information
from pajamo.models.assays.model import AssayModel

LARGEST = 4000
"""Weights of a reader beyond which the covariance of all of them is not made; errors are then left out."""


def energy_table(
    model: AssayModel, assay: Assay, found: Information, *, level: float = 0.9, gauge: GaugeName = "wild-type"
) -> pd.DataFrame:
    """The weight of every letter at every position of every linear reader, in a gauge.

    In the wild-type gauge a weight is what the mutation costs. A letter that no training sequence has there, alone
    or as the only one, is known from the prior alone: it is flagged and gets no interval.

    Returns
    -------
    One row a letter: `site` (the reader), `position` (in the window, counted from 0), `in_sequence` (in the sequence,
    for readers of one place on the forward strand; else -1), `letter`, `wild_type` (whether it is), `value`, `se`,
    `low`, `high` (Laplace), `unit`, `sequences` with the letter in the training set, `observed`.
    """
    tables = [_of_reader(model, assay, found, name, level, gauge) for name in linear_readers(model.assembly)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"site": []})


def _of_reader(
    model: AssayModel, assay: Assay, found: Information, name: str, level: float, gauge: GaugeName
) -> pd.DataFrame:
    assembly, encoder = model.assembly, model.assembly.reader(name)
    distribution = gauge_distribution(assembly, name, gauge, assay)
    terms = [term for term in assembly.blueprint.terms if term.encoder == name]
    in_kT = terms[0].unit == "kT"
    scale = assembly.blueprint.kT if in_kT else 1.0
    values = scale * fix_gauge(LetterMap.of(encoder), distribution).singles
    errors = scale * _errors(model, found, name, distribution)
    counts = (
        sum(letter_counts(assembly, name, e.codes) for e in assay.part("training").experiments) + 0 * values
    )
    length, letters = values.shape
    observed = (counts > 0) & ((counts > 0).sum(axis=1, keepdims=True) > 1)
    half = np.where(observed, float(stats.norm.ppf((1 + level) / 2)) * errors, np.nan)
    native = wild_type_window(assembly, name, assay.wild_type)
    placed = len(terms) == 1 and terms[0].strand == "+"
    return pd.DataFrame(
        {
            "site": name,
            "position": np.repeat(np.arange(length), letters),
            "in_sequence": np.repeat(
                np.arange(length) + terms[0].start if placed else -np.ones(length, int), letters
            ),
            "letter": list(assembly.letters) * length,
            "wild_type": (native[:, None] == np.arange(letters)).ravel(),
            "value": values.ravel(),
            "se": np.where(observed, errors, np.nan).ravel(),
            "low": (values - half).ravel(),
            "high": (values + half).ravel(),
            "unit": "kcal/mol" if in_kT else terms[0].unit or "1",
            "sequences": counts.ravel().astype(np.int64),
            "observed": observed.ravel(),
        }
    )


def _errors(model: AssayModel, found: Information, name: str, distribution: Array) -> Array:
    """Standard errors of the letters' weights in the gauge, shape (length, letters)."""
    encoder = model.assembly.reader(name)
    shape = distribution.shape
    if len(found.bases[name]) > LARGEST or not found.positive:
        return np.full(shape, np.nan)
    covariance = gauged_covariance(encoder, found.weights_covariance(name), distribution)
    variances = covariance.diagonal()[1 : 1 + shape[0] * shape[1]]
    return np.sqrt(np.maximum(variances, 0.0)).reshape(shape)
