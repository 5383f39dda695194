"""A study file is one of a screen or one of an assay, and its paths are taken from its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pajamo.config import Study, read_study
from pajamo.config.assays import AssayStudy, BinsSettings, KineticSettings, ThermodynamicSettings
from pajamo.errors import StudyError

ASSAY = """
name = "lac"
[experiments.wt]
path = "reads.csv"
split = "set"
measurement = { kind = "bins", columns = ["b1", "b2"] }
[experiments.shipped]
dataset = "lac-sortseq"
measurement = { kind = "bins", columns = ["ct_1", "ct_2"], library = "ct_0" }
[mechanisms.two]
kind = "thermodynamic"
sites.CRP = { start = 1, length = 26, matrix = "priors/crp.csv" }
sites.RNAP = { start = 34, length = 41 }
interactions."CRP+RNAP" = {}
transcribes = ["RNAP"]
[mechanisms.cycle]
kind = "kinetic"
states = ["off", "on"]
sites.CRP = { start = 1, length = 26, matrix = "crp.csv" }
transitions."off->on" = { makes = ["rna"] }
transitions."on->off" = {}
[mechanisms.plain]
kind = "latent"
"""
SCREEN = 'name = "s"\n[data]\npath = "screen.h5ad"\n[split]\nkind = "doubles"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_assay_is_told_from_a_screen(tmp_path: Path) -> None:
    assert isinstance(read_study(write(tmp_path, SCREEN)), Study)
    study = read_study(write(tmp_path, ASSAY))
    assert isinstance(study, AssayStudy)
    assert list(study.experiments) == ["wt", "shipped"]
    assert isinstance(study.experiments["wt"].measurement, BinsSettings)


def test_paths_are_those_of_the_studys_folder(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, ASSAY))
    assert isinstance(study, AssayStudy)
    assert study.experiments["wt"].path == tmp_path / "reads.csv"
    assert study.experiments["shipped"].path is None
    two, cycle = study.mechanisms["two"], study.mechanisms["cycle"]
    assert isinstance(two, ThermodynamicSettings)
    assert isinstance(cycle, KineticSettings)
    assert two.sites["CRP"].matrix == tmp_path / "priors" / "crp.csv"
    assert two.sites["RNAP"].matrix is None
    assert cycle.sites["CRP"].matrix == tmp_path / "crp.csv"


def test_absolute_paths_stay(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, ASSAY.replace('"reads.csv"', '"/elsewhere/reads.csv"')))
    assert isinstance(study, AssayStudy)
    assert study.experiments["wt"].path == Path("/elsewhere/reads.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ASSAY + '[data]\npath = "screen.h5ad"\n', ["both a screen and an assay", "two study files"]),
        ('name = "s"\n', ["names no data", "[experiments.NAME]", "[data]"]),
        (ASSAY.replace("[experiments.", "[experiment."), ["names no data", "did you mean 'experiments'"]),
        (ASSAY.replace('split = "set"', 'spilt = "set"'), ["spilt", "did you mean 'split'"]),
        (ASSAY.replace('path = "reads.csv"', ""), ["either `path` or `dataset`"]),
        (ASSAY.replace('kind = "bins"', 'kind = "bin"', 1), ["bin", "did you mean 'bins'"]),
        ('name = "s"\nexperiments = {}\n', ["at least one experiment"]),
    ],
)
def test_files_that_are_neither_say_what_is_missing(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        read_study(write(tmp_path, text))
    assert "study.toml" in caught.value.where
    for word in words:
        assert word in str(caught.value)
