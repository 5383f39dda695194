"""Embeddings of a FASTA file: made some hundred proteins at a time, so that a broken run goes on where it stood."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.atomic import TEMPORARY, replace_file, storage_errors, write_json
from pajamo.data.mapped import MappedFolder, MappedWriter
from pajamo.data.mapped.manifest import NAME as MANIFEST
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.errors import DataError, MissingExtraError, StudyError
from pajamo.models.proteins.embedding import embed_proteins, embed_residues
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.models import open_model, weights_digest
from pajamo.training.engine.devices import Choice

Per = Literal["protein", "residue", "gene"]
KIND: Final = "embeddings"
VERSION: Final = 1
AT_ONCE: Final = 256
"""Proteins that are written at a time: what a killed run loses at most."""
IDENTITY: Final = "identity.json"


def embed_file(
    proteins: Path,
    model: Path,
    out: Path,
    *,
    per: Per = "protein",
    layers: int | None = None,
    device: Choice = "auto",
    progress: Progress = lambda _: None,
) -> Path:
    """Embed all proteins of a FASTA file (or of a corpus) and write a table or a folder of arrays.

    Parameters
    ----------
    out: a table if it ends in .parquet or .csv; else a folder of mapped arrays (`open_embeddings`).
    per: a row a protein, a row a residue (folders alone), or a row a gene: the mean over its proteins.
    layers: blocks after which descriptions are taken; all if not given.

    Raises
    ------
    DataError: no FASTA, no genes in its headers where they are asked for, or `out` exists.
    ModelError, IntegrityError: no model, or a damaged one.
    StudyError: residues do not fit into a table.
    StorageError: the disk is full; the same call goes on.
    """
    _require_place(out, per)
    weights = weights_digest(model)
    work = out.with_name(f".{out.name}{TEMPORARY}")
    with storage_errors(work):
        work.mkdir(parents=True, exist_ok=True)
    corpus = _corpus(proteins, work, progress)
    _require_identity(work, {"model": weights, "proteins": corpus.digest, "per": per, "layers": layers})
    if per == "gene":
        _require_genes(corpus, proteins)
    _chunks(corpus, open_model(model, device), work, per, layers, progress)
    _assembled(corpus, work, out, per)
    shutil.rmtree(work)
    return out


def open_embeddings(path: Path) -> tuple[list[str], np.ndarray, NDArray[np.int64] | None]:
    """Names, vectors (mapped, read-only), and for residues the first row of each protein, from a folder.

    Raises
    ------
    IntegrityError: no such folder, or it is not whole.
    """
    folder = MappedFolder.open(path, KIND, VERSION)
    starts = folder.array("starts") if "starts" in folder.manifest.arrays else None
    return list(folder.facts["names"]), folder.array("vectors"), starts


def _require_place(out: Path, per: Per) -> None:
    if out.exists():
        raise DataError(
            "something stands there already", where=str(out), fix="give another name, or delete it"
        )
    if per == "residue" and out.suffix in (".csv", ".parquet"):
        raise StudyError(
            "residues are too many for a table",
            where=str(out),
            fix="give a folder's name, without .csv or .parquet",
        )
    if out.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise MissingExtraError.for_extra("parquet", "writing Parquet")


def _corpus(proteins: Path, work: Path, progress: Progress) -> ProteinCorpus:
    if (proteins / MANIFEST).is_file():
        return ProteinCorpus.open(proteins)
    path = work / "corpus"
    if not path.is_dir():
        progress(f"reading {proteins.name}")
        build_corpus(proteins, path)
    return ProteinCorpus.open(path)


def _require_identity(work: Path, identity: dict[str, Any]) -> None:
    """What an unfinished folder was begun with must be what it goes on with; else it begins anew."""
    path = work / IDENTITY
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != identity:
        for chunk in work.glob("*.npy"):
            chunk.unlink()
    write_json(path, identity)


def _require_genes(corpus: ProteinCorpus, proteins: Path) -> None:
    if not any(corpus.genes):
        raise DataError(
            "no header names a gene",
            where=str(proteins),
            why="genes are read from GN=SYMBOL in the headers, as UniProt writes them",
            fix="give UniProt's FASTA, or embed proteins and join genes to their names",
        )


def _chunks(
    corpus: ProteinCorpus,
    model: ProteinLanguageModel,
    work: Path,
    per: Per,
    layers: int | None,
    progress: Progress,
) -> None:
    for first in range(0, len(corpus), AT_ONCE):
        path = _chunk(work, first)
        if path.is_file():
            continue
        last = min(first + AT_ONCE, len(corpus))
        tokens = (corpus.tokens(number) for number in range(first, last))
        made = embed_residues if per == "residue" else embed_proteins
        vectors = np.concatenate(list(made(model, tokens, layers=layers)))
        replace_file(path, partial(_save, vectors))
        progress(f"{last:,} of {len(corpus):,} proteins")


def _save(vectors: np.ndarray, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, vectors)


def _chunk(work: Path, first: int) -> Path:
    return work / f"vectors-{first:012d}.npy"


def _assembled(corpus: ProteinCorpus, work: Path, out: Path, per: Per) -> None:
    vectors: Iterator[np.ndarray] = (np.load(_chunk(work, first)) for first in range(0, len(corpus), AT_ONCE))
    if out.suffix in (".csv", ".parquet"):
        table = _by_gene(corpus, vectors) if per == "gene" else _by_name(corpus, vectors)
        replace_file(out, table.to_parquet if out.suffix == ".parquet" else table.to_csv)
        return
    with MappedWriter(out, KIND, VERSION) as writer:
        if per == "gene":
            table = _by_gene(corpus, vectors)
            names, vectors = list(table.index), iter([table.to_numpy(np.float32)])
        else:
            names = list(corpus.names)
        for some in vectors:
            writer.write("vectors", some)
        if per == "residue":
            writer.write("starts", np.concatenate([[0], np.cumsum(corpus.lengths)]))
        writer.commit({"names": names, "per": per})


def _by_name(corpus: ProteinCorpus, vectors: Iterator[np.ndarray]) -> pd.DataFrame:
    values = np.concatenate(list(vectors))
    return pd.DataFrame(values, pd.Index(list(corpus.names), name="protein"), _columns(values))


def _by_gene(corpus: ProteinCorpus, vectors: Iterator[np.ndarray]) -> pd.DataFrame:
    """Mean over the proteins of each gene; those without a gene are left out."""
    values = np.concatenate(list(vectors))
    genes = np.array(list(corpus.genes), dtype=object)
    named = genes != ""
    table = pd.DataFrame(values[named], columns=_columns(values))
    return table.groupby(pd.Index(genes[named], name="gene")).mean()


def _columns(values: np.ndarray) -> list[str]:
    return [f"v{number}" for number in range(values.shape[1])]
