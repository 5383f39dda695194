"""The target that a guide pairs with throughout: what every other pair of a study is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pajamo.config.assays import AssayStudy
from pajamo.data.assays.pairs.alphabet import BETWEEN, PairAlphabet
from pajamo.data.assays.pairs.guides import Pairs
from pajamo.data.assays.pairs.letters import BEFORE
from pajamo.data.assays.pairs.pairing import Codes
from pajamo.errors import StudyError


def matched_target(study: AssayStudy, pairs: Sequence[Pairs], alphabet: PairAlphabet) -> Codes:
    """Codes of the most frequent guide with its matched target, shape (length,): every position is a match.

    Raises
    ------
    StudyError: the study gives a wild type.
    """
    if study.wild_type is not None:
        raise StudyError(
            "a study of guide-target pairs has no wild type",
            where="wild_type",
            why="each pair is compared with the matched target of its own guide",
            fix="leave `wild_type` out",
        )
    rows: Counter[str] = Counter()
    for own in pairs:
        before = BEFORE * (alphabet.pam - len(own.enzyme.pam))
        counted = np.bincount(own.guide_of, minlength=len(own.different)).tolist()
        rows.update({before + guide: count for guide, count in zip(own.different, counted, strict=True)})
    (guide, _), *_ = rows.most_common(1)
    codes: Codes = alphabet.encode([f"{guide}{BETWEEN}{guide}"], where="matched target")[0]
    return codes
