"""Packs of random proteins for tests, and small transformers."""

from __future__ import annotations

import numpy as np
import torch

from pajamo.config.proteins import ProteinModelSettings
from pajamo.data.proteins.alphabet import CLS, EOS, MASK, RESIDUE_TOKENS
from pajamo.data.proteins.pack import Pack

FAMILIES = ("esm2", "modern")


def small(family="esm2", layers=2, width=32, heads=4):
    """Settings of a model that computes in no time."""
    return ProteinModelSettings(family=family, layers=layers, width=width, heads=heads)


def random_pack(lengths, seed=0, share=0.2):
    """Proteins of these lengths in tokens, of which a share of residues is hidden and asked for."""
    rng = np.random.default_rng(seed)
    return joined([one_protein(length, rng, share) for length in lengths])


def one_protein(length, rng, share):
    """Tokens as shown, and true ones."""
    true = rng.choice(RESIDUE_TOKENS, size=length)
    true[0], true[-1] = CLS, EOS
    shown = true.copy()
    hidden = 1 + rng.permutation(length - 2)[: round(share * (length - 2))]
    shown[hidden] = MASK
    return shown, true


def joined(proteins):
    """A pack of proteins as `one_protein` makes them."""
    shown, true = (np.concatenate(parts) for parts in zip(*proteins, strict=True))
    places = np.flatnonzero(shown != true)
    lengths = np.array([len(tokens) for tokens, _ in proteins])
    return Pack(shown, lengths, places, true[places], np.arange(len(proteins)))


def widened(module, seed=0, spread=0.3):
    """Larger random weights in 64 bits, so that each part of a model is seen in what it computes."""
    module.double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(spread * noise)
    return module
