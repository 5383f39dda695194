"""Embeddings of a FASTA file: equal to those made one by one, gone on with after a stop, by gene for a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.proteins.conftest import WILD_TYPE

from pajamo.api import embed_proteins, score_variants
from pajamo.config.proteins import ProteinModelSettings
from pajamo.data.proteins.fasta import read_fasta
from pajamo.errors import DataError, ModelError, StudyError
from pajamo.models.proteins.embedding import embed_residues
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.saving import load_language_model, save_language_model
from pajamo.pipeline.proteins import embedding
from pajamo.pipeline.proteins.embedding import open_embeddings


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    made = ProteinLanguageModel(ProteinModelSettings(layers=2, width=16, heads=2))
    made.initialise(1)
    save_language_model(made, folder)
    return folder


def naive(model: Path, sequence: str) -> np.ndarray:
    """Residues of one protein, alone."""
    from pajamo.data.proteins.encoding import tokens_of

    return next(embed_residues(load_language_model(model).eval(), [tokens_of(sequence)]))


def test_rows_of_a_table_are_means_over_residues(proteins: Path, model: Path, tmp_path: Path) -> None:
    embed_proteins(proteins / "proteins.fasta", model, tmp_path / "e.csv")
    table = pd.read_csv(tmp_path / "e.csv", index_col=0)
    known = dict(read_fasta(proteins / "proteins.fasta"))
    assert list(table.index) == list(known)
    for name in ("p0", "p57", "p199"):
        np.testing.assert_allclose(table.loc[name], naive(model, known[name]).mean(axis=0), atol=1e-5)


def test_a_folder_holds_every_residue(proteins: Path, model: Path, tmp_path: Path) -> None:
    embed_proteins(proteins / "proteins.fasta", model, tmp_path / "residues", per="residue")
    names, vectors, starts = open_embeddings(tmp_path / "residues")
    assert starts is not None
    known = dict(read_fasta(proteins / "proteins.fasta"))
    at = names.index("p3")
    np.testing.assert_allclose(vectors[starts[at] : starts[at + 1]], naive(model, known["p3"]), atol=1e-5)


def test_a_gene_is_the_mean_of_its_proteins(proteins: Path, model: Path, tmp_path: Path) -> None:
    embed_proteins(proteins / "proteins.fasta", model, tmp_path / "g.csv", per="gene")
    table = pd.read_csv(tmp_path / "g.csv", index_col=0)
    known = dict(read_fasta(proteins / "proteins.fasta"))
    both = [naive(model, known[name]).mean(axis=0) for name in ("p0", "p1")]
    assert len(table) == 100
    np.testing.assert_allclose(table.loc["G0"], np.mean(both, axis=0), atol=1e-5)


def test_a_broken_call_goes_on(
    proteins: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "AT_ONCE", 50)
    embed_proteins(proteins / "proteins.fasta", model, tmp_path / "whole.csv")
    said: list[str] = []

    def stop(text: str) -> None:
        said.append(text)
        if text.startswith("100"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_proteins(proteins / "proteins.fasta", model, tmp_path / "parts.csv", progress=stop)
    assert not (tmp_path / "parts.csv").exists()
    said.clear()
    embed_proteins(proteins / "proteins.fasta", model, tmp_path / "parts.csv", progress=said.append)
    assert said == ["150 of 200 proteins", "200 of 200 proteins"]
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.csv", "whole.csv"]


def test_what_was_begun_with_another_layer_is_not_gone_on_with(
    proteins: Path, model: Path, tmp_path: Path
) -> None:
    def stop(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_proteins(proteins / "proteins.fasta", model, tmp_path / "e.csv", layers=1, progress=stop)
    embed_proteins(proteins / "proteins.fasta", model, tmp_path / "e.csv")
    embed_proteins(proteins / "proteins.fasta", model, tmp_path / "f.csv")
    assert (tmp_path / "e.csv").read_bytes() == (tmp_path / "f.csv").read_bytes()


def test_wrong_input_is_named(proteins: Path, model: Path, tmp_path: Path) -> None:
    fasta = proteins / "proteins.fasta"
    with pytest.raises(StudyError, match="too many for a table"):
        embed_proteins(fasta, model, tmp_path / "e.csv", per="residue")
    with pytest.raises(ModelError, match="no protein model"):
        embed_proteins(fasta, tmp_path, tmp_path / "e.csv")
    assert not list(tmp_path.iterdir())
    (tmp_path / "there.csv").touch()
    with pytest.raises(DataError, match="stands there already"):
        embed_proteins(fasta, model, tmp_path / "there.csv")
    (tmp_path / "plain.fasta").write_text(">a\nMKV\n")
    with pytest.raises(DataError, match="no header names a gene"):
        embed_proteins(tmp_path / "plain.fasta", model, tmp_path / "g.csv", per="gene")


@pytest.mark.parametrize("how", ["masked", "wild-type"])
def test_variants_are_scored_in_the_order_of_the_table(
    proteins: Path, model: Path, tmp_path: Path, how: str
) -> None:
    found = score_variants(proteins / "variants.csv", model, sequence=WILD_TYPE, how=how)  # type: ignore[arg-type]
    again = score_variants(proteins / "variants.csv", model, sequence=WILD_TYPE, how=how)  # type: ignore[arg-type]
    assert list(found.columns) == ["mutant", "score", "log_odds"]
    assert found["log_odds"].notna().all()
    assert found.equals(again)


def test_a_mutation_that_does_not_fit_is_named_with_its_row(model: Path, tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("mutant\nM1A\nW2A\n")
    with pytest.raises(DataError, match="W2A starts from W") as caught:
        score_variants(tmp_path / "v.csv", model, sequence=WILD_TYPE)
    assert "row 3" in caught.value.where
