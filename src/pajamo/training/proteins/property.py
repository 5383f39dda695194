"""Learning a property of proteins as a task of the trainer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pajamo.data.proteins.alphabet import TOKENS
from pajamo.data.proteins.labelled import UNKNOWN, LabelledProteins
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.models.proteins.packing import Shown, enclosed, in_packs
from pajamo.models.proteins.property import Labelled, Property, PropertyModel
from pajamo.training.streams.hashing import hashed
from pajamo.training.streams.permutation import permuted
from pajamo.training.trainer.task import Facts

Plan = tuple[int, ...]


def sought_in(proteins: LabelledProteins, indices: NDArray[np.int64]) -> Property:
    """What is to be read off, with the mean and spread of the numbers that are learned from."""
    if proteins.kind != "regression":
        return Property(proteins.kind, proteins.classes)
    numbers = np.asarray(proteins.labels)[indices]
    return Property(proteins.kind, (), float(numbers.mean()), float(numbers.std()) or 1.0)


class PropertyTask:
    """Proteins with labels, each once an epoch, in an order that is a function of seed and epoch.

    Parameters
    ----------
    model: what learns.
    proteins: all of them.
    indices: of those that are learned from.
    seed: of the order.
    tokens: that one pack holds at most.
    packs: in a global batch.
    """

    def __init__(
        self,
        model: PropertyModel,
        proteins: LabelledProteins,
        indices: NDArray[np.int64],
        *,
        seed: int,
        tokens: int,
        packs: int,
    ) -> None:
        self.module: nn.Module = model
        self.proteins, self.indices = proteins, indices
        self._seed, self._tokens, self._packs = seed, tokens, packs
        self._lengths = np.array([len(proteins.tokens[index]) + 2 for index in indices])

    def first(self) -> Facts:
        """Before the first protein of the first epoch."""
        return {"epoch": 0, "next": 0}

    def plan(self, position: Facts) -> tuple[Sequence[Plan], Facts]:
        """Packs filled with the next proteins of the epoch's order; an epoch's end ends a pack and the batch."""
        epoch, place = int(position["epoch"]), int(position["next"])
        order = permuted(np.arange(len(self.indices)), len(self.indices), int(hashed(self._seed, epoch)))
        plans: list[Plan] = []
        while len(plans) < self._packs and place < len(order):
            count = self._fitting(order[place:])
            plans.append(tuple(self.indices[order[place : place + count]].tolist()))
            place += count
        ended = place == len(order)
        return plans, {"epoch": epoch + ended, "next": 0 if ended else place}

    def micro_batch(self, plan: Plan, device: torch.device) -> Labelled:
        """Proteins of one pack with their labels."""
        return labelled(self.proteins, plan, device)

    def weight(self, micro: Labelled) -> float:
        """Labels."""
        return float(len(micro.labels))

    def loss(self, module: nn.Module, micro: Labelled) -> Tensor:
        """Sum over labels."""
        return module(micro)

    def blocks(self, module: nn.Module) -> Sequence[nn.Module]:
        """Blocks of the encoder."""
        return list(module.encoder.blocks)

    def fingerprint(self) -> Facts:
        """Model, property, proteins with their labels, and order."""
        model = self.module
        return {
            "task": "property",
            "model": model.encoder.settings.model_dump(mode="json"),
            "vocabulary": list(TOKENS),
            "weights": [name for name, weight in model.named_parameters() if weight.requires_grad],
            "property": [model.sought.kind, *model.sought.classes],
            "data": _digest(self.proteins, self.indices),
            "seed": self._seed,
            "tokens": self._tokens,
            "packs": self._packs,
        }

    def _fitting(self, order: NDArray[np.int64]) -> int:
        """Proteins that fit into one pack, at least one."""
        sums = np.cumsum(self._lengths[order])
        return max(1, int(np.searchsorted(sums, self._tokens, side="right")))


def labelled(proteins: LabelledProteins, plan: Sequence[int], device: torch.device) -> Labelled:
    """Some proteins as one pack, with their labels, on a device."""
    of_residues = proteins.kind == "residues"
    known = [np.flatnonzero(proteins.labels[index] != UNKNOWN) if of_residues else () for index in plan]
    shown = (
        Shown(enclosed(proteins.tokens[index]), np.asarray(places, dtype=np.int64) + 1)
        for index, places in zip(plan, known, strict=True)
    )
    (pack,) = in_packs(shown, budget=sum(len(proteins.tokens[index]) + 2 for index in plan))
    labels: Any = (
        np.concatenate([proteins.labels[index][places] for index, places in zip(plan, known, strict=True)])
        if of_residues
        else np.asarray(proteins.labels)[list(plan)]
    )
    found = torch.from_numpy(labels)
    kind = torch.float32 if proteins.kind == "regression" else torch.int64
    return Labelled(PackedTokens.of(pack, device), found.to(device, kind))


def _digest(proteins: LabelledProteins, indices: NDArray[np.int64]) -> str:
    found = hashlib.sha256()
    for index in indices:
        found.update(proteins.tokens[index].tobytes() + b"/" + np.asarray(proteins.labels[index]).tobytes())
    return found.hexdigest()[:16]
