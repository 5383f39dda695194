"""What a fitted kinetic scheme does with the wild type: what drives it, what controls it, how long it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import Tensor

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.detailed_balance import KNOWN, balance_verdict
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import features_read, linear_readers
from pajamo.explanations.assays.information import Information
from pajamo.explanations.pairs.readout import log_output_of_loop
from pajamo.mechanisms.kinetics.cycles import cycle_affinities, cycles
from pajamo.mechanisms.kinetics.fluxes import entropy_production
from pajamo.mechanisms.kinetics.passage import Passage, log_mean_first_passage_time
from pajamo.mechanisms.r_loop import RLoop
from pajamo.mechanisms.steady_state import SteadyState
from pajamo.models.assays.model import AssayModel

DRAWS = 400
"""Of the parameters, from the Laplace posterior."""


@dataclass(frozen=True)
class KineticReadouts:
    """Read-outs of a kinetic scheme for the wild type.

    Attributes
    ----------
    table: `experiment`, `readout`, `of`, `value`, `unit`, `low`, `high` (equal tails of the Laplace posterior).
    verdicts: for each experiment, whether the scheme is in detailed balance within its error.
    """

    table: pd.DataFrame
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class _WildType:
    """Terms of the wild type in one experiment, and how they follow the coordinates of the information."""

    experiment: str
    law: SteadyState
    output: int
    passage: Passage | None
    terms: Tensor
    offsets: Tensor
    directions: Array

    @classmethod
    def of(cls, model: AssayModel, assay: Assay, found: Information, experiment: str) -> _WildType:
        assembly, codes = model.assembly, torch.as_tensor(assay.wild_type)[None]
        given = assay.experiment(experiment).inputs
        inputs = {name: torch.tensor([values.mean()], dtype=torch.float64) for name, values in given.items()}
        law = assembly.law_of(experiment)
        assert isinstance(law, SteadyState)
        with torch.no_grad():
            terms, offsets = assembly.terms(codes, experiment), assembly.offsets(codes, inputs)
        directions = _directions(model, found, experiment, codes)
        output, blueprint = assembly.outputs[experiment], assembly.blueprint
        passage = {**blueprint.passages, **blueprint.fractions}.get(blueprint.outputs[output])
        return cls(experiment, law, output, passage, terms, offsets, directions)

    def moved(self, moves: Array) -> Tensor:
        """Terms after moves of the coordinates, shape (moves, terms)."""
        return self.terms + torch.as_tensor(moves @ self.directions.T)

    @property
    def affinity_directions(self) -> Array:
        """How the affinity of each cycle follows the coordinates, shape (cycles, size): affinities are linear."""
        rates = torch.eye(len(self.law.incidence), dtype=torch.float64)
        none = torch.zeros_like(rates[:1])
        of_rates = cycle_affinities(self.law.scheme, rates) - cycle_affinities(self.law.scheme, none)
        return np.asarray(of_rates.numpy().T @ self.law.incidence.numpy() @ self.directions)


def _directions(model: AssayModel, found: Information, experiment: str, codes: Tensor) -> Array:
    """How each term follows the coordinates, shape (terms, size)."""
    assembly = model.assembly
    rows = np.zeros((len(assembly.blueprint.terms), found.size))
    for place, term in enumerate(assembly.blueprint.terms):
        if not assembly.blueprint.counts(term, experiment):
            continue
        if term.encoder is not None:
            reader, window = linear_readers(assembly)[term.encoder], assembly.window(term, codes)
            rows[place] = found.of_weights(term.encoder, features_read(reader, window, term.part)[0])
        elif term.name in found.constants:
            rows[place] = found.of_constant(term.name)
    return rows


def kinetic_readouts(
    model: AssayModel, assay: Assay, found: Information, *, level: float = 0.9, seed: int = 0
) -> KineticReadouts:
    """Affinities, entropy production, flux control and passage times of the wild type, with intervals.

    Concentrations are the means over each experiment's rows. An affinity is linear in the parameters, so that its
    Laplace interval is exact; other intervals are those of draws from the Laplace posterior. Where a free
    measurement bends the activity as it likes, its smoothness alone tells a driven cycle from one in balance, which
    the verdict says: 600 planted sequences in free bins gave affinities 0.5 kT too high, with errors of 0.25 kT.
    (Hill 1977; Schnakenberg 1976; Kacser and Burns 1973.)

    Parameters
    ----------
    model: a kinetic scheme at its optimum.
    assay: that it was fitted to.
    found: its information.
    level: coverage.
    seed: of the draws.
    """
    moves = found.draws(DRAWS, seed)
    tables, verdicts = [], []
    for experiment in model.assembly.experiments:
        wild_type = _WildType.of(model, assay, found, experiment)
        table = _table(wild_type, moves, level)
        errors = np.array([found.error(direction) for direction in wild_type.affinity_directions])
        affinities = _lay_affinities(table, errors, level)
        tables.append(table)
        verdict = balance_verdict(affinities, wild_type.affinity_directions, found, level)
        verdicts.append(f"{experiment}: {verdict}{_caution(model, experiment, errors)}")
    return KineticReadouts(pd.concat(tables, ignore_index=True), tuple(verdicts))


def _lay_affinities(table: pd.DataFrame, errors: Array, level: float) -> Array:
    """Put the exact intervals of affinities in place of those of draws; returns the affinities."""
    rows = (table["readout"] == "affinity").to_numpy()
    affinities = table.loc[rows, "value"].to_numpy()
    half = np.where(np.isfinite(affinities), float(stats.norm.ppf((1 + level) / 2)) * errors, 0.0)
    table.loc[rows, "low"], table.loc[rows, "high"] = affinities - half, affinities + half
    return affinities


def _caution(model: AssayModel, experiment: str, errors: Array) -> str:
    """What is to be said where parameters move an affinity that is seen through a free curve."""
    if not model.assembly.measurement(experiment).convex or not (errors > KNOWN).any():
        return ""
    return " The measurement is free, so that this rests on its smoothness: declare its form to be sure."


def _table(wild_type: _WildType, moves: Array, level: float) -> pd.DataFrame:
    own = _values(wild_type, wild_type.terms)
    drawn = _values(wild_type, wild_type.moved(moves))
    rows = []
    for (readout, of, unit), value in own.items():
        # The nearest draw: between an infinite time and a finite one there is nothing to interpolate.
        ends = np.quantile(drawn[readout, of, unit], [(1 - level) / 2, (1 + level) / 2], method="nearest")
        rows.append(
            {
                "experiment": wild_type.experiment,
                "readout": readout,
                "of": of,
                "value": float(value[0]),
                "unit": unit,
                "low": float(ends[0]),
                "high": float(ends[1]),
            }
        )
    return pd.DataFrame(rows)


def _values(wild_type: _WildType, terms: Tensor) -> dict[tuple[str, str, str], Array]:
    """Every read-out by name, what it is of, and unit; each of shape (rows of terms,)."""
    law, scheme = wild_type.law, wild_type.law.scheme
    rates = law.log_transition_rates(terms, wild_type.offsets)
    found = {}
    affinities = cycle_affinities(scheme, rates)
    for cycle, affinity in zip(cycles(scheme), affinities.unbind(dim=1), strict=True):
        found["affinity", " -> ".join((*cycle, cycle[0])), "kT"] = affinity.numpy()
    found["entropy production", "the scheme", "kT/s"] = entropy_production(scheme, rates).numpy()
    control = _control(wild_type, terms)
    for (source, target), share in zip(scheme.transitions, control.unbind(dim=1), strict=True):
        found["control of the output", f"{source} -> {target}", "%/%"] = share.numpy()
    targets = _productive(wild_type)
    if targets and len(targets) < len(scheme.states):
        times = log_mean_first_passage_time(scheme, rates, targets).exp()
        for state, time in zip(scheme.states, times.unbind(dim=1), strict=True):
            if state not in targets:
                found["mean first passage time", f"{state} to {' or '.join(targets)}", "s"] = time.numpy()
    return found


def _control(wild_type: _WildType, terms: Tensor) -> Tensor:
    """By how many percent the output rises if one rate rises by one percent, shape (rows, transitions).

    They sum to 1 for a flux or a passage, and to 0 for an average over states, which no unit of time changes.
    """
    if isinstance(wild_type.law, RLoop):
        return _control_of_loop(wild_type, terms)
    rises = torch.zeros(len(terms), wild_type.offsets.shape[1], dtype=torch.float64, requires_grad=True)
    absent = wild_type.offsets.isneginf()
    activity = wild_type.law(terms, wild_type.offsets + rises)
    (slopes,) = torch.autograd.grad(activity.on("log", wild_type.output).sum(), rises)
    # Behind the transitions there may be the time, which is no rate.
    return torch.where(absent, 0.0, slopes)[:, : len(wild_type.law.incidence)]


def _control_of_loop(wild_type: _WildType, terms: Tensor) -> Tensor:
    """The same of an R-loop, whose steps forward have one rate by declaration: each is moved alone."""
    scheme = wild_type.law.scheme
    rates = wild_type.law.log_transition_rates(terms, wild_type.offsets).detach().requires_grad_(True)
    (slopes,) = torch.autograd.grad(log_output_of_loop(scheme, rates, wild_type.passage).sum(), rates)
    return slopes


def _productive(wild_type: _WildType) -> tuple[str, ...]:
    """States in which the output is made, that a transition which makes it leaves, or in which molecules arrive."""
    law, scheme, output = wild_type.law, wild_type.law.scheme, wild_type.output
    if wild_type.passage is not None:
        return wild_type.passage.targets
    if law.makes[output].any():
        made = {scheme.transitions[i][0] for i in torch.nonzero(law.makes[output])[:, 0].tolist()}
    else:
        active = ~law.log_rates[output].isneginf() | (law.rate_terms[output] >= 0)
        made = {scheme.states[i] for i in torch.nonzero(active)[:, 0].tolist()}
    return tuple(state for state in scheme.states if state in made)
