"""Verbs about fitted mechanisms of assays: design sequences, plan and simulate libraries, explain other models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pajamo.errors import ModelError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from pajamo.config.assays import MechanismSettings
    from pajamo.explanations.designs.goals import Goal
    from pajamo.explanations.designs.planning import LibraryPlan
    from pajamo.explanations.designs.sequences import SequenceDesign
    from pajamo.explanations.surrogates.oracle import Oracle
    from pajamo.explanations.surrogates.surrogate import Surrogate
    from pajamo.models.assays.model import AssayModel
    from pajamo.pipeline.assays.run_record import AssayRun

Target: TypeAlias = "str | Path | AssayModel | AssayRun"
"""A fitted mechanism: itself, its file, or the run (its folder) that fitted it."""
FITTED = "fit"


def surrogate(
    oracle: Oracle,
    wild_type: str,
    mechanism: MechanismSettings | Mapping[str, Any],
    *,
    variants: int = 2000,
    rate: float = 0.1,
    alphabet: str = "dna",
    starts: int = 4,
    steps: int = 200,
    seed: int = 0,
    cache: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Surrogate:
    """Carry an assay out on any model of sequences and fit a mechanism to what it predicts.

    Parameters
    ----------
    oracle: a function from a list of sequences to one number each.
    wild_type: the sequence about which variants are made.
    mechanism: its declaration, or the same as a dictionary, as under [mechanisms.NAME] of a study.
    variants, rate: size of the library, and the probability that a position is mutated.
    alphabet: name of an alphabet, or its letters.
    starts, steps: random starts of the fit, and its most steps.
    seed: of library, split and starts.
    cache: CSV file that keeps the oracle's answers.
    progress: called with a line of text now and then.

    Returns
    -------
    The fitted mechanism, and `table`: how much of the oracle it explains (R2 and bits on unseen variants),
    beside maps without a mechanism.

    Raises
    ------
    DataError: an answer that is no finite number, or the same for every sequence; too few variants.
    StudyError: a mechanism that contradicts itself or the sequence.
    """
    from pajamo.config.assays import parse_mechanism
    from pajamo.explanations.designs.mutagenesis import Mutagenesis
    from pajamo.explanations.surrogates.surrogate import surrogate as fit_surrogate

    declared = parse_mechanism(mechanism) if isinstance(mechanism, Mapping) else mechanism
    return fit_surrogate(
        oracle, wild_type, declared, alphabet=alphabet, library=Mutagenesis(variants=variants, rate=rate),
        starts=starts, steps=steps, seed=seed, cache=None if cache is None else Path(cache), progress=progress,
    )  # fmt: skip


def design_sequences(
    model: Target,
    want: float | Literal["max", "min"] | Goal | Sequence[Goal],
    *,
    name: str | None = None,
    start: str | None = None,
    of: Literal["activity", "expected"] = "activity",
    experiment: str | None = None,
    inputs: Mapping[str, float] | None = None,
    n: int = 10,
    seed: int = 0,
    **constraints: Any,
) -> SequenceDesign:
    """Edit a sequence until a fitted mechanism says that it reaches a wanted expression.

    Parameters
    ----------
    model: a fitted mechanism, its file, or a run.
    want: a number to come near, "max" or "min"; or goals for several experiments at once.
    name: of a run: which of its models; the leading mechanism if not given.
    start: the sequence that is edited; the assay's wild type if not given.
    of: whether `want` is the mechanism's activity or the expected reading of the experiment.
    experiment: in which experiment; the only one if not given.
    inputs: concentrations; those of the experiment where it gives a number.
    n: how many sequences are wanted.
    seed: the same seed gives the same sequences.
    constraints: gc (least and largest share), forbidden (sites), most_edits, fixed (positions, counted from 0),
        longest_run (equal letters in a row).

    Returns
    -------
    `table`, one row a sequence with its edits and values, the best first; `constraints`, what each fulfils; `exact`,
    whether there is nothing better.

    Raises
    ------
    DataError: a start of another alphabet or length, or constraints that no sequence fulfils.
    ModelError: an activity, experiment or concentration that the model cannot have.
    StudyError: an unknown constraint.
    """
    from pajamo.config.strict import parse
    from pajamo.explanations.designs import sequences
    from pajamo.explanations.designs.constraints import Constraints
    from pajamo.explanations.designs.goals import Goal
    from pajamo.explanations.designs.simulation import frame_of

    fitted = fitted_mechanism(model, name)
    if isinstance(want, int | float | str):
        asked = {"want": want, "of": of, "experiment": experiment, "inputs": dict(inputs or {})}
        want = parse(Goal, asked, where="goal")
    rules = parse(Constraints, constraints, where="constraints")
    first = frame_of(fitted).wild_type if start is None else start
    return sequences.design_sequences(fitted, want, first, constraints=rules, n=n, seed=seed)


def plan_library(
    model: Target,
    wanted: Mapping[str, float] | None = None,
    *,
    name: str | None = None,
    rates: Sequence[float] = (0.05, 0.1, 0.2),
    variants: Sequence[int] = (300, 1000, 3000, 10_000, 30_000),
    reads: Sequence[float] = (10.0, 100.0),
    error: float | None = None,
    inputs: Mapping[str, float] | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> LibraryPlan:
    """How many variants and reads measure energies as finely as wanted.

    Parameters
    ----------
    model: a fitted mechanism, its file, or a run.
    wanted: half-widths of intervals in kcal/mol: an interaction as "CRP+RNAP", the wild type's binding energy as
        "CRP", what letters of a site add as "CRP matrix".
    name: of a run: which of its models; the leading mechanism if not given.
    rates, variants, reads: mutation rates, numbers of variants, and mean reads a variant that are compared.
    error: standard error of a continuous reading, where the experiment records one.
    inputs: concentrations that the experiments read from columns.
    level: coverage of the intervals.
    seed: of the simulated libraries.

    Raises
    ------
    ModelError: a quantity or concentration that the mechanism does not have, or a half-width that is not above 0.
    """
    from pajamo.explanations.designs import planning

    fitted = fitted_mechanism(model, name)
    return planning.plan_library(
        fitted, wanted, rates=rates, variants=variants, reads=reads, error=error,
        inputs=_everywhere(fitted, inputs or {}), level=level, seed=seed,
    )  # fmt: skip


def simulate_assay(
    model: Target,
    library: Sequence[str] | None = None,
    *,
    name: str | None = None,
    variants: int = 3000,
    rate: float = 0.1,
    reads: float = 100.0,
    error: float | None = None,
    inputs: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """What the experiments of a fitted mechanism would record of a library, as their tables.

    Parameters
    ----------
    model: a fitted mechanism, its file, or a run.
    library: the sequences; random variants of the wild type if not given.
    name: of a run: which of its models; the leading mechanism if not given.
    variants, rate: size of the random library, and the probability that a position is mutated.
    reads: mean reads of a variant in an experiment (DNA counts, for barcodes).
    error: standard error of a continuous reading, where the experiment records one.
    inputs: concentrations that the experiments read from columns.
    seed: the same seed gives the same tables.

    Returns
    -------
    For each experiment a table with the columns that its declaration names, so that it can be read in its place.

    Raises
    ------
    DataError: sequences of another alphabet or length, or so few reads that no variant has any.
    ModelError: a concentration or an error is missing, or not known.
    """
    from pajamo.api.assay_tables import tables_of
    from pajamo.config.strict import parse
    from pajamo.explanations.designs.mutagenesis import Mutagenesis
    from pajamo.explanations.designs.simulation import simulate

    fitted = fitted_mechanism(model, name)
    drawn = (
        parse(Mutagenesis, {"variants": variants, "rate": rate}, where="library")
        if library is None
        else library
    )
    given = _everywhere(fitted, inputs or {})
    assay = simulate(fitted, drawn, reads=reads, error=error, inputs=given, seed=seed)
    return tables_of(fitted, assay)


def fitted_mechanism(target: Target, name: str | None = None) -> AssayModel:
    """The fitted model that is meant; of a run the named one, or the leading mechanism.

    Raises
    ------
    ModelError: the run has no such model, is one on a screen, or a name is given to a single model.
    IntegrityError: the file or the run is missing or damaged.
    """
    from pajamo.models.assays.model import AssayModel
    from pajamo.pipeline.assays.kinds import is_assay_run
    from pajamo.pipeline.assays.run_record import AssayRun
    from pajamo.training.assays.saved import load_assay_model

    if isinstance(target, AssayRun):
        return target.assay_model(name)
    if not isinstance(target, AssayModel) and Path(target).is_dir():
        if not is_assay_run(Path(target)):
            raise ModelError("this run is about a screen, not about sequences", where=str(target))
        return AssayRun(Path(target)).assay_model(name)
    if name is not None:
        raise ModelError("only a run holds several models", fix=f"leave the name {name!r} out, or give a run")
    return target if isinstance(target, AssayModel) else load_assay_model(target)


def _everywhere(model: AssayModel, inputs: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The concentrations given, for each experiment that does not estimate them."""
    known = model.assembly.blueprint.inputs
    for name, value in inputs.items():
        if name not in known or not 0 <= value < float("inf"):
            raise ModelError(
                f"input {name!r} = {value:g} cannot be set",
                where=model.name,
                fix=f"{nearest(name, known)}give concentrations of: {', '.join(known) or 'none'}",
            )
    return {
        experiment: {name: value for name, value in inputs.items() if settings.inputs.get(name) != FITTED}
        for experiment, settings in model.experiments.items()
    }
