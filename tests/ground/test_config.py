"""A study is strict: whatever is misspelled, missing or of the wrong type is named."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from pajamo.config import Config, Study, parse_study, read_study
from pajamo.errors import StudyError

GOOD = """
name = "norman"
seed = 3
[data]
path = "screen.h5ad"
[split]
kind = "doubles"
holdout = 0.5
[models]
ladder = ["salt"]
[models.settings.peper]
members = 3
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_taken_from_the_studys_folder(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, GOOD))
    assert study.data.path == tmp_path / "screen.h5ad"
    assert study.split.holdout == 0.5
    assert study.models.settings["peper"] == {"members": 3}
    assert study.evaluation.control == "split"


def test_a_study_is_frozen(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        study.seed = 4  # type: ignore[misc]


def test_resolved_study_reads_back_the_same(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, GOOD))
    assert parse_study(study.model_dump(mode="json")) == study


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("holdout = 0.5", "holdot = 0.5"), ["split.holdot", "did you mean 'holdout'"]),
        (("[models]", "[model]"), ["'model'", "did you mean 'models'"]),
        (("[split]", "[splits]"), ["'splits'", "did you mean 'split'"]),
        (("seed = 3", 'seed = "three"'), ["seed", "three"]),
        (("seed = 3", "seed = -1"), ["seed", "greater than or equal to 0"]),
        (("holdout = 0.5", "holdout = 1.5"), ["split.holdout", "less than 1"]),
        (('kind = "doubles"', 'kind = "doublets"'), ["split.kind", "'doublets'", "'doubles'"]),
        (('kind = "doubles"', ""), ["split.kind", "missing"]),
        (('path = "screen.h5ad"', ""), ["either `path` or `dataset`"]),
        (('name = "norman"', 'name = "a/b"'), ["name"]),
        (("[data]", "[data"), ["not valid TOML"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], words: list[str]) -> None:
    path = write(tmp_path, GOOD.replace(*change, 1))
    with pytest.raises(StudyError) as caught:
        read_study(path)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.exit_code == 2


def test_missing_file_and_wrong_encoding(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such study file"):
        read_study(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match="cannot be read"):
        read_study(tmp_path / "binary.toml")
    with pytest.raises(StudyError, match="cannot be read"):
        read_study(tmp_path)


def tables(annotation: object) -> list[type[Config]]:
    """Every kind of table in an annotation, at any depth: X | None, tuple[A | B, ...], dict[str, X]."""
    own = [annotation] if isinstance(annotation, type) and issubclass(annotation, Config) else []
    fields = [field.annotation for kind in own for field in kind.model_fields.values()]
    inner = [table for part in (*get_args(annotation), *fields) for table in tables(part)]
    return list(dict.fromkeys([*own, *inner]))


@pytest.mark.parametrize("table", tables(Study), ids=lambda kind: kind.__name__)
def test_every_key_is_explained(table: type[Config]) -> None:
    assert table.model_fields
    assert [name for name, field in table.model_fields.items() if not field.description] == []
