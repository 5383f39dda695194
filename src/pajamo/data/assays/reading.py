"""Reading the tables of an assay as its study says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.config.assays import AssayStudy
from pajamo.data.assays.alphabet import Alphabet, Codes, alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.lengths import padded, require_wild_type_length
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.matched import matched_target
from pajamo.data.assays.pairs.splitting import guide_sets
from pajamo.data.assays.parts import Part, longest_pam, read_parts
from pajamo.data.assays.splitting import Sets, declared_sets, random_sets, require_training
from pajamo.errors import DataError


def read_assay(study: AssayStudy) -> Assay:
    """Read every experiment of a study.

    Sequences may differ in length; shorter ones end in the alphabet's missing code. Where a table does not say which
    set a sequence belongs to, it is drawn by the sequence, unless another table of the study says. Guide-target pairs
    are read from the PAM outwards, and their sets are those of their guides where the study names guides.

    Raises
    ------
    DataError: a table is missing, empty, lacks a column, or holds what an instrument cannot record; the file, the row
        and what to do are named.
    SplitError: a table's own split puts a sequence into two sets; the guides that are held out leave none to learn
        from.
    StudyError: an alphabet, a concentration, a limit or an enzyme that cannot be; a guide that is in no table.
    MissingExtraError: a Parquet table, and pyarrow is not installed.
    """
    parts = read_parts(study)
    sets = _sets(parts, study)
    alphabet = alphabet_of(study.alphabet)
    if isinstance(alphabet, PairAlphabet):
        alphabet = PairAlphabet(pam=longest_pam(study))
    codes = [_codes(part, alphabet) for part in parts]
    wild_type = _wild_type(study, alphabet, parts, codes)
    longest = max(len(wild_type), *(int(c.shape[1]) for c in codes))
    experiments = tuple(
        Experiment(part.name, padded(own, longest, alphabet), part.recorded, of, part.inputs, _enzyme(part))
        for part, own, of in zip(parts, codes, sets, strict=True)
    )
    return Assay(alphabet, padded(wild_type[None], longest, alphabet)[0], experiments)


def _enzyme(part: Part) -> str:
    return "" if part.pairs is None else part.pairs.enzyme.name


def _codes(part: Part, alphabet: Alphabet) -> Codes:
    if part.pairs is None or not isinstance(alphabet, PairAlphabet):
        return alphabet.encode(part.sequences, part.table.where, part.table.rows)
    return alphabet.encode_pairs(part.pairs.guides, part.pairs.targets, part.table.where, part.table.rows)


def most_frequent(codes: Codes, alphabet: Alphabet) -> Codes:
    """The most frequent letter at each position, shape (length,)."""
    letters = len(alphabet.letters)
    return np.array(
        [np.bincount(column, minlength=letters)[:letters].argmax() for column in codes.T], dtype=np.uint8
    )


def _wild_type(study: AssayStudy, alphabet: Alphabet, parts: list[Part], codes: list[Codes]) -> Codes:
    pairs = [part.pairs for part in parts if part.pairs is not None]
    if isinstance(alphabet, PairAlphabet):
        return matched_target(study, pairs, alphabet)
    if study.wild_type is None:
        longest = max(c.shape[1] for c in codes)
        return most_frequent(np.concatenate([padded(c, longest, alphabet) for c in codes]), alphabet)
    for part in parts:
        require_wild_type_length(study, part.table, part.sequences)
    given: Codes = alphabet.encode([study.wild_type], where="wild_type")[0]
    return given


def _sets(parts: list[Part], study: AssayStudy) -> list[Sets]:
    """The set of each row of each experiment."""
    by_guide = bool(study.test_guides or study.validation_guides)
    sets = (guide_sets if by_guide else _drawn)(parts, study)
    for part, own in zip(parts, sets, strict=True):
        drawn = "table's own" if part.sets is not None else "random"
        require_training(own, part.table, "study's (by guide)" if by_guide else drawn)
    return sets


def _drawn(parts: list[Part], study: AssayStudy) -> list[Sets]:
    """Sets as the tables say, else drawn by the sequence."""
    declared = {part.name: (part.sequences, part.sets) for part in parts if part.sets is not None}
    known = declared_sets(declared) if len(parts) > 1 else {}
    drawn = [part for part in parts if part.sets is None]
    different = len(pd.unique(np.array([s for part in drawn for s in part.sequences], dtype=object)))
    wanted = 1 + sum(share > 0 for share in study.holdout)
    if drawn and not known and different < wanted:
        raise DataError(
            f"{different} different sequences cannot be split into {wanted} sets",
            where=drawn[0].table.where,
            fix="`holdout = [0, 0]` in the study keeps all of them for training",
        )
    return [
        random_sets(part.sequences, study.holdout, study.seed, known) if part.sets is None else part.sets
        for part in parts
    ]
