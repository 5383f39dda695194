"""Predictions of a fitted model for new guide-target pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import Pairs, read_pairs
from pajamo.errors import DataError, ModelError
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.predicting import experiment_of, known_inputs

AT_ONCE = 65_536
"""Pairs that are predicted together: a million would take gigabytes."""


def predict_pairs(
    model: AssayModel,
    guides: Sequence[str] | str,
    targets: Sequence[str],
    *,
    experiment: str | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
) -> pd.DataFrame:
    """What an experiment would record of guides and targets that it has not seen.

    Parameters
    ----------
    model: fitted to guide-target pairs.
    guides: one a pair, written as in the study: 5' to 3' with the PAM; or one guide for all targets.
    targets: one a pair, with the bases at the place of the PAM. Pairs with gaps count as aligned.
    experiment: which of the model's experiments is imitated; the only one if not given. It says which enzyme cuts.
    inputs: concentrations, one number for all or one a pair; by default the number that the experiment gives.

    Returns
    -------
    One row a pair: `guide` and `target` as given; `activity`, on the mechanism's own scale (a rate in 1/s where a
    scheme makes the output); `expected`, the mean of what is recorded: log10 of the rate in 1/s, or the probability
    that a site is found cut.

    Raises
    ------
    DataError: a guide without the PAM or with N in its protospacer, a letter outside the alphabet, a guide longer
        than the model was fitted to (or shorter, where all were of one length), or a concentration below zero.
    ModelError: the model is not fitted, or not to pairs, or has no such experiment; an input is missing or not known.
    """
    given = [guides] * len(targets) if isinstance(guides, str) else list(guides)
    rows = rows_of_pairs(model, given, targets, experiment=experiment, inputs=inputs)
    numbers = np.arange(rows.n)
    parts = [
        model.predict(rows.rows(numbers[start : start + AT_ONCE])) for start in range(0, rows.n, AT_ONCE)
    ]
    found = pd.concat(parts, ignore_index=True)[["activity", "expected"]]
    found.insert(0, "guide", given)
    found.insert(1, "target", list(targets))
    return found


def rows_of_pairs(
    model: AssayModel,
    guides: Sequence[str],
    targets: Sequence[str],
    *,
    experiment: str | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
) -> Experiment:
    """Pairs as the model reads them, with concentrations; nothing was recorded of them. See `predict_pairs`.

    Raises
    ------
    DataError, ModelError: as `predict_pairs`.
    """
    name = experiment_of(model, experiment)
    blueprint, frame = model.assembly.blueprint, model.frame
    if frame is None or not isinstance(frame.alphabet, PairAlphabet):
        raise ModelError(
            f"{model.name} was not fitted to guide-target pairs",
            where=model.name,
            fix="call predict_sequences for a model of sequences",
        )
    pairs = _pairs(model, name, list(guides), list(targets), frame.alphabet)
    codes = _codes(frame, frame.alphabet, pairs)
    known = known_inputs(model, blueprint, name, inputs or {}, len(codes))
    return Experiment(name, codes, {}, np.zeros(len(codes), dtype=np.int8), known)


def _pairs(
    model: AssayModel, experiment: str, guides: list[str], targets: list[str], alphabet: PairAlphabet
) -> Pairs:
    if not targets or len(guides) != len(targets):
        raise DataError(
            f"there are {len(guides)} guides and {len(targets)} targets",
            where="pairs",
            fix="give each guide its target, at least one, or one guide as text for all targets",
        )
    settings = model.experiments[experiment].pairs
    if settings is None:
        raise ModelError(f"experiment {experiment!r} of {model.name} has no pairs", where=model.name)
    return read_pairs(guides, targets, enzyme_of(settings.enzyme), pam=alphabet.pam)


def _codes(frame: Frame, alphabet: PairAlphabet, pairs: Pairs) -> Codes:
    """Codes of pairs, shape (pairs, positions of the model)."""
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets)
    short = frame.length - codes.shape[1]
    codes = np.pad(codes, ((0, 0), (0, max(short, 0))), constant_values=alphabet.missing)
    uneven = (codes[:, frame.length - 1] == alphabet.missing) & (not frame.varies)
    if codes.shape[1] > frame.length:
        uneven |= codes[:, frame.length] != alphabet.missing
    if uneven.any():
        row = int(np.argmax(uneven))
        guide = pairs.different[pairs.guide_of[row]]
        raise DataError(
            f"a guide with its PAM has {len(guide)} letters, the model was fitted to {frame.length} positions",
            where=f"pairs, row {row}: {pairs.enzyme.as_written(guide)!r}",
            why="what a position means is known for guides of that length only",
            fix="give guides of the length that was measured",
        )
    return codes
