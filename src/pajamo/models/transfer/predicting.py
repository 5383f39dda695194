"""Predictions of an ensemble for new guide-target pairs: probability, interval, and the step that is hit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t as students

from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import Pairs, read_pairs
from pajamo.data.assays.pairs.pairing import Codes, on_targets
from pajamo.errors import DataError
from pajamo.models.transfer.steps import steps_hit

if TYPE_CHECKING:
    from pajamo.models.transfer.model import TransferModel

Array = NDArray[np.float64]
LEVEL = 0.9
"""Share of what members like these would say that the interval holds."""


def predict_transfer(
    model: TransferModel,
    guides: Sequence[str] | str,
    targets: Sequence[str],
    experiment: str | None = None,
    *,
    competition: bool = False,
    steps: bool = True,
) -> pd.DataFrame:
    """Probability that each target is found cut by its guide.

    Parameters
    ----------
    model: trained.
    guides: one a pair, written as in the study: 5' to 3' with the PAM; or one guide for all targets.
    targets: one a pair, with the bases at the place of the PAM. Pairs with gaps count as aligned.
    experiment: table to which the probability refers (its share of sites that were found); the first if not given.
    competition: whether the targets of a guide are all its candidate sites, which compete for the nuclease.
    steps: whether to say which step a target hits.

    Returns
    -------
    One row a pair: `guide`, `target`; `probability`; `low`, `high`, the interval that holds 90 % of what members
    trained with other random choices and other guides would say (nan for a single member); `log10_activity`, the mean
    over members in the unit of the mechanism's rates; `step`, the term of the first member's mechanism whose change
    contributes most to the fall of the activity from the matched target, "" where it does not fall.

    Raises
    ------
    DataError: a guide without the PAM or with N in its protospacer, a letter outside the alphabet, a guide of another
        length than the ensemble was trained on.
    ModelError: the ensemble was not trained on such a table.
    """
    name = model.experiment(experiment)
    given = [guides] * len(targets) if isinstance(guides, str) else list(guides)
    pairs, codes = encoded(model, name, given, targets)
    # Alignments take time, and so do networks: what occurs several times is worked out once.
    different, place = _different(codes)
    activity = model.log10_activity(different)
    odds = model.calibrated_odds(activity, name)[:, place]
    if competition and model.settings.competition:
        # A guide's own target is no competitor of its off-targets: where there is one, every guide would have it.
        alphabet = model.frame.alphabet
        assert isinstance(alphabet, PairAlphabet)
        own = on_targets(codes, alphabet.pam)
        odds = competed(odds, pairs.guide_of * 2 + own, model.settings.competition)
    found = pd.DataFrame({"guide": given, "target": list(targets), **interval(odds)})
    found["log10_activity"] = activity.mean(axis=0)[place]
    if steps:
        found["step"] = np.array(steps_hit(model.members[0], different), dtype=object)[place]
    return found


def encoded(
    model: TransferModel, experiment: str, guides: Sequence[str], targets: Sequence[str]
) -> tuple[Pairs, Codes]:
    """Pairs as they are read, and their codes, shape (pairs, positions); `predict_transfer` says what is refused."""
    alphabet, settings = model.frame.alphabet, model.experiments[experiment].pairs
    assert isinstance(alphabet, PairAlphabet)
    assert settings is not None
    if not len(targets) or len(guides) != len(targets):
        raise DataError(
            f"there are {len(guides)} guides and {len(targets)} targets",
            where="pairs",
            fix="give each guide its target, at least one, or one guide as text for all targets",
        )
    pairs = read_pairs(list(guides), list(targets), enzyme_of(settings.enzyme), pam=alphabet.pam)
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets)
    if codes.shape[1] != model.frame.length or (codes[:, -1] == alphabet.missing).any():
        raise DataError(
            f"guides with their PAM have {codes.shape[1]} letters, the ensemble was trained on {model.frame.length}",
            where="pairs",
            why="what a position means is known for guides of that length only",
            fix="give guides of the length that it was trained on",
        )
    return pairs, codes


def interval(log_odds: Array) -> dict[str, Array]:
    """Probability of the mean log odds of the members, (members, pairs), and limits of its interval, each (pairs,).

    A member drawn anew lies within mean +- t sd sqrt(1 + 1/n) with this probability, where log odds are Gaussian.
    """
    count, mean = len(log_odds), log_odds.mean(axis=0)
    if count == 1:
        return {
            "probability": expit(mean),
            "low": np.full(len(mean), np.nan),
            "high": np.full(len(mean), np.nan),
        }
    reach = students.ppf((1 + LEVEL) / 2, count - 1) * np.sqrt(1 + 1 / count)
    half = reach * log_odds.std(axis=0, ddof=1)
    return {"probability": expit(mean), "low": expit(mean - half), "high": expit(mean + half)}


def competed(log_odds: Array, groups: NDArray[np.intp], share: float) -> Array:
    """Log odds, (..., sites), less a share of ln(1 + the summed odds of all sites of the same guide).

    Sites of a guide share out the nuclease that it brings: odds / (1 + sum of odds)^share. Where few sites are likely
    the sum is small, and nothing is taken off.

    Parameters
    ----------
    groups: the guide of each site, numbered from 0, shape (sites,).
    share: 0 for no competition, 1 where the nuclease is used up.
    """
    order = np.argsort(groups, kind="stable")
    first = np.unique(groups[order], return_index=True)[1]
    crowd = np.logaddexp.reduceat(log_odds[..., order], first, axis=-1)
    return log_odds - share * np.logaddexp(0.0, crowd)[..., np.unique(groups, return_inverse=True)[1]]


def _different(codes: Codes) -> tuple[Codes, NDArray[np.intp]]:
    """Different rows, and the place of each row among them."""
    whole = np.ascontiguousarray(codes).view(np.dtype((np.void, codes.shape[1])))[:, 0]
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    return codes[first], place
