"""Prior vectors of genes: shared rare terms bring genes together; the same table gives the same vectors."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.data.reading.priors import embed_terms, read_embedding
from pajamo.errors import DataError, MissingExtraError

PAIRS = [
    ("A", "t1"),
    ("B", "t1"),
    ("A", "t2"),
    ("B", "t2"),
    ("C", "t3"),
    ("D", "t3"),
    ("D", "t4"),
    ("E", "t5"),
]


def embed(dimensions: int = 2, pairs: list[tuple[str, str]] = PAIRS) -> dict[str, np.ndarray]:
    return embed_terms([gene for gene, _ in pairs], [term for _, term in pairs], dimensions)


def test_genes_with_the_same_terms_coincide_and_others_are_orthogonal() -> None:
    vectors = embed()
    assert set(vectors) == {"A", "B", "C", "D"}, "a term of one gene says nothing"
    np.testing.assert_allclose(vectors["A"], vectors["B"], atol=1e-12)
    np.testing.assert_allclose(vectors["C"], vectors["D"], atol=1e-12)
    assert vectors["A"] @ vectors["C"] == pytest.approx(0)
    assert np.linalg.norm(vectors["A"]) == pytest.approx(1)


def test_all_dimensions_keep_every_cosine_of_the_weighted_terms() -> None:
    pairs = [("A", "x"), ("B", "x"), ("C", "x"), ("A", "y"), ("B", "y"), ("C", "z"), ("D", "z")]
    vectors = embed(10, pairs)
    x, y, z = np.log(5 / 4) + 1, np.log(5 / 3) + 1, np.log(5 / 3) + 1
    a, c = np.array([x, y, 0]), np.array([x, 0, z])
    expected = a @ c / np.linalg.norm(a) / np.linalg.norm(c)
    assert vectors["A"] @ vectors["C"] == pytest.approx(expected)


def test_iterative_and_direct_decomposition_agree() -> None:
    random = np.random.default_rng(0)
    member = np.argwhere(random.random((60, 25)) < 0.3)
    pairs = [(f"g{gene:02d}", f"t{term}") for gene, term in member]
    few, all_of_them = embed(3, pairs), embed(25, pairs)
    for gene, vector in few.items():
        np.testing.assert_allclose(vector, all_of_them[gene][:3], atol=1e-8)


def test_order_and_repetition_of_rows_do_not_matter() -> None:
    random = np.random.default_rng(1)
    pairs = [(f"g{g}", f"t{t}") for g, t in np.argwhere(random.random((30, 20)) < 0.3)]
    shuffled = [pairs[i] for i in random.permutation(len(pairs))] + pairs[:5]
    first, second = embed(4, pairs), embed(4, shuffled)
    assert first.keys() == second.keys()
    for gene in first:
        np.testing.assert_array_equal(first[gene], second[gene])


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "tsv.gz", "parquet"])
@pytest.mark.parametrize(("gene", "term"), [("symbol", "go_id"), ("Gene", "Term"), ("target", "source")])
def test_pairs_are_read_from_every_format(tmp_path: Path, ending: str, gene: str, term: str) -> None:
    table = pd.DataFrame(PAIRS, columns=[gene, term]).assign(evidence="IDA")
    path = tmp_path / f"prior.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    else:
        text = table.to_csv(index=False, sep="," if ending == "csv" else "\t")
        path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    vectors = read_embedding(path, 2)
    for name, vector in embed().items():
        np.testing.assert_array_equal(vectors[name], vector)


def test_vectors_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "vectors.csv"
    path.write_text("gene,v1,v2\nA,1,2\nB/é,-3,0.5\n", encoding="utf-8")
    vectors = read_embedding(path, 32)
    assert {name: list(vector) for name, vector in vectors.items()} == {"A": [1, 2], "B/é": [-3, 0.5]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("child,parent\na,b\n", "no column of genes"),
        ("gene,note\nA,b\n", "no column of terms"),
        ("gene,v\nA,1\nA,2\n", "several vectors: A"),
        ("gene,v\nA,1\nB,\n", "missing or infinite: B"),
        ("gene,v\nA,1\nB,inf\n", "missing or infinite: B"),
        ("gene,term\n", "is empty"),
        ("", "cannot be read"),
        ('gene,term\n"A,b\n', "cannot be read"),
        ("gene,term\nA,x\nB,y\n", "no term is shared"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "prior.csv"
    path.write_text(text)
    with pytest.raises(DataError) as raised:
        read_embedding(path, 32)
    assert words in str(raised.value)
    assert raised.value.fix


def test_missing_file_and_broken_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such table"):
        read_embedding(tmp_path / "absent.csv", 32)
    path = tmp_path / "prior.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read"):
        read_embedding(path, 32)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prior.parquet"
    pd.DataFrame(PAIRS, columns=["gene", "term"]).to_parquet(path)
    for name in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"pajamo\[parquet\]"):
        read_embedding(path, 32)


def test_kinases_of_one_cascade_are_neighbours_in_gene_ontology(dev_data: Path) -> None:
    path = dev_data / "priors" / "prior_gene2go_human_org.Hs.eg.db_3.16.parquet"
    vectors = read_embedding(path, 32)
    names = list(vectors)
    unit = np.array([vectors[name] / max(np.linalg.norm(vectors[name]), 1e-9) for name in names])
    nearest = np.argsort(-(unit @ unit[names.index("MAP2K3")]))[:10]
    assert "MAP2K6" in {names[i] for i in nearest}
