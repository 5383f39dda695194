"""The parameters that a Newton step moves, as one vector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from pajamo.models.assays.assembly import Assembly
from pajamo.training.assays.newton.gauge import basis


@dataclass(frozen=True)
class Block:
    """Some of the vector's entries: weights of a reader, a constant, or the parameters of an instrument."""

    key: str
    where: slice


class Coordinates:
    """Readers' weights along gauge-free directions, free constants, and instruments that are not projected out.

    Attributes
    ----------
    size: length of the vector.
    readers, instruments: blocks by the name of the reader or of the experiment.
    constants: for each free constant, its term and its place in the vector.
    """

    def __init__(self, assembly: Assembly, held: frozenset[str] = frozenset()) -> None:
        self._assembly = assembly
        self.size = 0
        self._bases = {name: basis(encoder) for name, encoder in assembly.readers()}
        self.readers = [self._block(name, directions.shape[1]) for name, directions in self._bases.items()]
        terms = assembly.blueprint.terms
        self.constants = [
            (term, self._block(terms[term].name, 1).where.start)
            for number, term in enumerate(assembly.constant_terms)
            if assembly.free[number] and terms[term].name not in held
        ]
        self.instruments = [
            self._block(name, sum(p.numel() for p in measurement.parameters()))
            for name, measurement in zip(assembly.experiments, assembly.measurements, strict=True)
            if not measurement.convex
        ]

    def _block(self, key: str, size: int) -> Block:
        block = Block(key, slice(self.size, self.size + size))
        self.size += size
        return block

    @torch.no_grad()
    def move(self, step: Tensor) -> None:
        """Add a step to the parameters."""
        assembly = self._assembly
        for block in self.readers:
            weights = assembly.reader(block.key).weights
            weights += self._bases[block.key] @ step[block.where]
        numbers = {term: number for number, term in enumerate(assembly.constant_terms)}
        for term, place in self.constants:
            assembly.constants[numbers[term]] += step[place]
        for block in self.instruments:
            parameters = list(assembly.measurement(block.key).parameters())
            vector_to_parameters(parameters_to_vector(parameters) + step[block.where], parameters)

    def pull(self) -> Tensor:
        """The gradient that the parameters hold, along the vector's entries."""
        assembly = self._assembly
        total = torch.zeros(self.size, dtype=torch.float64)
        for block in self.readers:
            total[block.where] = self._bases[block.key].T @ assembly.reader(block.key).weights.grad
        numbers = {term: number for number, term in enumerate(assembly.constant_terms)}
        for term, place in self.constants:
            total[place] = assembly.constants.grad[numbers[term]]
        for block in self.instruments:
            slopes = [p.grad for p in assembly.measurement(block.key).parameters()]
            total[block.where] = torch.cat([slope.reshape(-1) for slope in slopes])
        return total

    def precision(self) -> Tensor:
        """Hessian of the prior of readers and constants, shape (size,): it is diagonal here."""
        assembly = self._assembly
        total = torch.zeros(self.size, dtype=torch.float64)
        for block in self.readers:
            weight = assembly.reader(block.key).prior_sd ** -2
            total[block.where] = (self._bases[block.key] ** 2 * weight[:, None]).sum(dim=0)
        numbers = {term: number for number, term in enumerate(assembly.constant_terms)}
        for term, place in self.constants:
            total[place] = assembly.constant_sd[numbers[term]] ** -2
        return total

    def prior_slope(self) -> Tensor:
        """Gradient of the prior of readers and constants, shape (size,)."""
        assembly = self._assembly
        total = torch.zeros(self.size, dtype=torch.float64)
        for block in self.readers:
            reader = assembly.reader(block.key)
            pulled = (reader.weights.detach() - reader.prior_mean) / reader.prior_sd**2
            total[block.where] = self._bases[block.key].T @ pulled
        numbers = {term: number for number, term in enumerate(assembly.constant_terms)}
        for term, place in self.constants:
            number = numbers[term]
            distance = assembly.constants[number].detach() - assembly.constant_mean[number]
            total[place] = distance / assembly.constant_sd[number] ** 2
        return total
