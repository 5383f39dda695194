"""A plan in words, as JSON, and as tables in files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from pajamo.data.atomic import write_text
from pajamo.errors import StudyError
from pajamo.protocols.planning.plan import AT_BEST, GOOD_ENOUGH, Plan
from pajamo.protocols.planning.seeing import median_effect

COMPONENTS = {"batch": "batches", "batch_by_perturbation": "batches by perturbation", "guide": "guides"}


def sentences(plan: Plan) -> list[str]:
    """What the plan says, a line each."""
    return [_what(plan), *_where(plan), _noise(plan), *_power(plan), *_layouts(plan), *_cautions(plan)]


def _what(plan: Plan) -> str:
    settings = plan.settings
    money = "" if plan.money is None else f", for {plan.money:,.0f}"
    return (
        f"{plan.cells:,} cells{money}: {settings.perturbations:,} perturbations of {plan.cells_each:,.1f} cells "
        f"each with {plan.guides} guide{'' if plan.guides == 1 else 's'}, and {plan.controls:,} control cells "
        f"({plan.controls / plan.cells:.0%} of all)"
    )


def _where(plan: Plan) -> list[str]:
    if plan.settings.n_batches == 1:
        return []
    return [
        f"every perturbation and the control in each of {plan.settings.n_batches} batches, in proportion: "
        "load every batch from one pool, and the table is what to expect"
    ]


def _noise(plan: Plan) -> str:
    reference = plan.reference
    parts = [
        f"{name} {np.sqrt(getattr(reference, key)):.2g}{' (not known)' if key in reference.unknown else ''}"
        for key, name in COMPONENTS.items()
    ]
    return f"cells as in {reference.source}; standard deviation of ln expression between {', '.join(parts)}"


def _power(plan: Plan) -> list[str]:
    testing, genes = plan.settings.testing, plan.seen.genes
    expressed = genes[genes["mean"] >= testing.expressed]
    if expressed.empty:
        return [f"no gene has {testing.expressed:g} molecules per cell: see the table of genes"]
    reached = float((expressed["power"] >= testing.power).mean())
    smallest = median_effect(expressed["detectable_effect"])
    needed = expressed["cells_needed"].median()
    seen = "more than the counts can show" if np.isnan(smallest) else f"{smallest:.2f}"
    return [
        f"a log fold change of {plan.settings.effect:g} is seen with power {testing.power:g} in {reached:.0%} of "
        f"{len(expressed):,} expressed genes (mean power {expressed['power'].mean():.2f}; each test at level "
        f"{plan.seen.level:.2g})",
        f"in the median expressed gene the smallest change seen is {seen}; {plan.settings.effect:g} would need "
        f"{needed:,.0f} cells of each perturbation",
        f"sharing the control gives two perturbations that do nothing a correlation of "
        f"{plan.error_correlation:.2f}; judge them with split controls",
    ]


def _layouts(plan: Plan) -> list[str]:
    table = plan.layouts.set_index("layout")["times_best"]
    lines = []
    if table.iloc[0] > GOOD_ENOUGH:
        lines.append(
            f"there are few cells for so many batches: the layout {table.idxmin()!r} has a smaller variance, this "
            f"one {table.iloc[0]:.2f} times as much"
        )
    now = [name for name in table.index if f"{name}{AT_BEST}" in table.index]
    lines += [
        f"the design of {name} has {table[name]:.2f} times the variance of its best layout" for name in now
    ]
    return lines


def _cautions(plan: Plan) -> list[str]:
    rare = int((plan.seen.genes["method"] == "exact test").sum())
    lines = []
    if rare:
        lines.append(
            f"{rare:,} genes have under 10 expected molecules in a group: their power is that of an exact test"
        )
    capacity, money = plan.settings.capacity, plan.settings.budget.money
    if money is not None and plan.money is not None and plan.cells == capacity:
        lines.append(f"the batches hold no more cells; {money - plan.money:,.0f} would be left")
    if "batch" in plan.reference.unknown and plan.settings.n_batches > 1:
        lines.append(
            "what batches do is not known, so layouts that differ in it look alike: name a screen with batches, or "
            "state the variance between them"
        )
    if plan.settings.n_batches == 1:
        lines.append("one batch: what it does to every cell cannot be seen, and another batch may differ")
    return lines


def to_text(plan: Plan) -> str:
    """Plain text: the sentences, then where the cells go and what other layouts cost."""
    allocation = plan.allocation.summary().to_string(index=False)
    layouts = layouts_summary(plan).to_string(index=False, float_format=lambda value: f"{value:.4g}")
    return "\n".join([*sentences(plan), "", allocation, "", layouts])


def layouts_summary(plan: Plan) -> pd.DataFrame:
    """One row a layout: controls, standard error of a difference, share that batches add to pooled means, ratio."""
    table = plan.layouts
    sources = ["from_cells", "from_batches", "from_batch_by_perturbation", "from_guides"]
    return pd.DataFrame(
        {
            "layout": table["layout"],
            "controls": table["control_cells"],
            "standard error": np.sqrt(table["variance"]),
            "batches' share if pooled": (table["from_batches"] / table[sources].sum(axis=1)).round(3),
            "times the best variance": table["times_best"],
        }
    )


def to_json(plan: Plan) -> str:
    """Everything, for other programs; what is not known is null."""
    value = {
        "asked": plan.settings.model_dump(mode="json"),
        "summary": sentences(plan),
        "cells": plan.cells,
        "controls": plan.controls,
        "guides": plan.guides,
        "money": plan.money,
        "level_of_each_test": plan.seen.level,
        "error_correlation": plan.error_correlation,
        "reference": {
            "source": plan.reference.source,
            **{name: getattr(plan.reference, name) for name in COMPONENTS},
            "unknown": list(plan.reference.unknown),
        },
        "allocation": _rows(plan.allocation.table()),
        "layouts": _rows(plan.layouts),
        "genes": _rows(plan.seen.genes),
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def write_plan(plan: Plan, output: Path) -> list[Path]:
    """Write a plan atomically: all of it as .json, or as .csv the allocation with two tables beside it.

    Raises
    ------
    StudyError: another kind of file.
    StorageError: the disk is full or refuses.
    """
    if output.suffix == ".json":
        write_text(output, to_json(plan) + "\n")
        return [output]
    require_kind(output)
    tables = {
        output: plan.allocation.table(),
        output.with_suffix(".layouts.csv"): plan.layouts,
        output.with_suffix(".genes.csv"): plan.seen.genes,
    }
    for path, table in tables.items():
        write_text(path, table.to_csv(index=False))
    return list(tables)


def require_kind(output: Path) -> None:
    """Refuse a file that is neither .csv nor .json.

    Raises
    ------
    StudyError: naming the two.
    """
    if output.suffix not in (".csv", ".json"):
        raise StudyError(
            f"a design cannot be written to {output.name!r}",
            where="--output",
            fix="name a .csv (tables) or a .json (everything)",
        )


def _rows(table: pd.DataFrame) -> object:
    return json.loads(table.to_json(orient="records", double_precision=12))
