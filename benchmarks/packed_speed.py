"""How fast a protein language model trains on packs, against the same proteins padded to one length.

    python benchmarks/packed_speed.py [DATA] [--size 8M] [--packs 6] [--peer HF/bin/python]

Forward and backward pass on proteins of UniRef90 (uniref90_10k, random order, cut to 1,024 tokens), in packs of 8,192
tokens and as rows of 1,024 that are filled up with padding. Padded rows are not even masked here, which would cost
more. Tokens of proteins a CPU-second count; padding does not. Rounds take turns, so that a busy machine slows both
alike; the median of rounds is told. With --peer, `EsmForMaskedLM` of transformers trains on the same rows in its own
environment, attention masked.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from common import ROOT, add_data, machine, print_table
from pajamo.config.proteins import SIZES, ProteinModelSettings
from pajamo.data.proteins.alphabet import MASK, PAD, RESIDUE_TOKENS
from pajamo.data.proteins.fasta import read_fasta
from pajamo.data.proteins.pack import Pack
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.models.proteins.language_model import ProteinLanguageModel

LONGEST, TOKENS = 1024, 8192
PEER = ROOT / "benchmarks" / "peers" / "esm_padded.py"
"""Trains transformers' model and prints tokens of proteins a CPU-second."""


def lengths_of(fasta: Path) -> NDArray[np.int64]:
    """Tokens of each protein, cut to what a model sees, in random order."""
    found = np.array([min(len(sequence) + 2, LONGEST) for _, sequence in read_fasta(fasta)])
    return np.random.default_rng(0).permutation(found)


def groups(lengths: Sequence[int]) -> list[list[int]]:
    """Proteins in their order, as many together as fit a pack."""
    found: list[list[int]] = [[]]
    for length in lengths:
        if sum(found[-1]) + length > TOKENS:
            found.append([])
        found[-1].append(length)
    return found[:-1]


def in_rows(lengths: NDArray[np.int64]) -> list[list[int]]:
    """Proteins in their order, as many together as rows of padded ones have the size of a pack."""
    together = TOKENS // LONGEST
    return lengths[: len(lengths) // together * together].reshape(-1, together).tolist()


def pack_of(lengths: Sequence[int], rows: bool) -> PackedTokens:
    """Random residues of which 15 % are hidden; `rows`: each protein filled up to 1,024."""
    rng = np.random.default_rng(len(lengths))
    parts, asked, begin = [], [], 0
    for length in lengths:
        tokens = rng.choice(RESIDUE_TOKENS, length)
        hidden = np.sort(rng.choice(length, max(1, round(0.15 * length)), replace=False))
        tokens[hidden] = MASK
        asked.append(begin + hidden)
        parts.append(np.concatenate([tokens, np.full(LONGEST - length, PAD)]) if rows else tokens)
        begin += len(parts[-1])
    places = np.concatenate(asked)
    found = np.array([len(part) for part in parts])
    targets = rng.choice(RESIDUE_TOKENS, len(places))
    return PackedTokens.of(Pack(np.concatenate(parts).astype(np.uint8), found, places, targets, found))


def rate(model: ProteinLanguageModel, packed: PackedTokens, tokens: int, reduced: bool) -> float:
    """Tokens of proteins a CPU-second, forward and backward."""
    before = time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
        loss = model(packed)
    loss.backward()
    return tokens / (time.process_time() - before)


def measured(size: str, lengths: NDArray[np.int64], packs: int) -> pd.DataFrame:
    """Median rates of packs and padded rows, in both precisions."""
    model = ProteinLanguageModel(ProteinModelSettings(size=size))
    model.initialise(0)
    together = groups(lengths.tolist())[: packs + 1]
    rows = in_rows(lengths)[: packs + 1]
    found = []
    for number, (held, padded) in enumerate(zip(together, rows, strict=True)):
        for precision in ("float32", "bfloat16"):
            reduced = precision == "bfloat16"
            packed = rate(model, pack_of(held, False), sum(held), reduced)
            filled = rate(model, pack_of(padded, True), sum(padded), reduced)
            if number:  # the first round warms up
                found.append({"precision": precision, "packed": packed, "padded": filled})
    table = pd.DataFrame(found).groupby("precision", sort=False).median()
    return table.assign(ratio=table["packed"] / table["padded"]).reset_index()


def peer_rate(interpreter: Path, size: str, lengths: NDArray[np.int64], packs: int) -> float:
    """Tokens of proteins a CPU-second of transformers' model, median of rounds."""
    rows = in_rows(lengths)[: packs + 1]
    shape = ",".join(map(str, SIZES[size]))
    text = ";".join(",".join(map(str, row)) for row in rows)
    done = subprocess.run(
        [interpreter, PEER, shape, text], capture_output=True, text=True, check=True, timeout=3600
    )
    return statistics.median(map(float, done.stdout.split()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--size", choices=SIZES, default="8M")
    parser.add_argument("--packs", type=int, default=6)
    parser.add_argument("--peer", type=Path, help="interpreter of an environment with transformers and torch")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(machine())
    drawn = lengths_of(given.data / "proteins" / "uniref90_10k.fasta.gz")
    ideal = f"{LONGEST / drawn.mean():.2f} x by what padding adds alone"
    print(f"{len(drawn):,} proteins, {drawn.mean():.0f} tokens each; {ideal}")
    formats = {"packed": ",.0f", "padded": ",.0f", "ratio": ".2f"}
    print_table("Tokens a CPU-second", measured(given.size, drawn, given.packs), formats)
    if given.peer:
        print(
            f"\ntransformers, padded, float32: {peer_rate(given.peer, given.size, drawn, given.packs):,.0f}"
        )
