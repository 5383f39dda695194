"""Trains transformers' ESM-2 on padded rows and prints tokens of proteins a CPU-second, one line a round.

    HF/bin/python benchmarks/peers/esm_padded.py LAYERS,WIDTH,HEADS "LENGTH,LENGTH,...;LENGTH,..."

Called by `packed_speed.py`; each group of lengths is a round, the first of which warms up and is not printed.
"""

from __future__ import annotations

import sys
import time

import torch
from transformers import EsmConfig, EsmForMaskedLM

LONGEST, PAD, MASK = 1024, 1, 32


def main(shape: str, rounds: str) -> None:
    layers, width, heads = map(int, shape.split(","))
    torch.set_num_threads(1)
    model = EsmForMaskedLM(
        EsmConfig(
            vocab_size=33,
            mask_token_id=MASK,
            pad_token_id=PAD,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=4 * width,
            position_embedding_type="rotary",
            token_dropout=True,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    ).train()
    for number, text in enumerate(rounds.split(";")):
        lengths = torch.tensor([int(length) for length in text.split(",")])
        seen = torch.arange(LONGEST)[None] < lengths[:, None]
        true = torch.randint(4, 24, seen.shape)
        asked = seen & (torch.rand(seen.shape) < 0.15)
        shown = true.masked_fill(asked, MASK).masked_fill(~seen, PAD)
        before = time.process_time()
        model(
            input_ids=shown, attention_mask=seen.long(), labels=true.masked_fill(~asked, -100)
        ).loss.backward()
        if number:
            print(int(lengths.sum()) / (time.process_time() - before))


if __name__ == "__main__":
    main(*sys.argv[1:])
