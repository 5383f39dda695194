"""What an ESM-2's parameters are called in Hugging Face's checkpoints, and which of their entries are no weights."""

from __future__ import annotations

import re
from typing import Final

BLOCK: Final = {
    "attention_norm": "attention.LayerNorm",
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "feed_forward_norm": "LayerNorm",
    "feed_forward.inner": "intermediate.dense",
    "feed_forward.outer": "output.dense",
}
WHOLE: Final = {
    "encoder.embedding.weight": "esm.embeddings.word_embeddings.weight",
    "encoder.norm.weight": "esm.encoder.emb_layer_norm_after.weight",
    "encoder.norm.bias": "esm.encoder.emb_layer_norm_after.bias",
    "head.dense.weight": "lm_head.dense.weight",
    "head.dense.bias": "lm_head.dense.bias",
    "head.norm.weight": "lm_head.layer_norm.weight",
    "head.norm.bias": "lm_head.layer_norm.bias",
    "head.bias": "lm_head.bias",
}
EMBEDDING: Final = WHOLE["encoder.embedding.weight"]
DECODER: Final = "lm_head.decoder.weight"
"""The embedding once more; some checkpoints hold it, some do not."""
DERIVED: Final = re.compile(
    r"position_ids$|rotary_embeddings\.inv_freq$|embeddings\.position_embeddings\.weight$|^lm_head\.decoder\.(weight|bias)$"
)
"""Tables that follow from others, and the table of absolute positions, which a rotary model never reads."""
OTHER_HEADS: Final = re.compile(r"contact_head\.|pooler\.")
"""Weights of other heads: contacts between residues, and the pooled first token."""


def name_there(name: str) -> str:
    """Hugging Face's name of one of the parameters of a `ProteinLanguageModel`.

    Raises
    ------
    KeyError: an ESM-2 has no such parameter.
    """
    if name in WHOLE:
        return WHOLE[name]
    found = re.fullmatch(r"encoder\.blocks\.(\d+)\.(.+)\.(weight|bias)", name)
    if found is None:
        raise KeyError(name)
    number, part, kind = found.groups()
    return f"esm.encoder.layer.{number}.{BLOCK[part]}.{kind}"


def known_as(name: str) -> str:
    """An entry's name as in a whole, newly trained model.

    A model that was saved without its head lacks "esm."; transformers 5 writes gain and shift of layer norms as gamma
    and beta, as TensorFlow did.
    """
    name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
    return name if name.startswith(("esm.", "lm_head.")) else f"esm.{name}"
