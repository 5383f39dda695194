"""Goals as functions of binding energies that are sums over positions, and their best values over ranges of these.

Every Boltzmann weight is linear in exp(-E) of each energy, so that the activity is a ratio of linear functions of it:
it only rises or only falls with each energy while the others stay. Over a box of energies the largest and the
smallest activity are therefore found at corners, which makes a bound that cannot be improved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from pajamo.config.assays import LatentSettings, ThermodynamicSettings
from pajamo.data.assays.alphabet import Codes
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.explanations.designs.goals import Aim, Values
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Term

MOST_ENERGIES = 6
"""Energies read from the sequence beyond which a box has too many corners."""


@dataclass(frozen=True)
class Energies:
    """Sums over positions that decide the goals.

    Attributes
    ----------
    table: what each letter at each position adds to each energy, shape (energies, length, letters).
    base: what each energy is without any letter, shape (energies,).
    places: position of each energy among the terms.
    aims: goals.
    start: codes of a whole sequence, for concentrations and constants, shape (length,).
    """

    table: Values
    base: Values
    places: tuple[int, ...]
    aims: tuple[Aim, ...]
    start: Codes

    def bound(self, low: Values, high: Values) -> Values:
        """The best score that energies between these limits, each (boxes, energies), can have; shape (boxes,)."""
        corners = [
            np.where(np.array(corner, dtype=bool), high, low)
            for corner in product((0, 1), repeat=low.shape[1])
        ]
        total = np.zeros(len(low))
        for aim in self.aims:
            values = np.stack([self._values(aim, corner) for corner in corners])
            total += aim.score(values.min(axis=0), values.max(axis=0))
        return total

    @torch.no_grad()
    def _values(self, aim: Aim, energies: Values) -> Values:
        one = torch.as_tensor(self.start[None])
        constants: Tensor = aim.assembly.constant_values(aim.experiment)
        terms = constants.expand(len(energies), -1).clone()
        terms[:, list(self.places)] = torch.as_tensor(energies)
        offsets = aim.assembly.offsets(one, aim.conditions(1)).expand(len(energies), -1)
        return np.asarray(aim.assembly.law(terms, offsets).value[:, aim.output])


def energies_of(aims: Sequence[Aim], start: Codes) -> Energies | None:
    """The energies behind goals; None where they are no sums over positions, or too many, or goals are readings."""
    assembly = aims[0].assembly
    if any(aim.goal.of != "activity" for aim in aims) or not _bounded_by_corners(assembly):
        return None
    read = [(place, term) for place, term in enumerate(assembly.blueprint.terms) if term.encoder is not None]
    additive = all(isinstance(assembly.encoder(term), AdditiveEncoder) for _, term in read)
    if not additive or len(read) > MOST_ENERGIES or (start >= len(assembly.letters)).any():
        return None
    table = np.stack([_contributions(assembly, term, len(start)) for _, term in read])
    base = np.array([float(_reader(assembly, term).weights[0].detach()) for _, term in read])
    return Energies(table, base, tuple(place for place, _ in read), tuple(aims), start)


def _bounded_by_corners(assembly: Assembly) -> bool:
    blueprint = assembly.blueprint
    if isinstance(blueprint.settings, LatentSettings):
        return True
    once = bool(np.isin(blueprint.incidence, (0.0, 1.0)).all())
    return isinstance(blueprint.settings, ThermodynamicSettings) and once


def _reader(assembly: Assembly, term: Term) -> AdditiveEncoder:
    reader = assembly.encoder(term)
    assert isinstance(reader, AdditiveEncoder)
    return reader


def _contributions(assembly: Assembly, term: Term, length: int) -> Values:
    """What each letter at each position adds, shape (length, letters)."""
    matrix: Values = _reader(assembly, term).matrix.detach().numpy()
    if term.strand == "-":
        assert isinstance(assembly.complement, Tensor)
        other = assembly.complement[:-1].long().numpy()
        matrix = matrix[::-1][:, other]
    whole = np.zeros((length, matrix.shape[1]))
    whole[term.start : term.start + len(matrix)] = matrix
    return whole
