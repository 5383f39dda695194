"""Results by class of genetic interaction, where somebody has labelled the pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pajamo.data.conditions import SEPARATOR
from pajamo.errors import StudyError, shorten

UNLABELLED = "unlabelled"
Categories = Mapping[tuple[str, ...], str]


def read_categories(path: Path) -> dict[tuple[str, ...], str]:
    """Read {"ADDITIVE": ["A+B", ...], ...}; the order of genes within a pair does not matter.

    Returns
    -------
    The class of each sorted gene set.

    Raises
    ------
    StudyError: missing, not of this form, or a pair in two classes.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError("the file of categories cannot be read", where=str(path), why=str(error)) from None
    if not isinstance(raw, dict) or not all(_is_list_of_text(pairs) for pairs in raw.values()):
        raise StudyError(
            "the file of categories is not a table of lists",
            where=str(path),
            fix='write {"ADDITIVE": ["A+B"], ...}',
        )
    found: dict[tuple[str, ...], str] = {}
    for category, pairs in raw.items():
        for pair in pairs:
            genes = _key(pair)
            if found.setdefault(genes, category) != category:
                raise StudyError(f"{pair} is both {found[genes]} and {category}", where=str(path))
    if not found:
        raise StudyError("the file of categories labels no pair", where=str(path))
    return found


def by_category(scores: pd.DataFrame, categories: Categories) -> pd.DataFrame:
    """Mean of each model and metric within each class.

    Parameters
    ----------
    scores: rows of `score`; its column `genes` is matched with the categories.

    Returns
    -------
    Columns category, model, metric, mean, n_conditions; pairs without a label stand under "unlabelled".

    Raises
    ------
    StudyError: no scored pair has a label, which means that names do not match.
    """
    label = scores["genes"].map(lambda genes: categories.get(_key(genes), UNLABELLED))
    if (label == UNLABELLED).all():
        known = [SEPARATOR.join(genes) for genes in categories]
        raise StudyError(
            "no scored pair has a category",
            why=f"scored: {shorten(sorted(set(scores['genes'])), 4)}; labelled: {shorten(known, 4)}",
            fix="use the same gene names in both",
        )
    grouped = scores.assign(category=label).groupby(["category", "model", "metric"], sort=False)
    table = grouped.agg(mean=("value", "mean"), n_conditions=("condition", "nunique"))
    return table.reset_index()


def _key(pair: str) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in str(pair).split(SEPARATOR)}))


def _is_list_of_text(pairs: object) -> bool:
    return isinstance(pairs, list) and all(isinstance(pair, str) for pair in pairs)
