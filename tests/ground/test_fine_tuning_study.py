"""A fine-tuning study as a user writes it."""

from __future__ import annotations

import pytest

from pajamo.config.proteins.fine_tuning import LoraSettings, load_fine_tuning_study
from pajamo.errors import StudyError

WHOLE = """
model = "esm2"
[data]
path = "labels.csv"
[training]
steps = 10
[training.schedule]
warm_up = 2
"""


@pytest.fixture
def study(tmp_path):
    def load(text):
        (tmp_path / "study.toml").write_text(text)
        return load_fine_tuning_study(tmp_path / "study.toml")

    return load


def test_paths_are_those_from_the_file(study, tmp_path):
    found = study(WHOLE)
    assert (found.model, found.data.path) == (tmp_path / "esm2", tmp_path / "labels.csv")
    assert found.lora == LoraSettings(rank=8, alpha=16.0, on=("query", "value"))


def test_all_weights_can_be_changed(study):
    assert study("lora = false\n" + WHOLE).lora is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("[lora]\nrang = 3", "unknown key 'lora.rang'"),
        ("[lora]\nrank = 0", "greater than or equal to 1"),
        ('[lora]\non = ["query", "query"]', "twice"),
        ("[lora]\non = []", "at least 1"),
    ],
)
def test_mistakes_are_told(study, more, told):
    with pytest.raises(StudyError, match=told):
        study(WHOLE + more)
