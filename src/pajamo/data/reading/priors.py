"""Knowledge about genes from outside the screen, as one vector a gene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

from pajamo.config import PriorSettings
from pajamo.errors import DataError, MissingExtraError, nearest, shorten

GENE_COLUMNS = ("gene", "symbol", "gene_symbol", "gene_name", "hgnc_symbol", "target")
"""Names, in any case, under which tables list genes; regulons list the regulated gene as `target`."""
TERM_COLUMNS = ("term", "go", "go_id", "term_id", "pathway", "gene_set", "set", "source", "tf")
"""Names under which tables list what a gene belongs to: a GO term, a pathway, its regulator."""
LEAST_GENES = 2
"""A term of one gene says nothing about any other and is left out."""

Embedding = dict[str, NDArray[np.float64]]


def read_embeddings(settings: PriorSettings) -> dict[str, Embedding]:
    """Read every table that a study names, by the name of its embedding ("" for the only one).

    Raises
    ------
    DataError, MissingExtraError: as `read_embedding`.
    """
    return {name: read_embedding(path, settings.dimensions) for name, path in settings.tables.items()}


def read_embedding(path: Path, dimensions: int) -> Embedding:
    """Read prior vectors of genes by name.

    The table has either one row a gene, with a name and numbers (a protein model's embedding of its product, say),
    which are taken as they are; or one row a pair of gene and term (a GO annotation, a pathway, a regulon), from
    which vectors of `dimensions` are made by latent semantic analysis (`embed_terms`).

    Raises
    ------
    DataError: no such file, a table that cannot be read, columns that are missing, values that are not
        numbers, or a gene that occurs twice in a table of vectors.
    MissingExtraError: a Parquet table, and pyarrow is not installed.
    """
    table = _table(path)
    gene = _find(table, GENE_COLUMNS, path, "genes")
    rest = table.drop(columns=gene)
    if len(rest.columns) and all(pd.api.types.is_numeric_dtype(kind) for kind in rest.dtypes):
        return _vectors(table[gene], rest, path)
    term = _find(rest, TERM_COLUMNS, path, "terms")
    pairs = table[[gene, term]].dropna().astype(str)
    return embed_terms(pairs[gene].tolist(), pairs[term].tolist(), dimensions)


def embed_terms(genes: list[str], terms: list[str], dimensions: int) -> Embedding:
    """Vectors of genes such that genes that share rare terms lie close together.

    Latent semantic analysis (Deerwester 1990): each gene's terms are weighted by their inverse document
    frequency, ln((1 + genes) / (1 + genes with the term)) + 1, brought to length one, and projected on
    the leading singular vectors, each with its largest entry positive. The same table gives the same
    vectors. Fewer dimensions come back if the table has fewer.

    Arguments
    ---------
    genes, terms: the two members of each pair; repeated pairs count once.
    dimensions: how many to keep.

    Raises
    ------
    DataError: no term is shared by two genes.
    """
    gene_code, names = pd.factorize(np.array(genes, dtype=object), sort=True)
    term_code, found = pd.factorize(np.array(terms, dtype=object), sort=True)
    member = sp.csr_matrix((np.ones(len(gene_code)), (gene_code, term_code)), shape=(len(names), len(found)))
    member.data[:] = 1.0
    frequency = np.bincount(member.indices, minlength=len(found))
    shared = np.flatnonzero(frequency >= LEAST_GENES)
    weighted = member[:, shared] @ sp.diags_array(np.log((1 + len(names)) / (1 + frequency[shared])) + 1)
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    kept = np.flatnonzero(length)
    if not len(kept):
        raise DataError("no term is shared by two genes", fix="give a table of gene and term pairs")
    scores = _leading(sp.csr_matrix(sp.diags_array(1 / length[kept]) @ weighted[kept]), dimensions)
    return {str(names[gene]): scores[i] for i, gene in enumerate(kept)}


def _leading(matrix: sp.csr_matrix, dimensions: int) -> NDArray[np.float64]:
    """Rows of the matrix in the coordinates of its leading right singular vectors."""
    smaller = min(matrix.shape)
    if dimensions >= smaller - 1:
        left, values, right = np.linalg.svd(matrix.toarray(), full_matrices=False)
    else:
        # Without a fixed start the iteration begins at random, and vectors would differ between runs.
        left, values, right = svds(matrix, k=dimensions, v0=np.random.default_rng(0).random(smaller))
    order = np.argsort(-values, kind="stable")[:dimensions]
    signs = np.sign(right[np.arange(len(values)), np.argmax(np.abs(right), axis=1)])
    return np.asarray((left * (values * signs))[:, order])


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(
            "there is no such table of priors", where=str(path), fix="check `embedding` under [priors]"
        )
    kind = path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    try:
        if kind in ("parquet", "pq"):
            table = pd.read_parquet(path, engine="pyarrow")
        else:
            table = pd.read_csv(path, sep="," if kind == "csv" else "\t", comment="#")
    except ImportError:
        raise MissingExtraError.for_extra("parquet", "reading a Parquet table") from None
    # The parsers raise dozens of kinds of errors for a broken table.
    except Exception as error:
        raise DataError(
            "the table of priors cannot be read",
            where=str(path),
            why=" ".join(str(error).split())[:200],
            fix="give a CSV (.csv), tab-separated (.tsv, .txt) or Parquet (.parquet) table",
        ) from error
    if table.empty:
        raise DataError("the table of priors is empty", where=str(path), fix="give a table with rows")
    return table


def _find(table: pd.DataFrame, names: tuple[str, ...], path: Path, what: str) -> str:
    """The column that bears one of the names, in the order of the names."""
    known = {str(column).strip().lower(): column for column in table.columns}
    for name in names:
        if name in known:
            return str(known[name])
    hint = nearest(str(table.columns[0]).lower(), names) if len(table.columns) else ""
    raise DataError(
        f"the table of priors has no column of {what}",
        where=str(path),
        why=f"its columns are: {shorten(table.columns)}",
        fix=f"{hint}name it one of: {', '.join(names)}",
    )


def _vectors(names: pd.Series, values: pd.DataFrame, path: Path) -> Embedding:
    genes = names.astype(str)
    repeated = genes[genes.duplicated()].unique()
    if len(repeated):
        raise DataError(
            f"{len(repeated)} genes have several vectors: {shorten(repeated)}",
            where=str(path),
            fix="keep one row a gene",
        )
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    wrong = ~np.isfinite(numbers).all(axis=1)
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum())} genes have values that are missing or infinite: {shorten(genes[wrong])}",
            where=str(path),
            fix="fill them in or leave these genes out",
        )
    return dict(zip(genes, numbers, strict=True))
