"""Writes the fixture with which the tests hold pajamo's ESM-2 against that of transformers, and checks an export.

    HF/bin/python benchmarks/peers/esm_golden.py [--check FOLDER]

HF is an environment with transformers and torch; pajamo need not be in it. The model is small and its weights are
random, drawn wide enough that every part of it matters to the logits. Without --check, the fixture is written: the
model as transformers saves it, proteins of unequal lengths with some residues hidden, and the logits. With --check,
the model in FOLDER, which pajamo's `to_hugging_face` wrote from that fixture, is read by transformers and held
against the fixture's logits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import EsmConfig, EsmForMaskedLM

FIXTURE = Path(__file__).parents[2] / "tests" / "models" / "proteins" / "fixtures" / "esm2"
PAD, MASK, FIRST, LAST = 1, 32, 4, 24
LENGTHS = (40, 9, 25)
HIDDEN = (0.15, 0.4, 0.0)


def model() -> EsmForMaskedLM:
    configuration = EsmConfig(
        vocab_size=33,
        mask_token_id=MASK,
        pad_token_id=PAD,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=1026,
    )
    made = EsmForMaskedLM(configuration).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            ones = 1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0
            parameter.copy_(ones + 0.15 * torch.randn(parameter.shape, generator=generator))
    made.tie_weights()
    return made


def proteins() -> dict[str, torch.Tensor]:
    """Tokens, padded to the longest, and where there is no padding."""
    rng = np.random.default_rng(0)
    tokens = np.full((len(LENGTHS), max(LENGTHS)), PAD)
    for row, length, share in zip(tokens, LENGTHS, HIDDEN, strict=True):
        row[:length] = rng.integers(FIRST, LAST, size=length)
        inner = np.arange(1, length - 1)
        row[inner[rng.random(len(inner)) < share]] = MASK
        row[0], row[length - 1] = 0, 2
    ids = torch.from_numpy(tokens)
    return {"input_ids": ids, "attention_mask": (ids != PAD).long()}


@torch.no_grad()
def write() -> None:
    made, shown = model(), proteins()
    made.save_pretrained(FIXTURE)
    found = made(**shown, output_hidden_states=True)
    first = found.hidden_states[1].contiguous()
    save_file({**shown, "logits": found.logits, "after_first_block": first}, FIXTURE / "logits.safetensors")


@torch.no_grad()
def check(folder: Path) -> None:
    wanted = load_file(FIXTURE / "logits.safetensors")
    found = EsmForMaskedLM.from_pretrained(folder).eval()(**proteins()).logits
    seen = wanted["attention_mask"].bool()
    print(f"largest difference of logits: {(found - wanted['logits'])[seen].abs().max():.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=Path)
    folder = parser.parse_args().check
    check(folder) if folder else write()
