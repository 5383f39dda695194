"""Rules about the design: enough cells, controls everywhere, singles for doubles, batches not confounded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.data.checks.rule import Finding, rule
from pajamo.data.checks.subject import Subject
from pajamo.data.conditions import SEPARATOR
from pajamo.data.reading.columns import labels, numbers

FEW, SCARCE = 30, 10
"""Cells of a perturbation below which its mean is noisy, and below which it is hardly measured."""
CONFOUNDED = 0.5
"""Cramér's V between batch and perturbation from which the two can hardly be told apart."""


@rule(
    "cells-per-perturbation",
    "cells per perturbation",
    "the mean of few cells is mostly noise, for training and as the truth that models are judged by",
    needs=("design",),
)
def _cells_per_perturbation(subject: Subject) -> Finding:
    assert subject.design is not None
    counts = subject.design["perturbation"].value_counts()
    counts = counts[counts.index != ""]
    if counts.empty:
        return Finding("error", "no perturbed cells")
    text = f"median {counts.median():g}, fewest {counts.min()} ({counts.idxmin()})"
    few = counts[counts < FEW].sort_values(kind="stable")
    if few.empty:
        return Finding("ok", text)
    scarce = int((few < SCARCE).sum())
    rows = few.rename_axis("perturbation").reset_index(name="cells")
    text += f"; {len(few)} have under {FEW} cells, {scarce} under {SCARCE}"
    return Finding(
        "warning" if scarce else "note", f"{text} (--fix drop-rare={SCARCE} leaves the rarest out)", rows
    )


@rule(
    "batches",
    "cells per batch",
    "batches shift every gene; a batch of few cells cannot be corrected for",
)
def _batches(subject: Subject) -> Finding:
    if subject.settings.batch is None:
        return Finding("note", "not checked: no batch column is named (set `batch`)")
    counts = labels(subject.opened.obs, subject.settings.batch, "batch").value_counts()
    text = f"{len(counts)} batches, median {counts.median():,.0f} cells, smallest {counts.min():,}"
    small = counts[counts < FEW]
    if small.empty:
        return Finding("ok", text)
    return Finding("warning", f"{text}; {len(small)} have under {FEW} cells", _table(small, "batch"))


@rule(
    "controls-in-batches",
    "controls in each batch",
    "without controls of its own, a batch's shift cannot be told from the effect of its perturbations",
    needs=("batch", "design"),
)
def _controls_in_batches(subject: Subject) -> Finding:
    assert subject.batch is not None
    assert subject.design is not None
    counts = _controls_by(subject.design, subject.batch.reindex(subject.design.index).astype(str))
    lacking = counts[counts == 0]
    if lacking.empty:
        return Finding("ok", f"every batch has control cells, at least {counts.min():,}")
    text = f"{len(lacking)} of {len(counts)} batches have no control cell"
    return Finding("warning", text, pd.DataFrame({"batch": lacking.index}))


@rule(
    "controls-in-settings",
    "controls in each context and time",
    "a change is measured against the control of the same context and time",
)
def _controls_in_settings(subject: Subject) -> Finding:
    _require_columns(subject)
    design = subject.design
    if design is None:
        return Finding("note", "not checked: needs the perturbation column")
    counts = _controls_by(design, pd.MultiIndex.from_frame(design[["context", "time"]]))
    lacking = counts[counts == 0]
    if lacking.empty:
        return Finding("ok", f"{len(counts)} setting(s), each with at least {counts.min():,} control cells")
    rows = pd.DataFrame(list(lacking.index), columns=["context", "time"])
    text = f"{len(rows)} of {len(counts)} settings have no control cell; fix: --fix drop-uncontrolled"
    return Finding("error", text, rows)


@rule(
    "singles",
    "both singles of each double",
    "an interaction is what a double does beyond its two singles, so both must be measured",
    needs=("design",),
)
def _singles(subject: Subject) -> Finding:
    assert subject.design is not None
    distinct = set(subject.design["perturbation"].unique()) - {""}
    combined = sorted(name for name in distinct if SEPARATOR in name)
    if not combined:
        return Finding("note", "the screen has no combinations")
    lacking = {name: [gene for gene in name.split(SEPARATOR) if gene not in distinct] for name in combined}
    rows = pd.DataFrame(
        [(name, SEPARATOR.join(genes)) for name, genes in lacking.items() if genes],
        columns=["combination", "single not measured"],
    )
    if rows.empty:
        return Finding("ok", f"all singles of all {len(combined)} combinations were measured")
    orphans = sum(len(genes) == len(name.split(SEPARATOR)) for name, genes in lacking.items())
    text = f"{len(rows)} of {len(combined)} combinations lack a single, {orphans} of them lack all"
    return Finding("warning", text, rows)


@rule(
    "confounding",
    "batches and perturbations crossed",
    "if a perturbation was measured in one batch only, its effect and the batch's shift are one",
    needs=("batch", "design"),
)
def _confounding(subject: Subject) -> Finding:
    assert subject.batch is not None
    assert subject.design is not None
    batch = subject.batch.reindex(subject.design.index).astype(str)
    table = pd.crosstab(subject.design["perturbation"], batch)
    if table.shape[1] < 2:
        return Finding("ok", "one batch")
    strength = cramers_v(table.to_numpy())
    perturbed = table[table.index != ""]
    alone = perturbed[(perturbed > 0).sum(axis=1) == 1]
    text = f"association of batch and perturbation (Cramér's V) {strength:.2f}"
    if alone.empty:
        return Finding("warning" if strength > CONFOUNDED else "ok", text)
    rows = pd.DataFrame({"perturbation": alone.index, "only in batch": alone.idxmax(axis=1).to_numpy()})
    text += f"; {len(alone)} of {len(perturbed)} perturbations were measured in one batch only"
    return Finding("warning" if strength > CONFOUNDED else "note", text, rows)


def cramers_v(table: np.ndarray) -> float:
    """Association of two groupings, 0 independent, 1 the same, corrected for small samples.

    Bergsma 2013, J. Korean Stat. Soc. 42, 323, eqs. 3-6.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(float)
    total = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    excess = ((table - expected) ** 2 / expected).sum() / total
    rows, columns = table.shape
    excess = max(0.0, excess - (rows - 1) * (columns - 1) / (total - 1))
    most = min(n - (n - 1) ** 2 / (total - 1) for n in (rows, columns)) - 1
    return float(np.sqrt(excess / most)) if most > 0 else 0.0


def _controls_by(design: pd.DataFrame, group: pd.Series | pd.MultiIndex) -> pd.Series:
    """Number of control cells in each group that has cells."""
    control = pd.Series((design["perturbation"] == "").to_numpy().astype(int))
    keys = pd.Series(list(group), dtype=object)
    counts: pd.Series = control.groupby(keys, sort=True).sum()
    return counts


def _require_columns(subject: Subject) -> None:
    """Let a column that is named but cannot be read be this rule's error."""
    if subject.settings.context is not None:
        labels(subject.opened.obs, subject.settings.context, "context")
    if subject.settings.time is not None:
        numbers(subject.opened.obs, subject.settings.time, "time")


def _table(counts: pd.Series, name: str) -> pd.DataFrame:
    table: pd.DataFrame = counts.rename_axis(name).reset_index(name="cells")
    return table
