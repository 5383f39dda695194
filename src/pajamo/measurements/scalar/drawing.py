"""Random numbers for the distributions that torch draws without a generator of one's own."""

from __future__ import annotations

import numpy as np
import torch


def numpy_generator(generator: torch.Generator) -> np.random.Generator:
    """A numpy generator whose seed is the next number of a torch generator."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
