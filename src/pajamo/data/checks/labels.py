"""Rules about the labels: the perturbation column, the control, how combinations and guides are written."""

from __future__ import annotations

import pandas as pd

from pajamo.data.checks.rule import Finding, rule
from pajamo.data.checks.subject import Subject
from pajamo.data.conditions import SEPARATOR, parse_perturbation
from pajamo.data.reading.columns import control_like, labels, require_control
from pajamo.data.reading.naming import has_control_token, other_separators, without_guide
from pajamo.errors import DataError, nearest, shorten

FEW = 30
"""Control cells below which every change is noisy, since all are measured against them."""
MOST_LABELS = 0.5
"""A column with more distinct values than this share of the cells names cells, not perturbations."""


@rule(
    "perturbation",
    "perturbation column",
    "the model learns from what was done to each cell",
)
def _perturbation(subject: Subject) -> Finding:
    obs, settings = subject.opened.obs, subject.settings
    if settings.perturbation not in obs.columns:
        rows = _candidates(subject)
        hint = nearest(settings.perturbation, map(str, obs.columns))
        likely = (
            f"these columns could be it: {shorten(rows['column'])}" if len(rows) else "none looks like it"
        )
        return Finding("error", f"obs has no column {settings.perturbation!r}; {hint}{likely}", rows)
    found = labels(obs, settings.perturbation, "perturbation")
    broken = [label for label in found.cat.categories if _broken(label, settings.control)]
    if broken:
        rows = pd.DataFrame({"label": broken})
        return Finding("error", f"{len(broken)} labels have an empty part beside a '+'", rows)
    distinct = {genes for genes in (subject.genes_of_label or {}).values() if genes}
    if len(distinct) < 2:
        return Finding(
            "error", f"{len(distinct)} perturbation(s): a model is trained on some and tested on others"
        )
    orders = pd.Series([len(genes) for genes in distinct]).value_counts().sort_index()
    text = ", ".join(f"{n} of {k} gene{'' if k == 1 else 's'}" for k, n in orders.items())
    return Finding("ok", f"{len(distinct)} perturbations: {text}")


def _broken(label: str, control: str) -> bool:
    try:
        parse_perturbation(label, control)
    except DataError:
        return True
    return False


def _candidates(subject: Subject) -> pd.DataFrame:
    """Columns of text some of whose labels look like a control or are measured genes."""
    genes, rows = set(subject.opened.var.index), []
    for name, values in subject.opened.obs.items():
        if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
            continue
        distinct = [str(value) for value in values.dropna().astype(object).unique()]
        if not 2 <= len(distinct) <= max(3, MOST_LABELS * subject.n_cells):
            continue
        measured = sum(any(part in genes for part in label.split(SEPARATOR)) for label in distinct)
        controls = control_like(distinct)
        if measured or controls:
            rows.append((str(name), len(distinct), measured, shorten(controls, 3)))
    table = pd.DataFrame(rows, columns=["column", "labels", "name measured genes", "look like controls"])
    return table.sort_values("name measured genes", ascending=False, kind="stable")


@rule(
    "control",
    "control label",
    "every change is measured against unperturbed cells of the same experiment",
    needs=("labels",),
)
def _control(subject: Subject) -> Finding:
    found, control = subject.labels, subject.settings.control
    assert found is not None
    require_control(found, control)
    number = int((found == control).sum())
    others = [name for name in control_like(map(str, found.cat.categories)) if name != control]
    others = [name for name in others if SEPARATOR not in name]
    text = f"{number:,} cells are labelled {control!r}"
    if others:
        rows = pd.DataFrame({"label": others, "cells": [int((found == name).sum()) for name in others]})
        return Finding(
            "warning", f"{text}; other labels look like controls too and count as perturbations", rows
        )
    return Finding("ok" if number >= FEW else "warning", text)


@rule(
    "combinations",
    "how combinations are written",
    "A+B is read as A and B; written otherwise, a combination would count as one more gene",
    needs=("labels",),
)
def _combinations(subject: Subject) -> Finding:
    assert subject.labels is not None
    names = [str(label) for label in subject.labels.cat.categories]
    rows = [
        (
            label,
            SEPARATOR.join(part.strip() for part in label.split(separator)),
            f"rename-separator={separator}",
        )
        for separator, joined in other_separators(names, set(subject.opened.var.index)).items()
        for label in joined
    ]
    if rows:
        text = f"{len(rows)} labels join genes with something else than '+'; see the named fixes"
        return Finding("error", text, pd.DataFrame(rows, columns=["label", "should be", "fix"]))
    return _same_meaning(subject, names)


def _same_meaning(subject: Subject, names: list[str]) -> Finding:
    tokens = [name for name in names if has_control_token(name)]
    if tokens:
        text = f"{len(tokens)} labels write 'nothing' as a part, which is left out (--fix drop-ctrl-tokens)"
        return Finding("note", text, pd.DataFrame({"label": tokens}))
    meaning = pd.Series(subject.genes_of_label or {}, dtype=object).map(SEPARATOR.join)
    twice = meaning[meaning.duplicated(keep=False) & (meaning != "")]
    if len(twice):
        rows = twice.rename_axis("label").reset_index(name="read as")
        return Finding(
            "note", f"{len(rows)} labels mean the same as another (A+B, B+A) and are read as one", rows
        )
    return Finding(
        "ok", f"{sum(SEPARATOR in name for name in names)} combinations, all written A{SEPARATOR}B"
    )


@rule(
    "guides",
    "guides",
    "cells of several guides against one gene are one perturbation; by guide, the holdout would leak",
    needs=("perturbed",),
)
def _guides(subject: Subject) -> Finding:
    assert subject.perturbed is not None
    genes = set(subject.opened.var.index)
    found = {name: gene for name in sorted(subject.perturbed) if (gene := without_guide(name, genes))}
    if not found:
        return Finding("ok", "labels name genes, not guides")
    rows = pd.DataFrame({"label": list(found), "gene": list(found.values())})
    return Finding(
        "warning",
        f"{len(rows)} names look like guides of genes; fix: --fix drop-guide-suffixes",
        rows,
    )
