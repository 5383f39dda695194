"""The audit of guide-target pairs as rules of a check: what was found, why it matters, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config.assays import AssayStudy, CutSettings, RateSettings
from pajamo.data.assays.assay import SETS, Assay
from pajamo.data.assays.pairs.audit import (
    FAMILY,
    differing_duplicates,
    families,
    guides_by_set,
    matched,
    negative_on_targets,
    shared_guides,
    spellings,
    spread_of_pairs,
    unread_targets,
    with_pam,
)
from pajamo.data.assays.pairs.guides import Pairs
from pajamo.data.assays.pairs.rate_rules import rate_rules
from pajamo.data.assays.parts import Part, read_parts
from pajamo.data.checks.report import RuleResult, Status
from pajamo.errors import shorten

LEAST_POSITIVES = 10
"""Sites that were found, below which a set says little of how well they are told from others."""


def pair_rules(study: AssayStudy, assay: Assay) -> Iterator[RuleResult]:
    """Audit every experiment of a study of guide-target pairs, then its guides over all experiments.

    Parameters
    ----------
    study: with every table found.
    assay: the same, read.
    """
    parts = read_parts(study)
    for part in parts:
        assert part.pairs is not None
        sets = assay.experiment(part.name).set_of
        measurement = study.experiments[part.name].measurement
        if isinstance(measurement, CutSettings):
            yield _on_targets(part, part.pairs)
            yield _positives(part, sets)
        if isinstance(measurement, RateSettings):
            yield from rate_rules(part, measurement)
        yield from _duplicates(part, part.pairs, _main(part))
        yield _spellings(part, part.pairs)
        yield _unread(part, part.pairs)
    pairs = [part.pairs for part in parts if part.pairs is not None]
    counted = guides_by_set(pairs, [e.set_of for e in assay.experiments])
    yield _shared(counted)
    yield _families(counted)


def _main(part: Part) -> tuple[str, NDArray[np.float64]]:
    """The name and the values by which rows of one pair can be compared."""
    name = next((name for name in ("label", "value") if name in part.recorded), next(iter(part.recorded)))
    values = part.recorded[name]
    return name, values.reshape(len(values), -1).sum(axis=1)


def _on_targets(part: Part, pairs: Pairs) -> RuleResult:
    found = negative_on_targets(pairs, part.table.rows, part.recorded["label"])
    same, cut = matched(pairs), with_pam(pairs)
    own, other = int(found["pam"].sum()), int((~found["pam"]).sum())
    message = f"{part.name}: {len(found):,} of {int(same.sum()):,} rows whose target matches the guide are labelled 0"
    if own:
        message += f"; {own:,} of {int((same & cut).sum()):,} with a PAM of {pairs.enzyme.name}"
        message += ": remove these rows, or score with and without them"
    if other:
        message += f"; {other:,} of {int((same & ~cut).sum()):,} with another PAM"
        message += ", which is right if the enzyme does not cut it"
    why = (
        "a guide cuts its own target: such rows were left out of the hits, and a model that is right about them "
        "counts as wrong at the very top of its ranking"
    )
    status: Status = "warning" if own else "note" if other else "ok"
    return RuleResult(f"on-targets-{part.name}", "on-targets are positive", why, status, message, found)


def _positives(part: Part, sets: NDArray[np.int8]) -> RuleResult:
    labels = part.recorded["label"]
    rows = [
        {"set": name, "rows": int((sets == place).sum()), "found": int(labels[sets == place].sum())}
        for place, name in enumerate(SETS)
        if (sets == place).any()
    ]
    counts = ", ".join(f"{row['found']:,} of {row['rows']:,} in {row['set']}" for row in rows)
    few = [str(row["set"]) for row in rows if int(str(row["found"])) < LEAST_POSITIVES]
    message = f"{part.name}: sites found: {counts}"
    if few:
        message += f"; few in {shorten(few)}: hold out other guides, or a larger share"
    why = f"with fewer than {LEAST_POSITIVES} sites found, a figure of merit of a set is mostly chance"
    status: Status = "warning" if few else "ok"
    return RuleResult(f"positives-{part.name}", "every set has positives", why, status, message)


def _duplicates(part: Part, pairs: Pairs, main: tuple[str, NDArray[np.float64]]) -> Iterator[RuleResult]:
    name, values = main
    inputs = list(part.inputs.values())
    spread = spread_of_pairs(pairs.keys, inputs, values)
    again = int((~spread["first"]).sum())
    message = f"{part.name}: {again:,} of {pairs.n:,} rows are of a pair that an earlier row has"
    if again:
        message += (
            "; all rows of a pair are in one set here: split by pair or guide wherever else you use them"
        )
    why = "gaps aside, it is the same guide and target: a split by row tests on what was learned"
    yield RuleResult(f"duplicates-{part.name}", "rows of one pair", why, "note" if again else "ok", message)
    found = differing_duplicates(pairs, part.table.rows, inputs, values, name)
    differing = int((spread["first"] & (spread["apart"] > 0)).sum())
    if name == "label":
        yield _both_labels(part, found, differing)
    elif name == "value":
        yield _other_values(part, found, differing, float(spread["apart"].max()))


def _both_labels(part: Part, found: pd.DataFrame, differing: int) -> RuleResult:
    message = f"{part.name}: {differing:,} pairs are labelled both 1 and 0, in {len(found):,} rows"
    if differing:
        message += (
            "; one sequence at several sites, or aligned in several ways: say once if any of them was found"
        )
    why = "a model of the sequence can be right about one of the two labels at most"
    status: Status = "warning" if differing else "ok"
    return RuleResult(f"both-labels-{part.name}", "one label a pair", why, status, message, found)


def _other_values(part: Part, found: pd.DataFrame, differing: int, most: float) -> RuleResult:
    message = f"{part.name}: {differing:,} pairs have rows with different values"
    if differing:
        message += f", up to {most:.2g} apart; they count as repeats of one measurement"
    why = "how far repeats lie apart is what no model can explain"
    status: Status = "note" if differing else "ok"
    return RuleResult(f"repeats-{part.name}", "repeats of one pair agree", why, status, message, found)


def _spellings(part: Part, pairs: Pairs) -> RuleResult:
    found = spellings(pairs)
    message = f"{part.name}: {len(pairs.different):,} guides"
    if len(found):
        message += f", {len(found):,} of them written in several ways ({int(found['ways'].sum()):,} in all)"
        message += "; pajamo takes them as one guide each: elsewhere, split by protospacer"
    why = "the base in place of the PAM's N is the target's, not the guide's: split by text, a guide is on both sides"
    status: Status = "note" if len(found) else "ok"
    return RuleResult(f"guides-{part.name}", "one way to write a guide", why, status, message, found)


def _unread(part: Part, pairs: Pairs) -> RuleResult:
    found = unread_targets(pairs, part.table.rows)
    message = f"{part.name}: {len(found):,} targets hold N"
    message += ", which counts as no difference from the guide" if len(found) else ""
    why = "what a guide meets there was not read"
    status: Status = "note" if len(found) else "ok"
    return RuleResult(f"unread-{part.name}", "targets are read", why, status, message, found)


def _shared(counted: pd.DataFrame) -> RuleResult:
    found, guides = shared_guides(counted), len(counted)
    message = f"{len(found):,} of {guides:,} guides have pairs both in training and in test"
    if len(found) and guides > 1:
        message += "; say `test_guides` to test on guides that no model saw"
    why = "within a guide every model looks alike; only guides that were not seen tell models of mismatches apart"
    status: Status = "ok" if found.empty else "warning" if guides > 1 else "note"
    return RuleResult("shared-guides", "test guides are new", why, status, message, found)


def _families(counted: pd.DataFrame) -> RuleResult:
    found = families(counted["guide"].tolist())
    numbers = counted[list(SETS)].to_numpy()
    sets = dict(zip(counted["guide"], map(_sets_of, numbers), strict=True))
    found = found.assign(
        guide_in=[shorten(sets[g]) for g in found["guide"]],
        other_in=[shorten(sets[g]) for g in found["other"]],
    )
    apart = [
        {"training", "test"} <= {*sets[one], *sets[other]}
        for one, other in zip(found["guide"], found["other"], strict=True)
    ]
    message = f"{len(found)} pairs of guides differ by at most {FAMILY} bases, {sum(apart)} of them across the split"
    if any(apart):
        message += "; hold such guides out together"
    why = "near guides have targets in common: what is tested on one was learned of the other"
    status: Status = "warning" if any(apart) else "note" if len(found) else "ok"
    return RuleResult("guide-families", "guides are different", why, status, message, found)


def _sets_of(rows: NDArray[np.int64]) -> Sequence[str]:
    """The sets in which a guide has rows."""
    return [name for name, number in zip(SETS, rows, strict=True) if number > 0]
