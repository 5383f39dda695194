"""`pajamo check --fix`: named choices applied in order, written to a new file, never over an old one."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import anndata
import numpy as np

from pajamo.config import DataSettings
from pajamo.data.atomic import replace_file, sha256
from pajamo.data.checks.fix_choices import CHOICES, Choice, Work
from pajamo.data.reading.h5ad import FIXES, open_h5ad
from pajamo.data.reading.integrity import reading_errors
from pajamo.errors import DataError, nearest


def fix_choices() -> dict[str, str]:
    """What each named choice does, as it is written behind `--fix`."""
    return {_usage(choice): choice.description for choice in CHOICES.values()}


def fix_screen(path: str | Path, settings: DataSettings, choices: Sequence[str], out: str | Path) -> Path:
    """Apply named choices, in the order given, and write the result to a new h5ad.

    What was done is recorded in uns["pajamo_fixes"], one JSON text a choice, with the hash of the file
    that it was done to. Unlike reading, mending holds the whole file in memory.

    Raises
    ------
    DataError: an unknown choice (the nearest is named); `out` exists; a choice does not apply.
    IntegrityError: the file is truncated, damaged or hostile.
    StorageError: the disk is full or refuses; nothing is left behind.
    """
    path, out = Path(path), Path(out)
    steps = [parse_choice(text) for text in choices]
    if not steps:
        raise DataError("no fix is named", fix=f"choose from: {', '.join(fix_choices())}")
    _require_new(path, out)
    open_h5ad(path)
    with warnings.catch_warnings():
        # anndata warns of repeated names and old formats, which the user is about to mend.
        warnings.simplefilter("ignore")
        adata = _mended(path, settings, steps)
        replace_file(out, lambda temporary: adata.write_h5ad(temporary, compression="gzip"))
    return out


def _mended(path: Path, settings: DataSettings, steps: Sequence[tuple[Choice, str]]) -> anndata.AnnData:
    with reading_errors(path):
        work = Work(anndata.read_h5ad(path), settings)
    done = []
    for choice, argument in steps:
        work.effect = ""
        choice.apply(work, argument)
        done.append({"fix": f"{choice.name}={argument}" if argument else choice.name, "effect": work.effect})
    _record(work.adata, path, done)
    return work.adata


def parse_choice(text: str) -> tuple[Choice, str]:
    """Read "name" or "name=argument".

    Raises
    ------
    DataError: there is no such choice, or its argument is missing or not wanted.
    """
    name, equals, argument = text.partition("=")
    if name not in CHOICES:
        raise DataError(
            f"there is no fix called {name!r}",
            where="--fix",
            fix=f"{nearest(name, CHOICES)}choose from: {', '.join(fix_choices())}",
        )
    choice = CHOICES[name]
    if bool(choice.argument) != bool(equals and argument):
        raise DataError(
            f"the fix is written {_usage(choice)!r}, not {text!r}", where="--fix", fix="write it so"
        )
    return choice, argument


def _usage(choice: Choice) -> str:
    return f"{choice.name}=<{choice.argument}>" if choice.argument else choice.name


def _require_new(path: Path, out: Path) -> None:
    same = out.exists() and path.exists() and out.samefile(path)
    if out.exists():
        raise DataError(
            "a fix never overwrites the file it reads" if same else "the new file exists already",
            where=str(out),
            why="what was recorded stays as it is",
            fix="name another file with --output",
        )


def _record(adata: anndata.AnnData, path: Path, done: list[dict[str, str]]) -> None:
    before = [str(line) for line in adata.uns.get(FIXES, [])]
    source = {"file": path.name, "sha256": sha256(path)}
    now = [json.dumps({**step, **source}, ensure_ascii=False) for step in done]
    adata.uns[FIXES] = np.array(before + now, dtype=object)
