"""Proteins with labels: read as they were written, and each mistake told with its row."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.config.proteins.fine_tuning import LabelSettings
from pajamo.data.proteins.alphabet import TOKENS
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.labelled import read_labelled
from pajamo.errors import DataError, PajamoWarning


@pytest.fixture
def table(tmp_path):
    """Write a table of labels and return its settings."""

    def write(text, **settings):
        (tmp_path / "labels.csv").write_text(text)
        return LabelSettings(path=tmp_path / "labels.csv", **settings)

    return write


def test_tokens_are_letters_in_the_order_of_the_vocabulary():
    assert [TOKENS[token] for token in tokens_of("MKXBZUO")] == list("MKXBZUO")


@pytest.mark.parametrize(
    ("text", "told"), [("MK1", "no residues: 1"), ("", "has no residues"), ("M.K", "no residues")]
)
def test_what_is_no_residue_is_told(text, told):
    with pytest.raises(DataError, match=told):
        tokens_of(text, "here")


def test_numbers(table):
    found = read_labelled(table("sequence,label\nMKV,1.5\nnan*,-2\n"))
    assert found.sequences == ("MKV", "NAN")
    assert found.labels.tolist() == [1.5, -2.0]
    assert (found.classes, found.sets, len(found)) == ((), None, 2)


def test_classes_are_sorted_names(table):
    found = read_labelled(
        table("sequence,where\nMKV,nucleus\nMKA,01\nMKL,nucleus\n", kind="classification", label="where")
    )
    assert found.classes == ("01", "nucleus")
    assert found.labels.tolist() == [1, 0, 1]


def test_residues_with_unknown_ones(table):
    found = read_labelled(table("sequence,label\nMKVA,HH-E\nMK,E.\n", kind="residues"))
    assert found.classes == ("E", "H")
    assert [one.tolist() for one in found.labels] == [[1, 1, -1, 0], [0, -1]]


def test_sequences_from_fasta(table, tmp_path):
    (tmp_path / "proteins.fasta").write_text(">b x\nMKV\n>a\nGGG\n")
    settings = table("id,label\na,1\nb,2\n", fasta=tmp_path / "proteins.fasta")
    assert read_labelled(settings).sequences == ("GGG", "MKV")
    settings = table("id,label\na,1\nc,2\n", fasta=tmp_path / "proteins.fasta")
    with pytest.raises(DataError, match=r"not in the FASTA file: c"):
        read_labelled(settings)


def test_long_proteins_are_cut_with_their_labels_and_counted(table):
    settings = table("sequence,label\nMKVAMKVAMKVA,HHHHHHHEEEEE\nMKV,EEE\n", kind="residues", longest=8)
    with pytest.warns(PajamoWarning, match="1 proteins are cut to their first 6"):
        found = read_labelled(settings)
    assert found.sequences[0] == "MKVAMK"
    assert [len(one) for one in found.labels] == [6, 3]


def test_proteins_without_a_label_are_left_out_and_counted(table):
    with pytest.warns(PajamoWarning, match="1 of 3 proteins have no label"):
        found = read_labelled(table("sequence,label\nMKV,1\nMKA,\nMKL,3\n"))
    assert found.labels.tolist() == [1.0, 3.0]


def test_sets_as_the_table_says(table):
    found = read_labelled(table("sequence,label,set\nMKV,1,Train\nMKA,2,valid\nMKL,3,test\n", set="set"))
    assert found.sets.tolist() == ["train", "validation", "test"]
    assert np.issubdtype(found.sets.dtype, np.str_)


@pytest.mark.parametrize(
    ("text", "settings", "told"),
    [
        ("sequence,label\nMKV,1\nMKA,high\n", {}, "'high' is no finite number"),
        ("sequence,label\nMKV,HH\n", {"kind": "residues"}, "2 labels for 3 residues"),
        ("sequence,label\nMKV,---\n", {"kind": "residues"}, "one class: none"),
        ("sequence,label\nMKV,a\nMKA,a\n", {"kind": "classification"}, "one class: a"),
        ("sequence,label\nMKV,1\nM1A,2\n", {}, "no residues: 1"),
        ("sequence,label\nMKV,\n", {}, "no protein has a label"),
        ("sequence,labels\nMKV,1\n", {}, "no column 'label'"),
        ("sequence,label,set\nMKV,1,holdout\n", {"set": "set"}, "'holdout' is no set"),
    ],
)
def test_mistakes_are_told(table, text, settings, told):
    with pytest.raises(DataError, match=told) as caught:
        read_labelled(table(text, **settings))
    assert "labels.csv" in caught.value.where
