"""Settings written as TOML read back the same, whatever names and texts they hold."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pajamo.config import parse_study
from pajamo.pipeline.toml_text import to_toml

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
NUMBERS = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
FINITE = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e300, 1e300))
VALUES = st.recursive(st.one_of(TEXTS, NUMBERS), lambda inner: st.lists(inner, max_size=3), max_leaves=5)
TABLES = st.recursive(
    st.dictionaries(TEXTS, VALUES, max_size=4),
    lambda inner: st.dictionaries(TEXTS, st.one_of(VALUES, inner), max_size=4),
    max_leaves=8,
)


def without_empty(table: dict[str, Any]) -> dict[str, Any]:
    """A table without values is not written; one that holds only such tables is not either."""
    inner = {key: without_empty(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in inner.items() if value != {}}


@given(TABLES)
def test_nested_tables_read_back_the_same(table: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(table)) == without_empty(table)


@given(
    name=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z"),
    perturbation=TEXTS,
    held=st.lists(st.one_of(TEXTS, st.floats(allow_nan=False, allow_infinity=False)), max_size=3),
    settings=st.dictionaries(TEXTS, st.dictionaries(TEXTS, FINITE, min_size=1, max_size=2), max_size=2),
)
def test_a_study_reads_back_the_same(
    name: str, perturbation: str, held: list[str | float], settings: dict[str, Any]
) -> None:
    study = parse_study(
        {
            "name": name,
            "data": {"path": "a/β \"x\".h5ad", "perturbation": perturbation},
            "split": {"kind": "context", "held": held},
            "models": {"settings": settings},
        }
    )  # fmt: skip
    assert parse_study(tomllib.loads(to_toml(study.model_dump(mode="json")))) == study


def test_what_a_user_sees_is_plain() -> None:
    table = {"name": "x", "seed": 3, "none": None, "split": {"held": ["A", 2.0], "deep": {"on": True}}}
    assert to_toml(table) == 'name = "x"\nseed = 3\n\n[split]\nheld = ["A", 2.0]\n\n[split.deep]\non = true'
