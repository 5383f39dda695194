"""Rules about the values: are they counts, are cells empty or extreme?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.data.checks.report import Status
from pajamo.data.checks.rule import Finding, rule
from pajamo.data.checks.subject import Subject
from pajamo.data.reading.columns import numbers
from pajamo.data.reading.screens import counts_elsewhere, require_scale
from pajamo.data.reading.values import Values, scan_values

EXTREME = 5.0
"""Robust standard deviations of the logarithm of library size beyond which a cell is listed."""
SLACK = 1.01
"""By how much the counts of a cell may exceed its stated library before it is listed."""


@rule(
    "counts",
    "counts",
    "library sizes and counting noise can only be read off integer counts, one molecule each",
)
def _counts(subject: Subject) -> Finding:
    opened, settings = subject.opened, subject.settings
    key = opened.key(settings.layer)
    values = scan_values(opened.open(key)) if subject.values is None else subject.values
    require_scale(opened, key, values, settings.scale)
    rows = pd.DataFrame(
        [(k, s.layout, str(s.dtype), f"{s.values:,}") for k, s in opened.matrices.items()],
        columns=["matrix", "layout", "type", "stored values"],
    )
    if settings.scale == "log1p":
        other = counts_elsewhere(opened, key)
        hint = f"; counts are in this file as well: {other}" if other else ""
        return Finding(
            "note", f"{key} fits ln(1 + CP10K), as set; no model of counts can be fitted{hint}", rows
        )
    return Finding("ok", f"{key} holds integer counts up to {values.largest:,.0f}")


@rule(
    "empty-cells",
    "empty cells",
    "counts are divided by the library size, so a cell without any molecule has no profile",
    needs=("values",),
)
def _empty_cells(subject: Subject) -> Finding:
    assert subject.values is not None
    empty = subject.values.totals <= 0
    if not empty.any():
        return Finding("ok", "every cell has molecules")
    rows = pd.DataFrame({"cell": subject.opened.obs.index[empty]})
    part_of_library = subject.settings.library_size is not None or subject.settings.scale == "log1p"
    text = f"{len(rows)} cells have no molecule in the matrix"
    if part_of_library:
        return Finding("note", f"{text}; their library may lie in genes that are not in it", rows)
    return Finding("error", f"{text}; fix: --fix drop-empty-cells", rows)


@rule(
    "library-size",
    "library size",
    "cells with extreme libraries are doublets or debris, and dominate means of few cells",
    needs=("values",),
)
def _library_size(subject: Subject) -> Finding:
    assert subject.values is not None
    settings, values = subject.settings, subject.values
    if settings.library_size is not None:
        sizes = numbers(subject.opened.obs, settings.library_size, "library_size")
        return _stated(subject, sizes, values) or _extreme(subject, sizes)
    if settings.scale == "log1p":
        return Finding(
            "note", "library sizes are unknown: values are logarithms and no `library_size` column is named"
        )
    if not values.are_counts:
        return Finding("note", "not checked: the values are not counts")
    return _extreme(subject, values.totals)


def _stated(subject: Subject, sizes: np.ndarray, values: Values) -> Finding | None:
    """Complaints about a column of library sizes."""
    names = subject.opened.obs.index
    impossible = sizes <= 0
    if subject.settings.scale == "counts":
        impossible |= values.totals > SLACK * sizes
    if not impossible.any():
        return None
    rows = pd.DataFrame({"cell": names, "stated": sizes, "in the matrix": values.totals})[impossible]
    status: Status = "error" if (sizes <= 0).any() else "warning"
    return Finding(status, f"{len(rows)} cells have a smaller library than their counts add up to", rows)


def _extreme(subject: Subject, sizes: np.ndarray) -> Finding:
    logarithm = np.log(np.maximum(sizes, 0.5))
    middle = np.median(logarithm)
    spread = 1.4826 * np.median(np.abs(logarithm - middle))
    far = np.abs(logarithm - middle) > EXTREME * max(spread, 0.05)
    text = f"median {np.median(sizes):,.0f} molecules, from {sizes.min():,.0f} to {sizes.max():,.0f}"
    if not far.any():
        return Finding("ok", text)
    rows = pd.DataFrame({"cell": subject.opened.obs.index[far], "library size": sizes[far]})
    rows = rows.sort_values("library size", ascending=False, kind="stable")
    return Finding("note", f"{text}; {len(rows)} cells lie far outside the rest", rows)


@rule(
    "unique-names",
    "names of cells and genes",
    "a name must mean one row: which of two rows was meant cannot be told",
)
def _unique_names(subject: Subject) -> Finding:
    repeated = [
        (kind, name, int(n))
        for kind, index in (("gene", subject.opened.var.index), ("cell", subject.opened.obs.index))
        for name, n in index[index.duplicated(keep=False)].value_counts().items()
    ]
    if not repeated:
        return Finding("ok", "every cell and every gene has its own name")
    rows = pd.DataFrame(repeated, columns=["of", "name", "times"])
    return Finding(
        "error",
        f"{len(rows)} names occur more than once; fix: --fix make-names-unique, or sum-duplicates (genes), "
        "or drop-duplicate-cells",
        rows,
    )
