"""First weights: each parameter's are a function of the seed and its name alone.

A model made whole, made on the meta device and then filled, or shared out over processors therefore starts from
the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pajamo.data.proteins.alphabet import PAD

SPREAD = 0.02
"""Standard deviation of weights, as in ESM-2 and BERT."""


def initial_weights(module: nn.Module, seed: int) -> Iterator[tuple[str, nn.Parameter, Tensor]]:
    """Name, parameter, and its first values (whole, 32 bits, on the processor) for each parameter.

    Matrices are normal with a standard deviation of 0.02; those with which a modern block adds to its input are
    narrower by the square root of the number of such additions; biases are zero, norms one, low-rank additions
    zero, and so is the embedding of padding.

    Parameters
    ----------
    module: the model, also one on the meta device or one whose parameters are shared out.
    """
    narrower = _narrower(module)
    for name, parameter in module.named_parameters():
        spread = SPREAD * narrower.get(name, 1.0)
        yield name, parameter, _values(name, tuple(parameter.shape), seed, spread)


@torch.no_grad()
def initialise(module: nn.Module, seed: int) -> None:
    """Fill a model, each weight by assigning it whole: where weights are shared out, each process keeps its piece."""
    for _, parameter, values in initial_weights(module, seed):
        parameter.copy_(values.to(parameter.device))


def _values(name: str, shape: tuple[int, ...], seed: int, spread: float) -> Tensor:
    if name.endswith("bias") or name.endswith(".up"):
        return torch.zeros(shape)
    if len(shape) == 1:
        return torch.ones(shape)
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
    values = torch.empty(shape).normal_(0.0, spread, generator=generator)
    if name.endswith("embedding.weight"):
        values[PAD] = 0.0
    return values


def _narrower(module: nn.Module) -> dict[str, float]:
    """By how much the matrices are narrower that add to a modern block's input."""
    return {
        f"{prefix}.{name}".lstrip("."): scale
        for prefix, part in module.named_modules()
        for name, scale in getattr(part, "narrower", {}).items()
    }
