"""The tables of sites that an ensemble learns from: each pair once, without what would mislead it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import AssayStudy, CutSettings, TransferSettings
from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.pairing import Codes, channels, parts
from pajamo.errors import DataError, ModelError

Array = NDArray[np.float64]
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sites:
    """Pairs of all tables, each once in a table.

    Attributes
    ----------
    codes: pairs, shape (sites, length).
    label: 1 found, 0 not, shape (sites,).
    table: place of the experiment, shape (sites,).
    guide: number of the guide, alike in all tables, shape (sites,).
    notes: what was left out, for a person.
    """

    codes: Codes
    label: Array
    table: Places
    guide: Places
    notes: tuple[str, ...]


def cut_experiments(study: AssayStudy) -> list[str]:
    """Names of the experiments that recorded which sites were found cut.

    Raises
    ------
    ModelError: there is none.
    """
    names = [name for name, e in study.experiments.items() if isinstance(e.measurement, CutSettings)]
    if not names:
        raise ModelError(
            "there is nothing to transfer to",
            where="experiments",
            why="no experiment recorded which sites were found cut",
            fix='add a table with measurement = { kind = "cut" }',
        )
    return names


def guide_numbers(assay: Assay) -> list[Places]:
    """Number of the guide of each row of each experiment: rows whose guides have the same bases share one."""
    own = [parts(experiment.codes)[0] for experiment in assay.experiments]
    number = np.unique(np.concatenate(own), axis=0, return_inverse=True)[1].ravel()
    return list(np.split(number, np.cumsum([len(each) for each in own])[:-1]))


def training_sites(assay: Assay, settings: TransferSettings) -> Sites:
    """The training rows of tables of sites, without far and without unlisted ones, each pair once.

    A pair that is found in one row counts as found.

    Raises
    ------
    DataError: no site that was found is left, or none that was not.
    """
    guides = guide_numbers(assay)
    found = [
        _sites(experiment, place, own, pam_of(assay), settings)
        for place, (experiment, own) in enumerate(zip(assay.experiments, guides, strict=True))
    ]
    total = Sites(
        np.concatenate([each.codes for each in found]),
        np.concatenate([each.label for each in found]),
        np.concatenate([each.table for each in found]),
        np.concatenate([each.guide for each in found]),
        tuple(note for each in found for note in each.notes),
    )
    if len(np.unique(total.label)) < 2:
        raise DataError(
            "there is nothing to learn from",
            where=f"training set, {len(total.label)} sites",
            why="it needs sites that were found and sites that were not, of guides that are not held out",
            fix="hold out fewer guides, or add tables",
        )
    return total


def pam_of(assay: Assay) -> int:
    """Positions of the PAM of an assay of pairs."""
    assert isinstance(assay.alphabet, PairAlphabet)
    return assay.alphabet.pam


def changes_of(codes: Codes, pam: int) -> NDArray[np.int64]:
    """Mismatches and bulges of each pair outside of the PAM, shape (pairs,)."""
    listed = channels("kind").sum(axis=1)
    return np.asarray(listed[codes[:, pam:]].sum(axis=1))


def listed_rows(experiment: Experiment, pam: int, settings: TransferSettings) -> Flags:
    """Rows that count, in whatever set: not too different, and no matched target that the table does not list."""
    far, unlisted = _left_out(experiment, pam, settings)
    return ~far & ~unlisted


def _left_out(experiment: Experiment, pam: int, settings: TransferSettings) -> tuple[Flags, Flags]:
    """Rows that are too different, and matched targets that the table does not list."""
    codes, label = experiment.codes, experiment.recorded["label"]
    far = changes_of(codes, pam) > settings.most_changes
    return far, (changes_of(codes, 0) == 0) & (label == 0) & settings.drop_matched


def _sites(experiment: Experiment, place: int, guides: Places, pam: int, settings: TransferSettings) -> Sites:
    codes, label = experiment.codes, experiment.recorded["label"]
    training = experiment.set_of == SETS.index("training")
    far, unlisted = _left_out(experiment, pam, settings)
    notes = tuple(_notes(experiment.name, training & far, training & unlisted, label, settings.most_changes))
    rows = np.flatnonzero(training & ~far & ~unlisted)
    # Found ones first, so that the first row of each pair says whether any was found.
    rows = rows[np.argsort(-label[rows], kind="stable")]
    whole = np.ascontiguousarray(codes[rows]).view(np.dtype((np.void, codes.shape[1])))[:, 0]
    rows = rows[np.unique(whole, return_index=True)[1]]
    return Sites(codes[rows], label[rows], np.full(len(rows), place), guides[rows], notes)


def _notes(name: str, far: Flags, unlisted: Flags, label: Array, most: int) -> Iterator[str]:
    if far.any():
        found, total = int(label[far].sum()), int(far.sum())
        yield f"{name}: {total:,} rows with more than {most} changes are left out, {found:,} of them found"
    if unlisted.any():
        yield f"{name}: {int(unlisted.sum()):,} rows whose target matches the guide, labelled 0, are left out"
