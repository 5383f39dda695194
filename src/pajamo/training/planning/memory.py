"""Bytes that each processor needs while it trains, item by item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.config.proteins import ProteinModelSettings, TrainingSettings
from pajamo.data.proteins.alphabet import CLS, EOS, RESIDUE_TOKENS
from pajamo.data.proteins.pack import Pack
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.size import Size
from pajamo.training.planning.hardware import IN_MACHINE

TRIED: Final = 256
"""Tokens with which a model is run to see what each keeps for the backward pass."""
NARROW: Final = 320
"""Width of a model that is run for it, at least."""
WORKSPACE: Final = 1.3e9
"""Bytes of a GPU that its driver, its libraries and gaps between blocks of memory take, whatever is trained."""
AHEAD: Final = 2
"""Blocks whose shared-out weights are gathered at once: the one that computes, and the next one."""

Items = dict[str, float]


def shards(settings: TrainingSettings, processors: int) -> int:
    """Over how many processors weights are shared out."""
    if settings.sharding == "none":
        return 1
    return processors if settings.sharding == "full" else min(processors, IN_MACHINE)


def memory(model: ProteinModelSettings, settings: TrainingSettings, processors: int, asked: float) -> Items:
    """What one processor holds at the worst moment of a step, in bytes, by item.

    Parameters
    ----------
    asked: share of tokens that are asked for.
    """
    size, over = Size.of(model), shards(settings, processors)
    moments = 8.0 * size.weights
    if settings.optimiser.name == "muon":
        moments -= 4.0 * size.matrices
    found = {
        "weights (32 bits)": 4.0 * size.weights / over,
        "gradients (32 bits)": 4.0 * size.weights / over,
        "optimiser": moments / over,
        "weights in computation": _working(size, settings, over),
        "activations": activations(model, settings, size, asked),
    }
    return {name: value for name, value in found.items() if value}


def activations(model: ProteinModelSettings, settings: TrainingSettings, size: Size, asked: float) -> float:
    """Bytes that the forward pass of one pack keeps for the backward pass."""
    outside, block = kept(model, settings.precision, asked)
    if settings.recompute:
        entering = (4 if settings.precision == "float32" else 2) * size.width
        return settings.tokens * (outside + block + entering * size.layers)
    return settings.tokens * (outside + block * size.layers)


def kept(model: ProteinModelSettings, precision: str, asked: float) -> tuple[float, float]:
    """Bytes a token that are kept for the backward pass: outside of blocks, and in each block.

    Seen by running one and two blocks with few tokens and twice as many, in a model as narrow as `NARROW`: what is
    kept is in proportion to tokens and to width, and what is not (copies of weights) counts elsewhere.
    """
    _, width, heads = model.shape
    head = width // heads
    fewer = min(heads, -(-NARROW // head))
    one, two = (
        _slope(
            ProteinModelSettings(family=model.family, layers=layers, width=fewer * head, heads=fewer),
            precision,
            asked,
        )
        for layers in (1, 2)
    )
    wider = heads / fewer
    return (2 * one - two) * wider, (two - one) * wider


def _slope(model: ProteinModelSettings, precision: str, asked: float) -> float:
    """Bytes that each further token adds."""
    module = ProteinLanguageModel(model)
    module.initialise(0)
    own = {p.untyped_storage().data_ptr() for p in module.parameters()}
    few, many = (
        _kept_by(module, PackedTokens.of(random_pack(np.array([tokens]), asked)), precision, own)
        for tokens in (TRIED, 2 * TRIED)
    )
    return (many - few) / TRIED


def _kept_by(module: ProteinLanguageModel, packed: PackedTokens, precision: str, own: set[int]) -> float:
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        return saved_bytes(lambda: module.loss(packed)[0], own)


def saved_bytes(compute: Callable[[], Any], without: set[int]) -> float:
    """Bytes of the arrays that a computation keeps for its backward pass, each once.

    Parameters
    ----------
    without: addresses of arrays that are there anyhow, such as weights.
    """
    sizes: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = compute()
    del result
    return float(sum(size for address, size in sizes.items() if address not in without))


def _working(size: Size, settings: TrainingSettings, over: int) -> float:
    """Copies of weights that a computation needs besides its own share of them."""
    width = 2 if settings.precision == "bfloat16" else 4
    if over > 1:
        rest = size.weights - size.layers * size.block
        return width * (AHEAD * size.block + rest) + 4.0 * size.block
    return 2.0 * size.weights if settings.precision == "bfloat16" else 0.0


def random_pack(lengths: NDArray[np.int64], asked: float) -> Pack:
    """Sequences of random residues, some of them asked for."""
    rng = np.random.default_rng(0)
    shown = rng.choice(RESIDUE_TOKENS, int(lengths.sum()))
    ends = np.cumsum(lengths)
    shown[ends - lengths], shown[ends - 1] = CLS, EOS
    inner = np.flatnonzero((shown != CLS) & (shown != EOS))
    number = min(len(inner), max(1, round(asked * len(shown))))
    places = np.sort(rng.choice(inner, number, replace=False))
    targets = shown[places]
    return Pack(shown, lengths, places, targets, np.arange(len(lengths)))
