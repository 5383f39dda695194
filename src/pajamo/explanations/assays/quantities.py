"""The numbers of a fitted mechanism that a person would quote: constants, and binding energies of the wild type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import linear_readers, wild_type_window
from pajamo.explanations.assays.information import Information
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Term
from pajamo.models.assays.model import AssayModel


@dataclass(frozen=True)
class Quantity:
    """A linear function of the parameters.

    Attributes
    ----------
    quantity: what it is: "interaction energy", "binding energy of the wild type", "ln rate", "ln concentration".
    of: the term or the reader.
    unit: of its value.
    scale: unit of the value in those of the term (kcal/mol in kT).
    constant: name of the term; None for a reader.
    features: of a reader's weights, shape (features,); None for a constant.
    """

    quantity: str
    of: str
    unit: str
    scale: float
    constant: str | None = None
    features: Array | None = None

    @property
    def name(self) -> str:
        """By which a profile is asked for: "CRP+RNAP", or "CRP at the wild type"."""
        return self.of if self.features is None else f"{self.of} at the wild type"

    @property
    def label(self) -> str:
        """Quantity and what it is of."""
        return f"{self.quantity} of {self.of}"

    def value(self, assembly: Assembly) -> float:
        """The number in a fitted assembly, in `unit`."""
        if self.features is not None:
            return self.scale * float(
                self.features @ linear_readers(assembly)[self.of].weights.detach().numpy()
            )
        terms = [assembly.blueprint.terms[place].name for place in assembly.constant_terms]
        return self.scale * float(assembly.constants[terms.index(self.of)].detach())

    def direction(self, found: Information) -> Array:
        """Its direction among the coordinates of an information, in `unit`, shape (size,)."""
        if self.features is not None:
            return self.scale * found.of_weights(self.of, self.features)
        return self.scale * found.of_constant(self.of)


def quantities(model: AssayModel, assay: Assay) -> tuple[Quantity, ...]:
    """Every fitted constant, and for every linear reader the energy (or ln rate) of the wild type."""
    blueprint = model.assembly.blueprint
    constants = [t for t in blueprint.terms if t.encoder is None and not t.fixed]
    found = [_of_constant(term, blueprint.kT) for term in constants]
    for name, reader in linear_readers(model.assembly).items():
        term = next(t for t in blueprint.terms if t.encoder == name)
        window = torch.as_tensor(wild_type_window(model.assembly, name, assay.wild_type)[None])
        what, unit, scale = _native(term, blueprint.kT)
        found.append(Quantity(what, name, unit, scale, features=reader.design(window)[0].numpy()))
    return tuple(found)


def values_of(model: AssayModel, wanted: Sequence[Quantity]) -> dict[str, float]:
    """Each quantity's number in a fitted model, by its label."""
    return {quantity.label: quantity.value(model.assembly) for quantity in wanted}


def errors_of(found: Information, wanted: Sequence[Quantity]) -> Array:
    """Standard errors of quantities, in their units."""
    return np.array([found.error(quantity.direction(found)) for quantity in wanted])


def _of_constant(term: Term, kT: float) -> Quantity:
    if term.unit == "kT":
        return Quantity("interaction energy", term.name, "kcal/mol", kT, constant=term.name)
    if term.unit == "ln(1/s)":
        return Quantity("ln rate", term.name, term.unit, 1.0, constant=term.name)
    what = "ln relative rate" if term.name.startswith("ln rate") else "ln concentration"
    return Quantity(what, term.name, term.unit or "1", 1.0, constant=term.name)


def _native(term: Term, kT: float) -> tuple[str, str, float]:
    if term.unit == "kT":
        return "binding energy of the wild type", "kcal/mol", kT
    what = "ln rate of the wild type" if term.unit else "value of the wild type"
    return what, term.unit or "1", 1.0
