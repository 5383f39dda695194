"""The numbers of a fitted mechanism that a person would quote: constants, and binding energies of the wild type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import features_read, linear_readers, wild_type_window
from pajamo.explanations.assays.information import Information
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Term
from pajamo.models.assays.model import AssayModel

WILD_TYPE, MATCHED = "the wild type", "the matched target"


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
    reader: whose weights these are; `of` itself if not given.
    at: of which sequence (or pair) a reading is.
    """

    quantity: str
    of: str
    unit: str
    scale: float
    constant: str | None = None
    features: Array | None = None
    reader: str | None = None
    at: str = WILD_TYPE

    @property
    def read_by(self) -> str:
        """Key of the reader whose weights it is a function of."""
        return self.reader or self.of

    @property
    def name(self) -> str:
        """By which a profile is asked for: "CRP+RNAP", "CRP at the wild type", "step 3 at the matched target"."""
        return self.of if self.features is None else f"{self.of} at {self.at}"

    @property
    def label(self) -> str:
        """Quantity and what it is of."""
        return f"{self.quantity} of {self.of}"

    def value(self, assembly: Assembly) -> float:
        """The number in a fitted assembly, in `unit`."""
        if self.features is not None:
            return self.scale * float(
                self.features @ linear_readers(assembly)[self.read_by].weights.detach().numpy()
            )
        terms = [assembly.blueprint.terms[place].name for place in assembly.constant_terms]
        return self.scale * float(assembly.constants[terms.index(self.of)].detach())

    def direction(self, found: Information) -> Array:
        """Its direction among the coordinates of an information, in `unit`, shape (size,)."""
        if self.features is not None:
            return self.scale * found.of_weights(self.read_by, self.features)
        return self.scale * found.of_constant(self.of)


def quantities(model: AssayModel, assay: Assay) -> tuple[Quantity, ...]:
    """Every fitted constant, and for every linear reader the energy (or ln rate) of the wild type.

    Of guide-target pairs it is that of the matched target, for each number that a reader gives, in kT or ln(1/s).
    """
    blueprint = model.assembly.blueprint
    constants = [t for t in blueprint.terms if t.encoder is None and not t.fixed]
    if isinstance(assay.alphabet, PairAlphabet):
        own = [_of_constant(term, 1.0) for term in constants]
        read = [term for term in blueprint.terms if term.encoder in linear_readers(model.assembly)]
        return (*own, *(_at_matched(model.assembly, term) for term in read))
    return (
        *(_of_constant(term, blueprint.kT) for term in constants),
        *(_at_wild_type(model.assembly, name, assay) for name in linear_readers(model.assembly)),
    )


def _at_wild_type(assembly: Assembly, name: str, assay: Assay) -> Quantity:
    term = next(t for t in assembly.blueprint.terms if t.encoder == name)
    window = torch.as_tensor(wild_type_window(assembly, name, assay.wild_type)[None])
    what, unit, scale = _native(term, assembly.blueprint.kT)
    features = linear_readers(assembly)[name].design(window)[0].numpy()
    return Quantity(what, name, unit, scale, features=features)


def _at_matched(assembly: Assembly, term: Term) -> Quantity:
    """What a reading gives where nothing differs: positions that are missing differ in nothing."""
    assert term.encoder is not None
    length = assembly.blueprint.readers[term.encoder].length
    nothing = torch.full((1, length), len(assembly.letters), dtype=torch.uint8)
    features = features_read(linear_readers(assembly)[term.encoder], nothing, term.part)[0]
    what = "free energy" if term.unit == "kT" else "ln rate" if term.unit else "value"
    return Quantity(
        f"{what} of {MATCHED}",
        term.name,
        term.unit or "1",
        1.0,
        features=features,
        reader=term.encoder,
        at=MATCHED,
    )


def values_of(model: AssayModel, wanted: Sequence[Quantity]) -> dict[str, float]:
    """Each quantity's number in a fitted model, by its label."""
    return {quantity.label: quantity.value(model.assembly) for quantity in wanted}


def errors_of(found: Information, wanted: Sequence[Quantity]) -> Array:
    """Standard errors of quantities, in their units."""
    return np.array([found.error(quantity.direction(found)) for quantity in wanted])


def _of_constant(term: Term, kT: float) -> Quantity:
    if term.unit == "kT":
        unit = "kT" if kT == 1 else "kcal/mol"
        return Quantity("interaction energy", term.name, unit, kT, constant=term.name)
    if term.unit == "ln(1/s)":
        return Quantity("ln rate", term.name, term.unit, 1.0, constant=term.name)
    what = "ln relative rate" if term.name.startswith("ln rate") else "ln concentration"
    return Quantity(what, term.name, term.unit or "1", 1.0, constant=term.name)


def _native(term: Term, kT: float) -> tuple[str, str, float]:
    if term.unit == "kT":
        return "binding energy of the wild type", "kcal/mol", kT
    what = "ln rate of the wild type" if term.unit else "value of the wild type"
    return what, term.unit or "1", 1.0
