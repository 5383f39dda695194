"""Encoder, mechanism and measurement of every experiment, put together from a blueprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pajamo.encoders.sequence.encoder import SequenceEncoder
from pajamo.measurements.scalar.measurement import Measurement
from pajamo.mechanisms.activity import Activity
from pajamo.mechanisms.r_loop import RLoop
from pajamo.models.assays.blueprint import Blueprint, Term
from pajamo.models.assays.encoding import build_encoder
from pajamo.models.assays.law import build_law, with_time
from pajamo.models.assays.readings import readings_of

if TYPE_CHECKING:
    from pajamo.models.assays.objective import Rows

Inputs = Mapping[str, Tensor]
SMALLEST_SPREAD = 1e-9
"""Activities that differ less are all the same, and give no unit."""


class Assembly(nn.Module):
    """From the letters of a sequence to the distribution of what each experiment records of it.

    Attributes
    ----------
    encoders: what reads the sequence, by key.
    constants: values of the terms that are no readings, shape (constants,), in the terms' units.
    law: the mechanism.
    measurements: one for each experiment, by position in `experiments`.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        letters: str,
        measurements: Mapping[str, Measurement],
        outputs: Mapping[str, int],
        coordinates: Mapping[str, str | None],
        complement: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.blueprint, self.letters = blueprint, letters
        self.experiments = tuple(measurements)
        self.outputs, self.coordinates = dict(outputs), dict(coordinates)
        self.encoders = nn.ModuleDict(
            {module_key(name): build_encoder(reader, letters) for name, reader in blueprint.readers.items()}
        )
        self.readings = readings_of(blueprint, len(letters))
        self.law = build_law(blueprint)
        self.measurements = nn.ModuleList(measurements.values())
        self.constant_terms = [i for i, term in enumerate(blueprint.terms) if term.encoder is None]
        constants = [blueprint.terms[i] for i in self.constant_terms]
        self.constants = nn.Parameter(torch.tensor([term.initial or 0.0 for term in constants]))
        self.register_buffer("constant_mean", torch.tensor([term.initial or 0.0 for term in constants]))
        self.register_buffer("constant_sd", torch.tensor([term.sd for term in constants]))
        self.register_buffer("free", torch.tensor([not term.fixed for term in constants], dtype=torch.bool))
        self.register_buffer("complement", complement)
        self.register_buffer("centre", torch.zeros(len(self.experiments)))
        self.register_buffer("spread", torch.ones(len(self.experiments)))
        self.register_buffer("ends", None if blueprint.ends is None else torch.as_tensor(blueprint.ends))
        fixed = blueprint.fixed_inputs
        self.register_buffer(
            "fixed_inputs", torch.zeros(len(blueprint.rows)) if fixed is None else torch.as_tensor(fixed)
        )

    def measurement(self, experiment: str) -> Measurement:
        """The measurement of an experiment."""
        return self.measurements[self.experiments.index(experiment)]

    def terms(self, codes: Tensor, experiment: str) -> Tensor:
        """Every term of each sequence, shape (sequences, terms): free energies in kT, ln of rates."""
        columns = list(self.constant_values(experiment).expand(len(codes), -1).unbind(dim=1))
        for reading in self.readings:
            if not self.blueprint.counts(self.blueprint.terms[reading.places[0]], experiment):
                continue
            read = reading.values(self.reader(reading.reader), codes, self.complement)
            for place, values in zip(reading.places, read.unbind(dim=1), strict=True):
                columns[place] = values
        return torch.stack(columns, dim=1)

    def constant_values(self, experiment: str) -> Tensor:
        """Constants at their terms' places (0 for readings and for other experiments), shape (terms,)."""
        held = torch.where(self.free, self.constants, self.constant_mean)
        counts = [self.blueprint.counts(self.blueprint.terms[i], experiment) for i in self.constant_terms]
        held = held * torch.tensor(counts, dtype=held.dtype)
        return held.new_zeros(len(self.blueprint.terms)).index_put(
            (torch.tensor(self.constant_terms, dtype=torch.long),), held
        )

    def law_of(self, experiment: str) -> nn.Module:
        """The mechanism with the states that it has in an experiment: of shorter guides fewer base pairs open."""
        if not isinstance(self.law, RLoop):
            return self.law
        return self.law.shorter_by(int(self.law.lacking(self.constant_values(experiment)[None])[0]))

    def encoder(self, term: Term) -> SequenceEncoder:
        """What reads the sequence for a term."""
        return self.reader(term.encoder)

    def reader(self, name: str) -> SequenceEncoder:
        """What reads the sequence, by the name of the reader."""
        return self.encoders[module_key(name)]

    def readers(self) -> list[tuple[str, SequenceEncoder]]:
        """Every reader by its name."""
        return [(name, self.reader(name)) for name in self.blueprint.readers]

    def window(self, term: Term, codes: Tensor) -> Tensor:
        """The letters that a term reads, on its own strand, shape (sequences, window)."""
        reading = next(r for r in self.readings if (r.reader, r.strand) == (term.encoder, term.strand))
        return reading.window(codes, term.start, self.complement)

    def offsets(self, codes: Tensor, inputs: Inputs) -> Tensor:
        """ln of the concentrations that multiply each state or rate, shape (sequences, rows).

        -inf for states that bind what is absent, or that have no room on so short a sequence. Where fractions are
        recorded, ln of the time is one more column.
        """
        total = self.fixed_inputs.expand(len(codes), -1)
        if self.ends is not None:
            lengths = (codes < len(self.letters)).sum(dim=1)
            total = total.masked_fill(self.ends > lengths[:, None], -torch.inf)
        for name, times in self.blueprint.inputs.items():
            if name in inputs:
                power = torch.as_tensor(times, dtype=total.dtype)
                added = inputs[name].log()[:, None] * power
                total = total + torch.where(power == 0, 0.0, added)
        return with_time(total, self.blueprint, inputs)

    def activity(self, codes: Tensor, experiment: str, inputs: Inputs) -> Activity:
        """Activity of each output for each sequence."""
        return self.law(self.terms(codes, experiment), self.offsets(codes, inputs))

    def coordinate(self, codes: Tensor, experiment: str, inputs: Inputs) -> Tensor:
        """The activity that an experiment records, as its measurement takes it; shape (sequences,)."""
        return self.normalised(
            self.recorded(self.activity(codes, experiment, inputs), experiment), experiment
        )

    def recorded(self, activity: Activity, experiment: str) -> Tensor:
        """The output that an experiment records, on the scale of its coordinate; shape (sequences,)."""
        return activity.on(self.coordinates[experiment], self.outputs[experiment])

    def normalised(self, activity: Tensor, experiment: str) -> Tensor:
        """Activities about their mean over the training rows, in units of their spread there."""
        number = self.experiments.index(experiment)
        return (activity - self.centre[number]) / self.spread[number]

    def settle(self, activity: Tensor, experiment: str) -> Tensor:
        """Take these activities as the training rows' own, and return them normalised.

        A measurement that reads the activity on its physical scale keeps that scale.
        """
        number = self.experiments.index(experiment)
        if self.measurements[number].normalised:
            self.centre[number] = activity.mean()
            spread = activity.std(correction=0)
            self.spread[number] = spread if spread > SMALLEST_SPREAD else 1.0
        return self.normalised(activity, experiment)

    def forward(self, parts: Sequence[Rows]) -> Tensor:
        """Minus ln posterior of rows of the experiments, in nats, their activities normalised among themselves.

        Unlike `objective`, it keeps no scale of the training rows: for starts, which have none yet.
        """
        total = self.penalty()
        for rows in parts:
            measurement = self.measurement(rows.name)
            activity = self.recorded(self.activity(rows.codes, rows.name, rows.inputs), rows.name)
            if measurement.normalised:
                variance = activity.var(correction=0)
                spread = torch.where(variance > SMALLEST_SPREAD**2, variance, 1.0).sqrt()
                activity = (activity - activity.mean()) / spread
            total = total - measurement.log_likelihood(activity, rows.recorded).sum()
        return total

    def penalty(self) -> Tensor:
        """Minus ln of the prior density of every parameter, in nats."""
        total = (((self.constants - self.constant_mean) / self.constant_sd) ** 2).sum() / 2
        for encoder in self.encoders.values():
            total = total + encoder.penalty()
        for measurement in self.measurements:
            total = total + measurement.penalty()
        return total


def module_key(name: str) -> str:
    """Module names may hold no dots, nor be what a module has already, as "keys"."""
    return f"of {name}".replace(".", "·")
