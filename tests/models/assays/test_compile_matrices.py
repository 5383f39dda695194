"""Prior energy matrices from files and from Python, in kcal/mol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.assays.promoters import LAC, assay, assembled, thermodynamic

from pajamo.errors import DataError, StudyError

ROWS = np.random.default_rng(0).normal(0, 1, (6, 4)).round(6)


def with_matrix(given: object) -> dict[str, object]:
    site = {"start": 1, "length": 6, "matrix": given}
    return {"sites": {"CRP": site, "RNAP": LAC["sites"]["RNAP"]}}


def written(path: Path, header: str = "A,C,G,T", rows: np.ndarray = ROWS) -> Path:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def test_a_matrix_is_the_prior_mean_in_kT(tmp_path: Path) -> None:
    blueprint = thermodynamic(**with_matrix(written(tmp_path / "crp.csv")))
    matrix = blueprint.readers["CRP"].matrix
    assert matrix is not None
    assert np.allclose(matrix * blueprint.kT, ROWS)
    mean = assembled(blueprint).reader("CRP").prior_mean
    assert torch.allclose(mean[1:].reshape(6, 4), torch.as_tensor(ROWS / blueprint.kT), atol=1e-6)
    assert blueprint.readers["RNAP"].matrix is None


def test_columns_may_stand_in_any_order_beside_one_that_numbers_the_rows(tmp_path: Path) -> None:
    numbered = np.column_stack([np.arange(6), ROWS[:, [3, 2, 1, 0]]])
    path = written(tmp_path / "crp.csv", "pos,T,G,C,A", numbered)
    matrix = thermodynamic(**with_matrix(path)).readers["CRP"].matrix
    given = thermodynamic(**with_matrix([tuple(row) for row in ROWS])).readers["CRP"].matrix
    assert np.allclose(matrix, given)


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("A,C,G,U", ROWS, ["one column for each letter", "A, C, G, U", "ACGT"]),
        ("A,C,G", ROWS[:, :3], ["one column for each letter"]),
        ("A,C,G,T", ROWS[:5], ["for 6 positions has 5 rows"]),
        ("A,C,G,T", np.where(ROWS[2, 1] == ROWS, np.nan, ROWS), ["position 2, C"]),
        ("A,C,G,T", np.where(ROWS[2, 1] == ROWS, "much", ROWS.astype(str)), ["holds text", "much"]),
    ],
)
def test_a_matrix_of_the_wrong_kind_is_refused(
    tmp_path: Path, header: str, rows: np.ndarray, words: list[str]
) -> None:
    path = written(tmp_path / "crp.csv", header, rows)
    with pytest.raises(DataError) as caught:
        thermodynamic(**with_matrix(path))
    assert all(word in str(caught.value) for word in ["sites.CRP.matrix", "crp.csv", *words])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv"):
        thermodynamic(**with_matrix(tmp_path / "absent.csv"))


def test_a_matrix_is_additive_and_is_shared_whole() -> None:
    for extra, words in (
        ({"encoder": "pairwise"}, "is additive"),
        ({"shares": "RNAP"}, "has none of its own"),
    ):
        declared = with_matrix(ROWS.tolist())
        declared["sites"]["CRP"] |= extra  # type: ignore[index]
        with pytest.raises(StudyError, match=words):
            thermodynamic(**declared)


def test_published_matrices_are_read(dev_data: Path) -> None:
    path = dev_data / "cisreg" / "inferred_crp_matrix.csv"
    if not path.is_file():
        pytest.skip("the matrices of the lac promoter are absent")
    sites = {"CRP": {"start": 1, "length": 26, "matrix": path}}
    blueprint = thermodynamic(assay(length=75), sites=sites, interactions={}, transcribes=["CRP"])
    matrix = blueprint.readers["CRP"].matrix
    assert matrix is not None
    assert matrix[0] * blueprint.kT == pytest.approx([-0.12906164, -1.0335577, -0.8355152, -0.4428457])
