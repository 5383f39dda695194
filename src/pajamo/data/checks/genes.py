"""Rules about genes: identifiers, whether perturbed genes were measured, and whether the targets respond."""

from __future__ import annotations

from math import comb
from typing import cast

import numpy as np
import pandas as pd

from pajamo.data.checks.rule import Finding, rule
from pajamo.data.checks.subject import Subject
from pajamo.data.checks.targets import target_changes
from pajamo.data.reading.naming import ENSEMBL, SPREADSHEET_DATE
from pajamo.errors import shorten

MANY = 10
"""Targets from which the share that goes up or down says something."""
CLEAR, UNCLEAR = 0.75, 0.6
"""Share of targets that go the same way: what CRISPRi and CRISPRa give, and what chance gives."""
LIKELY = 0.05
"""Probability from which so many targets would go the same way by chance."""


@rule(
    "gene-names",
    "gene identifiers",
    "perturbations, priors and other screens are matched by the names of genes",
)
def _gene_names(subject: Subject) -> Finding:
    names = pd.Series(subject.opened.var.index.astype(str))
    ensembl = names.str.match(ENSEMBL.pattern)
    dates = names[names.str.match(SPREADSHEET_DATE.pattern)]
    if len(dates):
        text = f"{len(dates)} names were turned into dates by a spreadsheet program; restore them"
        return Finding("warning", text, pd.DataFrame({"gene": dates}))
    if not ensembl.any():
        return Finding("ok", f"symbols or other names: {shorten(names, 3)}")
    versions = int(names.str.contains(r"\.\d+$")[ensembl].sum())
    kind = "all" if ensembl.all() else f"{int(ensembl.sum()):,} of {len(names):,}"
    text = f"{kind} names are Ensembl identifiers" + (f", {versions:,} with a version" if versions else "")
    mixed = not ensembl.all()
    return Finding("note" if versions or mixed else "ok", text, _symbols(subject))


def _symbols(subject: Subject) -> pd.DataFrame | None:
    """Columns of var that name the perturbed genes, which the index does not."""
    perturbed = subject.perturbed or set()
    var = subject.opened.var
    found = [(str(name), int(values.astype(str).isin(perturbed).sum())) for name, values in var.items()]
    rows = pd.DataFrame([row for row in found if row[1]], columns=["column of var", "perturbed genes in it"])
    return None if rows.empty else rows


@rule(
    "perturbed-measured",
    "perturbed genes among the measured",
    "whether a perturbation worked is seen in its own gene, and models find it by its name",
    needs=("perturbed",),
)
def _perturbed_measured(subject: Subject) -> Finding:
    assert subject.perturbed is not None
    absent = sorted(subject.perturbed - set(subject.opened.var.index))
    total = len(subject.perturbed)
    if not absent:
        return Finding("ok", f"all {total} perturbed genes were measured")
    rows = pd.DataFrame({"perturbed gene": absent})
    by_column = _symbols(subject)
    if len(absent) == total and by_column is not None:
        column = by_column["column of var"].iloc[int(by_column["perturbed genes in it"].argmax())]
        text = f"no perturbed gene is a name of var, but column {column!r} of var has them: make it the index"
        return Finding("warning", text, by_column)
    text = f"{len(absent)} of {total} perturbed genes were not measured (or have another name)"
    return Finding("warning" if len(absent) > total / 2 else "note", text, rows)


@rule(
    "own-target",
    "effect on the perturbed gene itself",
    "CRISPRi and many knockouts lower the target, CRISPRa raises it: neither would mean labels are wrong",
    needs=("values", "design", "control_label"),
)
def _own_target(subject: Subject) -> Finding:
    changes = target_changes(subject)
    if len(changes) < 2:
        return Finding("note", "not checked: fewer than two single targets are measured well enough")
    up = float((changes["change"] > 0).mean())
    share, way = (up, "up, as in CRISPRa") if up >= 0.5 else (1 - up, "down, as in CRISPRi or knockout")
    text = f"{share:.0%} of {len(changes)} single targets go {way}"
    signs = cast("np.ndarray", np.sign(changes["change"].to_numpy()))
    against = changes[signs != (1 if up >= 0.5 else -1)]
    if share >= CLEAR and by_chance(round(share * len(changes)), len(changes)) < LIKELY:
        return Finding("ok", text, against if len(against) else None)
    if share < UNCLEAR and len(changes) >= MANY:
        text = f"{text}: no common direction (a knockout need not change the transcript)"
        return Finding("warning", text, changes)
    return Finding("note", text, changes)


def by_chance(same: int, total: int) -> float:
    """Probability that at least this many of the targets go the same way, either way, if each were a coin."""
    ways = sum(comb(total, k) for k in range(same, total + 1))
    return float(min(1.0, 2 * ways / 2**total))
