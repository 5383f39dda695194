"""Tables of measured variants: substitutions are read as written, and each fault is told with its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pajamo.config.proteins import VariantSettings
from pajamo.data.proteins.variants import Substitution, read_substitutions, read_variants
from pajamo.errors import DataError, PajamoWarning, StudyError


def settings(folder: Path, table: str, **keys: Any) -> VariantSettings:
    (folder / "dms.csv").write_text(table)
    return VariantSettings(path=folder / "dms.csv", **({"sequence": "MKVLS"} | keys))


def test_one_and_several_substitutions_and_the_wild_type(tmp_path: Path) -> None:
    variants = read_variants(settings(tmp_path, "mutant,score\nK2R,1.5\nM1V:S5G,-2\nWT,0\n"))
    assert variants.substitutions == (
        (Substitution(1, "K", "R"),),
        (Substitution(0, "M", "V"), Substitution(4, "S", "G")),
        (),
    )
    np.testing.assert_array_equal(variants.scores, [1.5, -2, 0])
    assert [variants.sequence(i) for i in range(3)] == ["MRVLS", "VKVLG", "MKVLS"]
    assert variants.names == ("K2R", "M1V:S5G", "WT")


def test_numbers_of_residues_may_start_elsewhere(tmp_path: Path) -> None:
    variants = read_variants(settings(tmp_path, "mutant,score\nK26R,1\n", offset=24))
    assert variants.substitutions == ((Substitution(1, "K", "R"),),)


def test_the_wild_type_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "w.fasta").write_text(">w\nMK\nVLS*\n")
    read = read_variants(
        settings(tmp_path, "mutant,score\nK2R,1\n", wild_type=tmp_path / "w.fasta", sequence=None)
    )
    assert read.wild_type == "MKVLS"


def test_variants_without_a_score_are_left_out_and_said(tmp_path: Path) -> None:
    with pytest.warns(PajamoWarning, match="1 of 2 variants have no score"):
        assert len(read_variants(settings(tmp_path, "mutant,score\nK2R,\nK2G,1\n"))) == 1


def test_variants_that_nobody_measured_keep_their_table(tmp_path: Path) -> None:
    (tmp_path / "v.tsv").write_text("note\tmutant\nx\tK2R\ny\tM1V:S5G\n")
    table, wild_type, found = read_substitutions(tmp_path / "v.tsv", "mutant", None, "mkvls")
    assert table["note"].tolist() == ["x", "y"]
    assert wild_type == "MKVLS"
    assert found == (
        (Substitution(1, "K", "R"),),
        (Substitution(0, "M", "V"), Substitution(4, "S", "G")),
    )
    with pytest.raises(DataError, match="no column 'mutations'"):
        read_substitutions(tmp_path / "v.tsv", "mutations", None, "MKVLS")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("R2K,1", "R2K starts from R, and the wild type has K there"),
        ("K9R,1", "K9R lies outside of the wild type, whose residues are numbered 1 to 5"),
        ("K0R,1", "K0R lies outside"),
        ("K2*,1", r"'K2\*' is no substitution"),
        ("K2,1", "'K2' is no substitution"),
        ("K2X,1", "'K2X' is no substitution"),
        ("K2R:K2G,1", "changes one residue twice"),
        ("K2R,high", "'high' is no finite number"),
        ("K2R,inf", "is no finite number"),
    ],
)
def test_faults_name_the_row(tmp_path: Path, row: str, what: str) -> None:
    with pytest.raises(DataError, match=what) as raised:
        read_variants(settings(tmp_path, f"mutant,score\nM1V,1\n{row}\n"))
    assert "dms.csv, row 3" in raised.value.where


def test_missing_columns_scores_and_wild_types_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'score'"):
        read_variants(settings(tmp_path, "mutant,scores\nK2R,1\n"))
    with pytest.raises(DataError, match="no variant has a score"):
        read_variants(settings(tmp_path, "mutant,score\nK2R,\n"))
    with pytest.raises(StudyError, match="must be given once"):
        read_variants(settings(tmp_path, "mutant,score\nK2R,1\n", sequence=None))
    with pytest.raises(DataError, match="letters that are no residues: -"):
        read_variants(settings(tmp_path, "mutant,score\nK2R,1\n", sequence="MK-VLS"))


def test_the_development_scan_of_tem_1_fits_its_wild_type(dev_data: Path) -> None:
    tem_1 = (
        "MSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLNSGKILESFRPEERFPMMSTFKVLLCGAVLSRVDAGQEQLGRRIHYSQNDLVEY"
        "SPVTEKHLTDGMTVRELCSAAITMSDNTAANLLLTTIGGPKELTAFLHNMGDHVTRLDRWEPELNEAIPNDERDTTMPAAMATTLRKLLTGELLTLASRQQLI"
        "DWMEADKVAGPLLRSALPAGWFIADKSGAGERGSRGIIAALGPDGKPSRIVVIYTTGSQATMDERNRQIAEIGASLIKHW"
    )
    path = dev_data / "proteins" / "dms_BLAT_ECOLX_Ranganathan2015.csv.gz"
    variants = read_variants(VariantSettings(path=path, score="2500", sequence=tem_1))
    assert len(variants) == 4996
    assert all(len(one) == 1 for one in variants.substitutions)
