"""Bounds on the intrinsic information: planted channels, repeated sequences, and reasons where there is no bound."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pajamo.evaluation.assays.bounds import Bound, intrinsic_bounds, intrinsic_table
from pajamo.evaluation.assays.rows import Array, Measured


def rows_of(kind: str, recorded: Array, sequences: Array | None = None) -> Measured:
    numbers = np.arange(len(recorded)) if sequences is None else sequences
    return Measured("plate", "test", kind, recorded, np.ones(len(recorded)), numbers)  # type: ignore[arg-type]


def within(bound: Bound, true: float) -> bool:
    assert bound.estimate is not None, bound.note
    return abs(bound.estimate.bits - true) < 3 * bound.estimate.standard_error


def replicated(count: int) -> tuple[Array, Array, Array]:
    """Sequences of standard normal value, each read twice with an error of one half, in any order."""
    rng = np.random.default_rng(1)
    sequences = rng.permutation(np.repeat(np.arange(count), 2))
    value = rng.normal(size=count)[sequences] + 0.5 * rng.normal(size=2 * count)
    return value, sequences, np.full(2 * count, 0.5)


def test_readings_with_errors_and_replicates_have_both_bounds() -> None:
    """Of a normal channel one reading tells 1/2 log2(1 + 4) bits, of another reading -1/2 log2(1 - r²), r = .8."""
    value, sequences, error = replicated(2000)
    lower, upper = intrinsic_bounds(rows_of("values", value, sequences), {"value": value, "error": error})
    assert within(upper, 0.5 * np.log2(5))
    assert within(lower, -0.5 * np.log2(1 - 0.8**2))
    assert (lower.side, upper.side) == ("lower", "upper")


def test_a_sequence_at_another_concentration_is_no_replicate() -> None:
    value, sequences, error = replicated(200)
    dose = np.arange(len(value), dtype=float)
    measured = rows_of("values", value, sequences)
    lower, _ = intrinsic_bounds(measured, {"error": error}, {"crp": dose})
    assert lower.estimate is None
    assert lower.note.startswith("0 sequences were measured twice")
    lower, _ = intrinsic_bounds(measured, {"error": error}, {"crp": np.ones(len(value))})
    assert lower.estimate is not None
    assert lower.estimate.observations == 200


def test_reads_bound_from_below_and_say_why_not_from_above() -> None:
    rng = np.random.default_rng(6)
    depth = 2 + rng.poisson(1, 3000)
    high = rng.binomial(depth, rng.choice([0.05, 0.95], size=3000))
    lower, upper = intrinsic_bounds(rows_of("reads", np.column_stack([depth - high, high]).astype(float)), {})
    assert within(lower, 1 - stats.entropy([0.095, 0.905], base=2))
    assert upper.estimate is None
    assert "sorter" in upper.note


def test_counts_of_rna_and_dna_bound_from_above() -> None:
    """Ratios scatter by one, and counting hundreds adds next to nothing: 1/2 log2(spread² / counting error²)."""
    rng = np.random.default_rng(3)
    dna = rng.poisson(400, 4000).astype(float)
    rna = rng.poisson(dna * np.exp(rng.normal(size=4000))).astype(float)
    measured = rows_of("ratios", np.log((rna + 0.5) / (dna + 0.5)))
    lower, upper = intrinsic_bounds(measured, {"rna": rna, "dna": dna})
    counting = 1 / (rna + 1) + 1 / (dna + 1)
    true = 0.5 * np.log2(1.0 + counting.mean()) - np.mean(0.5 * np.log2(counting))
    assert upper.estimate is not None
    assert upper.estimate.bits == pytest.approx(true, abs=0.1)
    assert lower.estimate is None


@pytest.mark.parametrize(
    ("recorded", "words"),
    [({}, "no errors of the readings"), ({"error": np.zeros(40)}, "error of 40 rows is not positive")],
)
def test_what_is_not_computed_says_why(recorded: dict[str, Array], words: str) -> None:
    value = np.random.default_rng(0).normal(size=40)
    _, upper = intrinsic_bounds(rows_of("values", value), recorded)
    assert upper.estimate is None
    assert words in upper.note


def test_single_reads_say_why() -> None:
    lower, _ = intrinsic_bounds(rows_of("reads", np.eye(5)), {})
    assert (
        lower.note
        == "0 sequences were read more than once: reads of the same sequence stand in for replicates"
    )


def test_the_table_has_a_row_a_bound() -> None:
    value, sequences, error = replicated(100)
    bounds = intrinsic_bounds(rows_of("values", value, sequences), {"error": error})
    table = intrinsic_table(
        {"one": bounds, "two": (bounds[0], Bound("upper", "entropy", None, "no errors"))}, "test"
    )
    assert table["bound"].tolist() == ["lower", "upper"] * 2
    assert table["value"].notna().tolist() == [True, True, True, False]
    assert (table["low"][:3] < table["value"][:3]).all()
    assert table["note"].tolist() == ["", "", "", "no errors"]
