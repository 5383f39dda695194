"""Is a study of an assay what a fit needs? Tables are read, mechanisms compiled, and the data counted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pajamo.config.assays import AssayStudy
from pajamo.data.assays.assay import SETS, Experiment
from pajamo.data.assays.pairs.pairing import perfect
from pajamo.data.assays.pairs.rules import pair_rules
from pajamo.data.checks.report import CheckReport, RuleResult, Status
from pajamo.errors import PajamoError, PajamoWarning
from pajamo.evaluation.assays.verdict import MECHANISM
from pajamo.pipeline.assays.loading import LoadedAssay, load_assay, noting
from pajamo.pipeline.assays.planning import Planned, planned

if TYPE_CHECKING:
    from pajamo.models.assays.assembly import Assembly

FEW_ROWS = 200
"""Training rows below which a fit says little beyond its priors."""
LEAST_TEST = 16
"""Test rows that an estimate of information needs."""


def check_assay_study(study: AssayStudy, where: str) -> CheckReport:
    """Read every table, count what is in it, and compile every mechanism; nothing is fitted.

    What cannot be used is an error of the report, not an exception.
    """
    with warnings.catch_warnings():
        # Every warning becomes a line of the report.
        warnings.simplefilter("ignore", PajamoWarning)
        return CheckReport(where, tuple(_rules(study)))


def _rules(study: AssayStudy) -> Iterator[RuleResult]:
    try:
        planned(study)
        loaded = load_assay(study)
    except PajamoError as error:
        yield _refused(
            "tables", "tables can be read", "a fit needs to know what was recorded of which sequence", error
        )
        return
    yield RuleResult(
        "tables", "tables can be read", "rows with other content cannot be used", "ok", _read(loaded)
    )
    for number, note in enumerate(loaded.notes):
        yield RuleResult(f"note-{number}", "reading", "these rows are not used", "note", note)
    for experiment in loaded.assay.experiments:
        yield _rows(experiment)
        yield _differences(experiment) if loaded.pairs else _mutations(loaded, experiment)
    if loaded.pairs:
        yield from pair_rules(loaded.study, loaded.assay)
    else:
        yield _letters(loaded)
    yield _test(loaded)
    for model in planned(loaded.study):
        yield from _model(model, loaded)


def _read(loaded: LoadedAssay) -> str:
    reads = {e.name: 0.0 for e in loaded.assay.experiments}
    for row in loaded.counts():
        reads[str(row["experiment"])] += float(str(row["observations"]))
    what = "positions" if loaded.pairs else "letters"
    return "; ".join(
        f"{e.name}: {e.n:,} rows of {e.codes.shape[1]} {what}, {reads[e.name]:,.0f} observations"
        for e in loaded.assay.experiments
    )


def _rows(experiment: Experiment) -> RuleResult:
    counts = {name: int((experiment.set_of == place).sum()) for place, name in enumerate(SETS)}
    message = f"{experiment.name}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items())
    few = counts["training"] < FEW_ROWS
    return RuleResult(
        f"rows-{experiment.name}",
        "rows to learn from",
        f"with fewer than {FEW_ROWS} training rows most parameters are set by their priors",
        "warning" if few else "ok",
        message,
    )


def _mutations(loaded: LoadedAssay, experiment: Experiment) -> RuleResult:
    wild_type, missing = loaded.assay.wild_type, loaded.assay.alphabet.missing
    compared = (experiment.codes != missing) & (wild_type != missing)
    mutated = ((experiment.codes != wild_type) & compared).sum(axis=1)
    low, middle, high = np.quantile(mutated, [0, 0.5, 1])
    message = f"{experiment.name}: {middle:.0f} mutations per sequence (median; {low:.0f} to {high:.0f})"
    if mutated.any() and middle > 0.6 * experiment.codes.shape[1]:
        message += "; this is a library of random sequences, of which the wild type is no centre"
    return RuleResult(
        f"mutations-{experiment.name}",
        "sequences differ",
        "without mutations nothing can be learned about letters",
        "ok" if mutated.any() else "error",
        message,
    )


def _differences(experiment: Experiment) -> RuleResult:
    differ = (~perfect()[experiment.codes]).sum(axis=1)
    low, middle, high = np.quantile(differ, [0, 0.5, 1])
    message = f"{experiment.name}: {middle:.0f} positions differ per pair (median; {low:.0f} to {high:.0f})"
    return RuleResult(
        f"mutations-{experiment.name}",
        "targets differ from guides",
        "from matched targets alone nothing can be learned about mismatches",
        "ok" if differ.any() else "error",
        message,
    )


def _letters(loaded: LoadedAssay) -> RuleResult:
    alphabet = loaded.assay.alphabet
    training = np.concatenate([e.part("training").codes for e in loaded.assay.experiments])
    seen = np.stack([(training == code).sum(axis=0) for code in range(len(alphabet.letters))], axis=1)
    position, code = np.nonzero(seen == 0)
    table = pd.DataFrame({"position": position, "letter": [alphabet.letters[each] for each in code]})
    message = f"{len(table)} of {seen.size} letters at a position are in no training row"
    why = "their weights are set by the prior alone, and predictions for sequences that hold them are a guess"
    return RuleResult("letters", "letters are seen", why, "note" if len(table) else "ok", message, table)


def _test(loaded: LoadedAssay) -> RuleResult:
    rows = sum(int((e.set_of == SETS.index("test")).sum()) for e in loaded.assay.experiments)
    why = (
        "models are compared on rows that none of them saw; without, the figures are those of the fit itself"
    )
    message = f"{rows:,} test rows"
    status: Status = "ok" if rows >= LEAST_TEST else "warning"
    return RuleResult("test", "rows to judge on", why, status, message)


def _model(model: Planned, loaded: LoadedAssay) -> Iterator[RuleResult]:
    title = f"{model.name} can be fitted"
    for fit in model.fits:
        part = fit.of(loaded.assay).part("training")
        try:
            assembly, notes = noting(partial(fit.model(loaded.study.seed).build, part))
        except PajamoError as error:
            why = "a model is built for the sequences that it is to explain"
            found = _refused(f"model-{fit.key}", title, why, error)
            yield found if model.kind == MECHANISM else _softened(found)
            continue
        for number, note in enumerate(notes):
            yield RuleResult(f"{fit.key}-note-{number}", fit.key, "it was declared so", "note", note)
        yield _size(fit.key, title, assembly, sum(e.n for e in part.experiments))


def _size(key: str, title: str, assembly: Assembly, rows: int) -> RuleResult:
    own = {name: p.numel() for name, p in assembly.named_parameters()}
    count = sum(own.values())
    instrument = sum(size for name, size in own.items() if name.startswith("measurements"))
    states = assembly.blueprint.states
    message = f"{count:,} parameters, {instrument:,} of them of the measurement; {rows:,} training rows"
    if len(states) > 1:
        message += f"; {len(states)} states"
    why = "with more parameters than rows the priors decide; the run names the directions that the data leave open"
    return RuleResult(f"model-{key}", title, why, "warning" if count > rows else "ok", message)


def _softened(found: RuleResult) -> RuleResult:
    """A comparison that does not apply is left out of the run; that is no error."""
    return RuleResult(found.id, found.title, found.why, "note", found.message, found.rows)


def _refused(name: str, title: str, why: str, error: PajamoError) -> RuleResult:
    parts = [error.what, error.where, error.why, f"next: {error.fix}" if error.fix else ""]
    return RuleResult(name, title, why, "error", "; ".join(part for part in parts if part))
