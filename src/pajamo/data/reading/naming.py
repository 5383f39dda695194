"""Recognising how other tools write combinations, guides and gene identifiers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from pajamo.data.conditions import CONTROL_TOKENS, SEPARATOR

SEPARATORS = ("_", "-", ";", "|", ",", "&", ":", "/", " ")
"""What other tools write between the genes of a combination."""

ENSEMBL = re.compile(r"^ENS[A-Z]{0,6}G\d{11}(?P<version>\.\d+)?$")
"""An Ensembl gene identifier, with or without a version."""

SPREADSHEET_DATE = re.compile(r"^\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)$")
"""What spreadsheet programs make of gene symbols such as MARCH1 and SEPT2."""

GUIDE = re.compile(
    r"^(?P<gene>.+?)(?:[_\-.](?:sgRNA|gRNA|guide|sg|g)?\d+|_P1P2|_P[12]|_[ACGT]{15,})+$", re.IGNORECASE
)
"""A gene with the number, promoter or sequence of a guide behind it."""


def split_combination(label: str, separator: str, known: Collection[str]) -> tuple[str, ...] | None:
    """The genes of a label that joins known names with this separator, or None.

    A name that is known as a whole (HLA-A) is not a combination.
    """
    if separator not in label or label in known:
        return None
    parts = tuple(part.strip() for part in label.split(separator))
    recognised = all(part in known or part.lower() in CONTROL_TOKENS for part in parts)
    return parts if recognised and len(parts) > 1 else None


def other_separators(labels: Iterable[str], genes: Collection[str]) -> dict[str, list[str]]:
    """For each separator other than "+", the labels that it joins.

    A part counts as known if it is a measured gene, or a label of its own without any separator.
    """
    labels = [label for label in labels if SEPARATOR not in label]
    plain = {label for label in labels if not any(s in label for s in SEPARATORS)}
    known = plain | set(genes)
    found = {s: [label for label in labels if split_combination(label, s, known)] for s in SEPARATORS}
    return {separator: joined for separator, joined in found.items() if joined}


def has_control_token(label: str) -> bool:
    """Whether a combination writes "nothing" as one of its parts, as in "KLF1+ctrl"."""
    parts = [part.strip().lower() for part in label.split(SEPARATOR)]
    return len(parts) > 1 and not CONTROL_TOKENS.isdisjoint(parts)


def without_guide(name: str, genes: Collection[str]) -> str | None:
    """The measured gene to which a guide's name belongs, or None if the name is not a guide's."""
    match = GUIDE.match(name)
    return match["gene"] if match and name not in genes and match["gene"] in genes else None
