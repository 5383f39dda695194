"""Families of 150,000 Swiss-Prot proteins: against clusters of MMseqs2, and what each split leaks.

    python benchmarks/protein_families.py [DATA] [--mmseqs PATH]

Recall is the share of pairs of one cluster (MMseqs2 linclust at 90 and 50 % identity, as the table gives them) that
lie in one family. Families are meant to be wider than clusters: what counts is the second table, the share of
proteins kept aside whose nearest training protein has so many of their words of six residues. Seconds are CPU seconds
of this process; those of MMseqs2, where its path is given, are not in them.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from common import add_data, machine, print_table
from pajamo.config.proteins import ProteinSplitSettings
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.families import homologous
from pajamo.data.proteins.homology import split_proteins


def pairs(labels: np.ndarray) -> int:
    """Pairs of proteins with one label."""
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def found_families(corpus: ProteinCorpus, name: str, mmseqs: str | None) -> dict[str, object]:
    begin = time.process_time()
    of = homologous(corpus, mmseqs)
    row: dict[str, object] = {"families by": name, "CPU seconds": time.process_time() - begin}
    row |= {"families": int(of.max()) + 1, "largest": int(np.bincount(of).max())}
    for column in ("c90", "c50"):
        clusters = corpus.clusters(column).of
        row[f"recall of {column}"] = pairs(clusters * len(corpus) + of) / pairs(clusters)
    return row


def leaked(corpus: ProteinCorpus, settings: ProteinSplitSettings) -> dict[str, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        split = split_proteins(corpus, settings, seed=0)
    name = settings.families or settings.by
    shares = {f">= {limit}": share for limit, share in split.leaks["shares"].items()}
    return {"split by": name, "kept aside": split.leaks["kept"]} | shares


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--mmseqs", help="path of the program, to add its links")
    given = parser.parse_args()
    folder = given.data / "proteins"
    if not (folder / "swissprot_150k.fasta.gz").is_file():
        parser.error(f"there is no {folder}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        begin = time.process_time()
        corpus = build_corpus(
            folder / "swissprot_150k.fasta.gz",
            Path(scratch) / "corpus",
            folder / "swissprot_150k_clusters.tsv.gz",
        )
        print(f"\ncorpus built in {time.process_time() - begin:.1f} CPU seconds")
        rows = [found_families(corpus, "shared words", None)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if given.mmseqs:
            rows.append(found_families(corpus, "shared words and MMseqs2", given.mmseqs))
        formats = {"CPU seconds": ".1f", "families": ",", "recall of c90": ".4f", "recall of c50": ".4f"}
        print_table(f"150,000 proteins; peak memory {peak:,.0f} MB", pd.DataFrame(rows), formats)
        splits = [
            ProteinSplitSettings(by="protein"),
            ProteinSplitSettings(by="column", families="c90"),
            ProteinSplitSettings(by="column", families="c50"),
            ProteinSplitSettings(by="homology"),
        ]
        leaks = pd.DataFrame([leaked(corpus, settings) for settings in splits])
        limits = {name: ".2%" for name in leaks if name.startswith(">=")}
        print_table(
            "proteins kept aside, by the nearest training protein's share of their words", leaks, limits
        )


if __name__ == "__main__":
    main()
