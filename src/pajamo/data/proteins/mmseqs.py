"""MMseqs2, where it is installed: links between proteins that it finds alike.

Source: Steinegger & Söding 2017, Nat. Biotechnol. 35, 1026; 2018, Nat. Commun. 9, 2542.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import TOKENS
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.errors import SplitError

IDENTITY, COVERAGE = 0.5, 0.8
"""Least share of residues that agree, and least share of a member that its cluster's representative covers."""


def available() -> str | None:
    """Path of the program, None where there is none."""
    return shutil.which("mmseqs")


def linked_by_mmseqs(corpus: ProteinCorpus, program: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each protein with the representative of its cluster.

    Raises
    ------
    SplitError: the program fails; the end of what it said is told.
    """
    with tempfile.TemporaryDirectory(prefix="pajamo-mmseqs-") as folder:
        fasta = Path(folder) / "proteins.fasta"
        _write(corpus, fasta)
        command = [program, "easy-linclust", str(fasta), f"{folder}/found", f"{folder}/scratch"]
        command += ["--min-seq-id", str(IDENTITY), "-c", str(COVERAGE), "--cov-mode", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SplitError(
                "MMseqs2 did not cluster the proteins",
                where=" ".join(command),
                why=(done.stderr or done.stdout).strip()[-400:],
                fix="mend or remove MMseqs2; without it pajamo finds families by itself",
            )
        table = pd.read_csv(f"{folder}/found_cluster.tsv", sep="\t", header=None, dtype=np.int64)
    return table[0].to_numpy(), table[1].to_numpy()


def _write(corpus: ProteinCorpus, path: Path) -> None:
    """Proteins under their numbers, which no header can spoil."""
    letters = np.array([ord(token[0]) for token in TOKENS], dtype=np.uint8)
    with path.open("wb") as file:
        for index in range(len(corpus)):
            file.write(b">%d\n%s\n" % (index, letters[corpus.tokens(index)].tobytes()))
