"""A mechanism as the last part of a network of one's own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.config.assays import LatentSettings, MechanismSettings, inputs_of
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import ModelError, shorten
from pajamo.mechanisms.activity import Activity
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.law import build_law, with_time


class MechanismHead(nn.Module):
    """Turns what a network says of each sequence into binding energies, and these into activity and occupancies.

    The network gives one number for each quantity that the mechanism reads from the sequence (an energy in kT, ln of
    a rate); interaction energies and other constants are parameters of the head. It trains with the network in any
    loop of torch, under any measurement::

        head = MechanismHead.of(mechanism, length=75)
        network = torch.nn.Sequential(trunk, torch.nn.Linear(64, head.features))
        reading = ContinuousReading()
        activity = head(network(x)).on("linear", output=0)
        loss = -reading.log_likelihood(activity, {"value": y}).sum()

    Tareen and Kinney 2019 (the mechanism as fixed layers); here what feeds them is free.

    Attributes
    ----------
    blueprint: the compiled declaration.
    takes: names of the quantities that the network gives, in order.
    features: how many there are.
    constants: the other quantities, shape (constants,), in kT or as ln of rates.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__()
        self.blueprint = blueprint
        read = [number for number, term in enumerate(blueprint.terms) if term.encoder is not None]
        held = [number for number, term in enumerate(blueprint.terms) if term.encoder is None]
        self.takes = tuple(blueprint.terms[number].name for number in read)
        self.features = len(self.takes)
        self.law = build_law(blueprint)
        initial = torch.tensor([blueprint.terms[number].initial or 0.0 for number in held])
        self.constants = nn.Parameter(initial.clone())
        fixed = blueprint.fixed_inputs
        lasting = (
            torch.zeros(len(blueprint.rows)) if fixed is None else torch.as_tensor(fixed, dtype=initial.dtype)
        )
        self.register_buffer("initial", initial)
        self.register_buffer(
            "fixed", torch.tensor([blueprint.terms[n].fixed for n in held], dtype=torch.bool)
        )
        self.register_buffer("order", torch.tensor([*read, *held]).argsort())
        self.register_buffer("fixed_inputs", lasting)

    @classmethod
    def of(cls, mechanism: MechanismSettings, length: int, alphabet: str = "dna") -> MechanismHead:
        """The head of a declared mechanism for sequences of a length.

        Raises
        ------
        StudyError: the declaration contradicts itself or the length.
        """
        letters = alphabet_of(alphabet)
        codes = np.zeros((0, length), dtype=np.uint8)
        inputs = {name: np.zeros(0) for name in inputs_of(mechanism)}
        nothing = Experiment("head", codes, {}, np.zeros(0, dtype=np.int8), inputs)
        assay = Assay(letters, np.zeros(length, dtype=np.uint8), (nothing,))
        return cls(compile_mechanism(mechanism, assay))

    def terms(self, given: Tensor) -> Tensor:
        """Every term of each sequence, shape (sequences, terms), from the network's numbers (sequences, features).

        Raises
        ------
        ModelError: the network gives another number of features.
        """
        if given.ndim != 2 or given.shape[1] != self.features:
            raise ModelError(
                f"the network gives shape {tuple(given.shape)}",
                where="mechanism head",
                why=f"the mechanism reads {self.features} quantities: {shorten(self.takes)}",
                fix=f"let the network end in {self.features} outputs",
            )
        held = torch.where(self.fixed, self.initial, self.constants).to(given.dtype)
        return torch.cat([given, held.expand(len(given), -1)], dim=1)[:, self.order]

    def forward(self, given: Tensor, inputs: Mapping[str, Tensor] | None = None) -> Activity:
        """Activity of each output; `given` as for `terms`, and concentrations by name, each (sequences,)."""
        return self.law(self.terms(given), self._offsets(given, inputs or {}))

    def log_occupancies(self, given: Tensor, inputs: Mapping[str, Tensor] | None = None) -> Tensor:
        """ln of the probability of each state, shape (sequences, states), in the order of `blueprint.states`.

        Raises
        ------
        ModelError: a latent trait has no states.
        """
        if isinstance(self.blueprint.settings, LatentSettings):
            raise ModelError(
                "a latent trait has no states", fix="declare a thermodynamic or kinetic mechanism"
            )
        return self.law.log_occupancies(self.terms(given), self._offsets(given, inputs or {}))

    def _offsets(self, given: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        total = self.fixed_inputs.to(given.dtype).expand(len(given), -1)
        for name, times in self.blueprint.inputs.items():
            if name not in inputs:
                raise ModelError(
                    f"input {name!r} is missing", fix=f"inputs={{'{name}': one number a sequence}}"
                )
            power = torch.as_tensor(times, dtype=given.dtype)
            added = inputs[name].to(given.dtype).log()[:, None] * power
            total = total + torch.where(power == 0, 0.0, added)
        return with_time(total, self.blueprint, inputs)
