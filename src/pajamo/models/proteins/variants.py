"""Effects of substitutions that a language model predicts without having seen a measurement.

A residue that evolution would rather see at a place is taken to be fitter there: the log odds of the new residue
against the old one.

Source: Meier et al. 2021 (10.1101/2021.07.09.450648), "Scoring with language models": masked marginal and wild-type
marginal probabilities. Several substitutions add up; each place is hidden alone, as in the code of that paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import MASK, TOKENS
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.pack import Pack
from pajamo.data.proteins.variants import Substitution
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import DataError, ModelError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.packing import BUDGET, Shown, Tokens, enclosed, in_packs

How = Literal["masked", "wild-type"]
LONGEST: Final = 1024
"""Tokens that ESM-2 saw at once while it was trained."""
PARTS: Final = 4
"""Windows of a long protein begin at multiples of this part of a window, so that neighbouring places share one."""


def score_variants(
    model: ProteinLanguageModel,
    wild_type: str,
    substitutions: Sequence[Sequence[Substitution]],
    how: How = "masked",
    *,
    longest: int = LONGEST,
    budget: int = BUDGET,
) -> NDArray[np.float64]:
    """Predict what substitutions do, without measurements.

    Parameters
    ----------
    wild_type: residues, one letter each.
    substitutions: of each variant; a variant without any is the wild type and scores zero.
    how: "masked" hides each place in turn, one pass for each place that is changed; "wild-type" reads all places
        in one pass, in which the model sees the residue it is asked about.
    longest: tokens that the model is shown at once; of a longer protein, a window around each place.
    budget: tokens that are worked on at once.

    Returns
    -------
    For each variant the sum over its substitutions of ln p(after) - ln p(before), in nats; shape (variants,). Higher
    is fitter.

    Raises
    ------
    DataError: a place outside of the wild type, another residue than stands there, or a letter outside the alphabet.
    ModelError: no such way of scoring, or windows too short to see anything.
    """
    _check(wild_type, substitutions, how, longest)
    residues = tokens_of(wild_type)
    places = sorted({one.place for variant in substitutions for one in variant})
    table = dict(zip(places, _log_probabilities(model, residues, places, how, longest, budget), strict=True))
    sums = (
        sum(
            table[one.place][TOKENS.index(one.after)] - table[one.place][TOKENS.index(one.before)]
            for one in variant
        )
        for variant in substitutions
    )
    return np.array([float(total) for total in sums], dtype=np.float64)


def window(place: int, tokens: int, longest: int) -> tuple[int, int]:
    """First token, and the one behind the last, of the stretch in which a token is seen.

    A protein that fits is seen whole; of a longer one, a stretch as long as fits that begins at a multiple of a
    quarter of its length and has the place near its middle.

    Parameters
    ----------
    place: number of the token in its protein, <cls> being 0.
    tokens: of the whole protein, <cls> and <eos> included.
    """
    if tokens <= longest:
        return 0, tokens
    step = longest // PARTS
    nearest = step * round((place - longest // 2) / step)
    begin = min(max(0, nearest), tokens - longest)
    return begin, begin + longest


def _log_probabilities(
    model: ProteinLanguageModel, residues: Tokens, places: list[int], how: How, longest: int, budget: int
) -> Iterator[NDArray[np.float64]]:
    """ln p of the 33 tokens at each place."""
    # Only a stretch with a protein's end shows <cls> or <eos>: so ESM-2 learned to tell stretches from proteins.
    whole, inside = enclosed(residues), [place + 1 for place in places]
    seen = [window(place, len(whole), longest) for place in inside]
    shown = _masked(whole, inside, seen) if how == "masked" else _as_it_is(whole, inside, seen)
    for pack in in_packs(shown, budget):
        yield from _asked(model, pack)


def _masked(whole: Tokens, places: list[int], seen: list[tuple[int, int]]) -> Iterator[Shown]:
    """A stretch for each place, in which it is hidden."""
    for place, (begin, end) in zip(places, seen, strict=True):
        tokens = whole[begin:end].copy()
        tokens[place - begin] = MASK
        yield Shown(tokens, [place - begin])


def _as_it_is(whole: Tokens, places: list[int], seen: list[tuple[int, int]]) -> Iterator[Shown]:
    """Each stretch once, with all places that are seen in it; places ascend, and so do their stretches."""
    for (begin, end), within in groupby(zip(places, seen, strict=True), key=lambda pair: pair[1]):
        yield Shown(whole[begin:end], [place - begin for place, _ in within])


@torch.inference_mode()
def _asked(model: ProteinLanguageModel, pack: Pack) -> NDArray[np.float64]:
    shown = PackedTokens.of(pack, model.encoder.embedding.weight.device)
    return model.log_probabilities(shown, shown.places).double().cpu().numpy()


def _check(wild_type: str, substitutions: Sequence[Sequence[Substitution]], how: How, longest: int) -> None:
    if how not in ("masked", "wild-type"):
        raise ModelError(f"unknown way of scoring {how!r}", fix='"masked" or "wild-type"')
    if longest < 2 * PARTS:
        raise ModelError(f"windows of {longest} tokens show nothing", fix=f"give at least {2 * PARTS}")
    for one in (one for variant in substitutions for one in variant):
        if not 0 <= one.place < len(wild_type) or wild_type[one.place] != one.before:
            raise DataError(
                f"{one.before}{one.place + 1}{one.after} does not start from the wild type",
                why=f"the wild type has {wild_type[one.place : one.place + 1] or 'nothing'!r} there"
                if one.place >= 0
                else "places are counted from 0",
                fix="give the wild type that was measured",
            )
        if one.after not in TOKENS:
            raise DataError(f"{one.after!r} is no residue", where=f"substitution at {one.place + 1}")
