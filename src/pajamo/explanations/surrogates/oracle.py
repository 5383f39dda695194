"""Asking a model of sequences what it predicts: in batches, with every answer checked and kept."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from pajamo.data.assays.alphabet import alphabet_of
from pajamo.errors import DataError

Oracle: TypeAlias = Callable[[list[str]], ArrayLike]
"""Any function from sequences to one number each."""
Values = NDArray[np.float64]
_SHOWN = 60


def ask(
    oracle: Oracle,
    sequences: Sequence[str],
    *,
    batch: int = 256,
    cache: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Values:
    """What the oracle predicts of each sequence, shape (sequences,).

    Parameters
    ----------
    oracle: takes a list of sequences and returns one number for each.
    sequences: text.
    batch: most sequences of one call.
    cache: CSV file to which every answer is written at once, so that an interrupted assay goes on where it was. The
        first answer in it is asked for again, and must be the same.
    progress: is told how many sequences are done.

    Raises
    ------
    DataError: the oracle fails to return one finite number a sequence (the first such sequence is shown), or the
        cache holds the answers of another oracle.
    """
    known = {} if cache is None else _kept(cache, oracle)
    wanted = [sequence for sequence in dict.fromkeys(sequences) if sequence not in known]
    done = len(known)
    for first in range(0, len(wanted), batch):
        part = wanted[first : first + batch]
        answers = answered(oracle, part)
        if cache is not None:
            _keep(cache, part, answers)
        known.update(zip(part, answers.tolist(), strict=True))
        if progress is not None:
            progress(
                f"oracle: {min(first + batch, len(wanted))} of {len(wanted)} sequences ({done} from the cache)"
            )
    return np.array([known[sequence] for sequence in sequences])


def answered(oracle: Oracle, sequences: list[str]) -> Values:
    """One call of the oracle, checked.

    Raises
    ------
    DataError: not one finite number a sequence.
    """
    given: Any = oracle(list(sequences))
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu().numpy()
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _refused(
            f"the oracle returned {type(given).__name__}, which holds no numbers", str(error)
        ) from None
    if values.shape not in ((len(sequences),), (len(sequences), 1)):
        raise _refused(f"the oracle returned shape {values.shape} for {len(sequences)} sequences")
    values = values.reshape(-1)
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values)
        row = int(np.argmax(bad))
        raise _refused(
            f"the oracle returned {values[row]} for {int(bad.sum())} of {len(sequences)} sequences",
            where=f"first: {sequences[row][:_SHOWN]!r}",
        )
    return values


def _refused(what: str, why: str = "", where: str = "") -> DataError:
    fix = "let the oracle take a list of sequences and return one finite number for each, in the same order"
    return DataError(what, where=where or "oracle", why=why, fix=fix)


def of_module(
    module: nn.Module, alphabet: str = "dna", *, output: int = 0, channels_first: bool = True
) -> Oracle:
    """An oracle of a torch module that takes one-hot sequences of equal length.

    Parameters
    ----------
    module: put into evaluation mode; it takes (sequences, letters, length), or (sequences, length, letters) if not
        `channels_first`, in the order of the alphabet's letters, and returns (sequences,) or (sequences, outputs).
    alphabet: its name, or its letters.
    output: which of several outputs is asked for.
    """
    letters = alphabet_of(alphabet)
    weight = next(module.parameters(), torch.zeros(()))

    @torch.no_grad()
    def oracle(sequences: list[str]) -> Values:
        codes = torch.as_tensor(letters.encode(sequences)).long()
        one_hot = nn.functional.one_hot(codes, len(letters.letters)).to(weight.device, weight.dtype)
        module.eval()
        said = module(one_hot.transpose(1, 2) if channels_first else one_hot)
        answers: Values = (said if said.ndim == 1 else said[:, output]).double().cpu().numpy()
        return answers

    return oracle


def _kept(cache: Path, oracle: Oracle) -> dict[str, float]:
    if not cache.exists():
        return {}
    lines = cache.read_text().splitlines(keepends=True)
    # A line that was cut short by an interruption has no end, and is asked for again.
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        cache.write_text("".join(whole))
    try:
        known = {sequence: float(value) for sequence, value in csv.reader(whole)}
    except ValueError:
        raise DataError(
            "the cache of an oracle holds something else",
            where=str(cache),
            fix="name another file as `cache`",
        ) from None
    if known:
        first = next(iter(known))
        again = float(answered(oracle, [first])[0])
        if not np.isclose(again, known[first], rtol=1e-4, atol=1e-6):
            raise DataError(
                "the cache holds the answers of another oracle",
                where=f"{cache}: {first[:_SHOWN]!r} was {known[first]:g} and is now {again:g}",
                fix="name another file as `cache`, or delete this one",
            )
    return known


def _keep(cache: Path, sequences: list[str], answers: Values) -> None:
    with cache.open("a") as file:
        file.write("".join(f"{s},{value!r}\n" for s, value in zip(sequences, answers.tolist(), strict=True)))
