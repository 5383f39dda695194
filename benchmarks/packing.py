"""How full packs of proteins are, and how many tokens a processor streams.

    python benchmarks/packing.py [DATA] [--tokens 4096 ...] [--epochs 4]

Fill is real tokens per place, on the lengths of 10,000 members of UniRef90, cropped to 1,024 tokens: one protein a
row padded to 1,024; rows of a random batch padded to its longest; greedy packing in the order of the stream (a pack
is closed when the next protein does not fit); and pajamo's windows with best fit. Streaming counts CPU seconds of one
process: deciding on packs, and reading, cropping and masking them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from common import add_data, machine, print_table
from pajamo.config.proteins import MaskingSettings
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.training.streams.packs import PackStream

LONGEST = 1024
PACKS = 8


def padded(lengths: np.ndarray, rows: int) -> float:
    """Fill of batches of so many rows, each padded to the longest of its batch."""
    batches = lengths[: len(lengths) // rows * rows].reshape(-1, rows)
    return float(batches.sum() / (batches.max(axis=1) * rows).sum())


def greedy(lengths: np.ndarray, tokens: int) -> float:
    """Fill of packs that are closed when the next protein does not fit."""
    packs, room = 1, tokens
    for length in lengths.tolist():
        if length > room:
            packs, room = packs + 1, tokens
        room -= length
    return float(lengths.sum() / (packs * tokens))


def streamed(corpus: ProteinCorpus, tokens: int, epochs: int) -> dict[str, float]:
    """Fill, and tokens per CPU second."""
    stream = PackStream(
        corpus, None, seed=0, tokens=tokens, packs=PACKS, longest=LONGEST, masking=MaskingSettings()
    )
    steps = max(1, int(epochs * np.minimum(corpus.lengths + 2, LONGEST).sum() / (PACKS * tokens)))
    position, plans, begin = stream.first(), [], time.process_time()
    for _ in range(steps):
        some, position = stream.plan(position)
        plans += some
    planned = time.process_time()
    found = sum(len(stream.pack(plan).tokens) for plan in plans)
    made = time.process_time()
    return {
        "best fit": found / (len(plans) * tokens),
        "carried": len(position.carried),
        "planned tokens / CPU s": found / (planned - begin),
        "made tokens / CPU s": found / (made - planned),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--tokens", type=int, nargs="+", default=[4096, 8192, 16384, 32768, 65536])
    parser.add_argument("--epochs", type=int, default=4)
    given = parser.parse_args()
    source = given.data / "proteins" / "uniref90_10k.fasta.gz"
    if not source.is_file():
        parser.error(f"there is no {source}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        corpus = build_corpus(source, Path(folder) / "uniref90")
        lengths = np.minimum(corpus.lengths + 2, LONGEST)
        lengths = np.random.default_rng(0).permutation(np.tile(lengths, given.epochs))
        rows = [
            {"tokens": tokens, "padded to 1,024": lengths.mean() / LONGEST}
            | {"padded to the longest": padded(lengths, tokens // LONGEST), "greedy": greedy(lengths, tokens)}
            | streamed(corpus, tokens, given.epochs)
            for tokens in given.tokens
        ]
    shares = ("padded to 1,024", "padded to the longest", "greedy", "best fit")
    formats = dict.fromkeys(shares, ".2%") | {"planned tokens / CPU s": ",.0f", "made tokens / CPU s": ",.0f"}
    print_table("UniRef90 lengths: real tokens per place", pd.DataFrame(rows), formats)


if __name__ == "__main__":
    main()
