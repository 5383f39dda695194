"""A mechanism as a layer: from what differs between guide and target to its terms, and to its activity."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pajamo.data.assays.pairs.pairing import LETTERS
from pajamo.encoders.guides.factorised import FactorisedMap
from pajamo.encoders.guides.linear import MismatchMap
from pajamo.encoders.guides.steps import StepMap
from pajamo.mechanisms.activity import Activity
from pajamo.models.assays.assembly import Assembly, module_key
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.encoding import build_encoder
from pajamo.models.assays.law import build_law
from pajamo.models.transfer.effects import KINDS, effects_of, matched_of

TABULATED = (StepMap, MismatchMap, FactorisedMap)


class KineticLayer(nn.Module):
    """The readers, the constants and the law of a blueprint, in the default precision, for one of its outputs.

    Attributes
    ----------
    blueprint: the mechanism.
    length: positions of a guide with its PAM.
    output: which output is the activity.
    encoders: what reads the pair, by key.
    constants: values of the terms that are not read, shape (constants,).
    shift: change of each term of the matched target, shape (terms,).
    movable: which terms are not known from the declaration, shape (terms,).
    """

    fixed: Tensor
    movable: Tensor

    def __init__(self, blueprint: Blueprint, length: int, output: int) -> None:
        super().__init__()
        self.blueprint, self.length, self.output = blueprint, length, output
        self.encoders = nn.ModuleDict(
            {module_key(name): build_encoder(reader, LETTERS) for name, reader in blueprint.readers.items()}
        )
        self.law = build_law(blueprint)
        self.constant_terms = [i for i, term in enumerate(blueprint.terms) if term.encoder is None]
        initial = [blueprint.terms[i].initial or 0.0 for i in self.constant_terms]
        self.constants = nn.Parameter(torch.tensor(initial))
        self.shift = nn.Parameter(torch.zeros(len(blueprint.terms)))
        known = torch.tensor([float(not term.fixed) for term in blueprint.terms])
        self.register_buffer("movable", known, persistent=False)
        rows = torch.zeros(len(blueprint.rows)) if blueprint.fixed_inputs is None else blueprint.fixed_inputs
        held = torch.as_tensor(rows, dtype=torch.get_default_dtype())
        self.register_buffer("fixed", held, persistent=False)

    def take(self, assembly: Assembly) -> None:
        """Take over the values of a fitted assembly of the same mechanism."""
        with torch.no_grad():
            for name, reader in assembly.readers():
                self.encoders[module_key(name)].load_state_dict(reader.state_dict())
            held = torch.where(assembly.free, assembly.constants, assembly.constant_mean)
            self.constants.copy_(held[: len(self.constants)])

    def forward(self, codes: Tensor, switched: Tensor) -> Tensor:
        """Codes (pairs, length), and what they switch on (pairs, length x kinds), to terms (pairs, terms)."""
        found = self.matched() + switched @ self.effects()
        for place, term in enumerate(self.blueprint.terms):
            if term.encoder is not None and not self._tabulated(term.encoder):
                window = codes[:, term.start : term.start + self.blueprint.readers[term.encoder].length]
                read = self.encoders[module_key(term.encoder)](window)
                added = found[:, place] + read
                found = torch.cat([found[:, :place], added[:, None], found[:, place + 1 :]], dim=1)
        return found

    def matched(self) -> Tensor:
        """Terms of the matched target, shape (terms,); the shift alone for those that a network reads."""
        terms = self.shift * self.movable
        places = torch.tensor(self.constant_terms, dtype=torch.long)
        terms = terms.index_put((places,), self.constants, accumulate=True)
        for place, term in enumerate(self.blueprint.terms):
            if term.encoder is not None and self._tabulated(term.encoder):
                value = matched_of(self.encoders[module_key(term.encoder)])[term.part or 0]
                terms = terms.index_put((torch.tensor([place]),), value[None], accumulate=True)
        return terms

    def effects(self) -> Tensor:
        """What each difference at each position adds to each term, shape (length x kinds, terms)."""
        made = {
            name: effects_of(self.encoders[module_key(name)])
            for name in self.blueprint.readers
            if self._tabulated(name)
        }
        nothing = self.constants.new_zeros(self.length * len(KINDS))
        columns = []
        for term in self.blueprint.terms:
            if term.encoder not in made:
                columns.append(nothing)
                continue
            own = made[term.encoder][:, :, term.part or 0]
            after = self.length - term.start - len(own)
            columns.append(nn.functional.pad(own, (0, 0, term.start, after)).flatten())
        return torch.stack(columns, dim=1)

    def log10_activity(self, terms: Tensor) -> Tensor:
        """log10 of the activity (of a latent trait: the trait itself), shape (pairs,)."""
        activity: Activity = self.law(terms, self.fixed.expand(len(terms), -1))
        value = activity.on("log", self.output)
        return value / math.log(10.0) if activity.logarithmic else value

    def reader(self, name: str) -> nn.Module:
        """What reads the pair under this key."""
        return self.encoders[module_key(name)]

    def _tabulated(self, reader: str) -> bool:
        return isinstance(self.reader(reader), TABULATED)
