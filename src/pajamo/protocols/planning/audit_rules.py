"""What is asked of a finished screen's design, in the order of the report."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.checks.rule import Finding
from pajamo.errors import shorten
from pajamo.protocols.errors.components import Variances
from pajamo.protocols.errors.controls import control_ratio, shared_control_correlation
from pajamo.protocols.errors.counts import detectable_difference
from pajamo.protocols.errors.differences import disproportion, variance_of_difference
from pajamo.protocols.errors.forms import BATCH, COMPONENTS
from pajamo.protocols.errors.groups import Array
from pajamo.protocols.errors.permutation import batch_test
from pajamo.protocols.planning.audit import Audited, AuditRule
from pajamo.protocols.planning.costs import best_analysis

COSTLY = 1.25
"""Ratio of variances from which a design wastes more than a fifth of its cells."""
FEW, MANY = 0.5, 2.0
"""Share of the best number of controls below and above which a batch is named."""
LEVEL, POWER = 0.05, 0.8
PERMUTATIONS = 30


def _alone(audited: Audited) -> Finding:
    present = audited.present
    here = present.perturbed > 0
    confounded = (present.perturbed * (present.control > 0)).sum(axis=1) == 0
    single = here.sum(axis=1) == 1
    if len(present.batches) == 1:
        return Finding("note", "one batch: what it does to every cell cannot be seen in this screen")
    if not (single | confounded).any():
        return Finding("ok", "every perturbation was measured in several batches, some with its control")
    batch = np.array(present.batches)[present.perturbed.argmax(axis=1)]
    rows = pd.DataFrame(
        {
            "perturbation": present.conditions,
            "batch": np.where(single, batch, "several"),
            "control cells there": (present.control * here).sum(axis=1).astype(int),
        }
    )[single | confounded]
    if confounded.any():
        named = shorten(np.array(present.conditions)[confounded])
        return Finding(
            "error",
            f"{_number(confounded)} lie only in batches without their control: {named}; their "
            "effect and the batch's shift are one: measure controls there, or leave these perturbations out",
            rows.sort_values("control cells there", kind="stable"),
        )
    named = shorten(sorted(set(batch[single])))
    text = (
        f"{_number(single)} measured in one batch only ({named}), with control cells in it: "
        "compare within the batch"
    )
    return Finding("warning", text, rows)


def _number(perturbations: NDArray[np.bool_]) -> str:
    number = int(perturbations.sum())
    return f"{number} perturbation{'' if number == 1 else 's'}"


def _controls(audited: Audited) -> Finding:
    present = audited.present
    controls = present.control_cells.sum(axis=0)
    perturbed, number = present.perturbed.sum(axis=0), present.in_batch()
    ratio = control_ratio(np.maximum(number, 1))
    best = np.where(number > 0, (controls + perturbed) * ratio / (ratio + np.maximum(number, 1)), 0.0)
    rows = pd.DataFrame(
        {
            "batch": present.batches,
            "perturbations": number,
            "perturbed cells": perturbed.astype(int),
            "control cells": controls.astype(int),
            "square-root rule": np.rint(best).astype(int),
        }
    )
    of_best = np.divide(controls, best, out=np.ones_like(best), where=best > 0)
    text = (
        f"{int(controls.sum()):,} control cells, {controls.sum() / (controls + perturbed).sum():.0%} of all; with "
        f"these numbers of cells the square-root rule asks for {best.sum():,.0f}"
    )
    few, many = of_best < FEW, of_best > MANY
    if not (few | many).any():
        return Finding("ok", text, rows)
    fix = "; move cells from perturbations to controls" if few.any() else "; perturbed cells would tell more"
    text += (
        f"; {int(few.sum())} of {len(best)} batches have under half of it, {int(many.sum())} over twice{fix}"
    )
    return Finding("warning" if few.any() else "note", text, rows[few | many])


def _components(audited: Audited) -> Finding:
    found = audited.components
    rows = pd.DataFrame(
        {
            "between": [name.replace("_", " ") for name in COMPONENTS],
            "share of variance": found.pooled["share"].to_numpy(),
            "from": found.pooled["share_low"].to_numpy(),
            "to": found.pooled["share_high"].to_numpy(),
        }
    )[found.forms.known].round(5)
    if not found.forms.known[BATCH]:
        return Finding("note", "the design does not tell what batches do from what perturbations do", rows)
    test = batch_test(audited.screen, permutations=PERMUTATIONS)
    share = found.pooled["share"].to_numpy()[BATCH]
    text = f"batches hold {share:.2%} of the variance of a gene between cells (permutation z {test.z:.1f})"
    return Finding("ok" if test.p > LEVEL else "note", text, rows)


def _variances(audited: Audited) -> Variances:
    return audited.components.variances()


def _proportional(audited: Audited) -> Finding:
    present, variances = audited.present, _variances(audited)
    gap = disproportion(present.perturbed, present.control)
    pooled = variance_of_difference(present.perturbed, present.control, variances)
    inflation = pooled.total / _in_proportion(audited, variances)
    text = (
        f"the variance of a difference of pooled means is {np.median(inflation):.2f} times that of the same cells "
        f"in proportional batches (worst {inflation.max():.2f}, {present.conditions[int(inflation.argmax())]})"
    )
    if np.median(inflation) < COSTLY and inflation.max() < 2 * COSTLY:
        return Finding("ok", text)
    rows = pd.DataFrame(
        {"perturbation": present.conditions, "disproportion": gap.round(4), "times": inflation.round(3)}
    ).sort_values("times", ascending=False, kind="stable")
    text += "; compare within batches and weigh them, and next time load every batch from one pool"
    return Finding("warning", text, rows[rows["times"] >= COSTLY])


def _in_proportion(audited: Audited, variances: Variances) -> Array:
    """Variance of each difference if perturbed and control cells were spread like all cells of their setting."""
    present = audited.present
    weight = present.spread()
    here, there = present.perturbed.sum(axis=1), present.control.sum(axis=1)
    return variance_of_difference(here[:, None] * weight, there[:, None] * weight, variances).total


def _cost(audited: Audited) -> Finding:
    present, variances = audited.present, _variances(audited)
    total = best_analysis(present.perturbed, present.control, variances, 1)
    best = variance_of_difference(*present.best(), variances).total
    ratio = float(total.mean() / best.mean())
    text = (
        f"the mean variance of a difference is {ratio:.2f} times that of the same cells with as many cells of "
        "each perturbation, sqrt(K) times as many controls, all in every batch"
    )
    if ratio < COSTLY:
        return Finding("ok", text)
    return Finding("note", f"{text}; `pajamo design --like` plans the next screen")


def _sharing(audited: Audited) -> Finding:
    present = audited.present
    here, there = present.perturbed.sum(axis=1), present.control.sum(axis=1)
    typical = float(np.median(shared_control_correlation(here, there)))
    text = (
        f"two perturbations that do nothing have differences to the same control that correlate by "
        f"{typical:.2f}; split controls take that away, and pajamo's runs split them"
    )
    return Finding("note" if typical > 0.1 else "ok", text)


def _detectable(audited: Audited) -> Finding:
    present, components = audited.present, audited.components
    variances = _variances(audited)
    total = best_analysis(present.perturbed, present.control, variances, 1)
    relative = components.estimate.sum(axis=1, where=np.isfinite(components.estimate))
    relative = np.maximum(relative, 0.0) / np.nansum(components.estimate) * len(relative)
    median = float(np.median(total))
    smallest = detectable_difference(median * np.median(relative), level=LEVEL, wanted=POWER)
    loudest = detectable_difference(median * np.quantile(relative, 0.9), level=LEVEL, wanted=POWER)
    text = (
        f"at level {LEVEL:g} for one gene with power {POWER:g}, a typical perturbation shows changes of "
        f"{float(smallest):.2f} in ln(1 + CP10K) in the median gene, {float(loudest):.2f} in a gene as variable as "
        "the top tenth"
    )
    return Finding("ok", text)


RULES = (
    AuditRule(
        "design-alone",
        "perturbations alone in a batch",
        "if all cells of a perturbation lie in one batch, only controls in that batch tell its effect from the "
        "batch's shift",
        _alone,
    ),
    AuditRule(
        "design-controls",
        "controls in each batch",
        "K perturbations that share a control are known best with sqrt(K) times as many controls as cells of each",
        _controls,
    ),
    AuditRule(
        "design-components",
        "what varies",
        "what batches add to the variance decides whether it matters how cells are laid out over them",
        _components,
    ),
    AuditRule(
        "design-proportional",
        "controls in proportion to perturbed cells",
        "a batch's shift cancels in a difference if and only if perturbed and control cells are spread alike",
        _proportional,
    ),
    AuditRule(
        "design-cost",
        "what the design costs in variance",
        "a variance twice as large is as good as half of the cells",
        _cost,
    ),
    AuditRule(
        "design-sharing",
        "correlation from the shared control",
        "every correlation of differences is inflated by n_p / (n_p + n_c), the noise of the control they share",
        _sharing,
    ),
    AuditRule(
        "design-detectable",
        "smallest change that can be seen",
        "what lies below it is not absent, it was not measured",
        _detectable,
    ),
)
"""The audit, in order."""
