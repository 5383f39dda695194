"""The 33 tokens of the ESM-2 family, in its order, so that its weights mean the same here."""

from __future__ import annotations

from typing import Final

import numpy as np

TOKENS: Final = (
    "<cls>", "<pad>", "<eos>", "<unk>",
    *"LAGVSERTIDPKQNFYMHWCXBUZO.-",
    "<null_1>", "<mask>",
)  # fmt: skip
"""Source: ESM-2's vocabulary (Lin et al. 2023, Science 379, 1123; the file vocab.txt of its checkpoints)."""
CLS, PAD, EOS, UNKNOWN = range(4)
MASK: Final = TOKENS.index("<mask>")
RESIDUES: Final = "ACDEFGHIKLMNPQRSTVWY"
"""The twenty amino acids, one letter each, in alphabetical order."""
RESIDUE_TOKENS: Final = np.array([TOKENS.index(letter) for letter in RESIDUES], dtype=np.uint8)
LETTERS: Final = "LAGVSERTIDPKQNFYMHWCXBUZO"
"""Letters of a sequence: amino acids, X (any), B (D or N), Z (E or Q), U (selenocysteine), O (pyrrolysine)."""
