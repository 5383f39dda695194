"""What an experiment is to measure of a mechanism, as directions among its parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.data.assays.alphabet import Codes
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.models.assays.assembly import Assembly
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.gauge import design


@dataclass(frozen=True)
class Quantity:
    """A number whose interval is wanted.

    Attributes
    ----------
    name: "CRP+RNAP", an energy; "CRP", the wild type's binding energy; "CRP matrix", what a letter adds (root mean
        square over letters).
    directions: changes of the number with the parameters, one column each, shape (size, directions).
    unit: kcal/mol for 1 kT; 1 for logarithms of rates.
    """

    name: str
    directions: Tensor
    unit: float

    def standard_error(self, covariance: Tensor) -> float:
        """Root mean square of the standard errors along the directions."""
        variance = (self.directions * (covariance @ self.directions)).sum(dim=0)
        return self.unit * float(variance.mean().sqrt())


def quantities_of(assembly: Assembly, coordinates: Coordinates, wild_type: Codes) -> dict[str, Quantity]:
    """Every quantity of a mechanism by its name."""
    found, terms = {}, assembly.blueprint.terms
    for term, place in coordinates.constants:
        direction = torch.zeros(coordinates.size, 1, dtype=torch.float64)
        direction[place] = 1.0
        found[terms[term].name] = Quantity(terms[term].name, direction, _unit(assembly, term))
    for block in coordinates.readers:
        term = next(number for number, each in enumerate(terms) if each.encoder == block.key)
        unit, reader = _unit(assembly, term), assembly.reader(block.key)
        window = assembly.window(terms[term], torch.as_tensor(wild_type[None]))
        whole = torch.zeros(coordinates.size, 1, dtype=torch.float64)
        assert isinstance(reader, LinearEncoder)
        whole[block.where, 0] = design(reader, window)[0].double()
        found[block.key] = Quantity(block.key, whole, unit)
        if isinstance(reader, AdditiveEncoder):
            name = f"{block.key} matrix"
            found[name] = Quantity(name, _letters(reader, window, block.where, coordinates.size), unit)
    return found


def _letters(reader: AdditiveEncoder, window: Tensor, where: slice, size: int) -> Tensor:
    """Change of the energy by each single mutation of the wild type, shape (size, mutations)."""
    letters = len(reader.letters)
    single = window.repeat(reader.length * (letters - 1), 1)
    places = torch.arange(reader.length).repeat_interleave(letters - 1)
    steps = torch.arange(1, letters).repeat(reader.length)
    rows = torch.arange(len(single))
    single[rows, places] = ((single[rows, places].long() + steps) % letters).to(single.dtype)
    directions = torch.zeros(size, len(single), dtype=torch.float64)
    directions[where] = (design(reader, single) - design(reader, window)).double().T
    return directions


def _unit(assembly: Assembly, term: int) -> float:
    return assembly.blueprint.kT if assembly.blueprint.terms[term].unit == "kT" else 1.0
