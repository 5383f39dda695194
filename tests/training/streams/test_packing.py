"""Best fit decreasing against the rule written out, and windows against what they promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.streams.protein_streams import corpus_of, drawn, stream_of, taken

from pajamo.training.streams.packing import best_fit


def naive(lengths: list[int], capacity: int, first: int) -> list[list[int]]:
    def longest_first(things: list[int]) -> list[int]:
        return sorted(things, key=lambda thing: -lengths[thing])

    everything = list(range(len(lengths)))
    packs: list[list[int]] = []
    for thing in longest_first(everything[:first]) + longest_first(everything[first:]):
        rooms = [capacity - sum(lengths[other] for other in pack) for pack in packs]
        fitting = [room for room in rooms if room >= lengths[thing]]
        if fitting:
            packs[rooms.index(min(fitting))].append(thing)
        else:
            packs.append([thing])
    return packs


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=60), st.integers(0, 10))
def test_best_fit_is_the_rule_written_out(lengths: list[int], first: int) -> None:
    packs = best_fit(np.array(lengths, dtype=np.int64), 40, min(first, len(lengths)))
    expected = naive(lengths, 40, min(first, len(lengths)))
    # Packs with the same room left are alike: which of them takes a thing does not change any fill.
    assert sorted(sum(lengths[thing] for thing in pack) for pack in packs) == sorted(
        sum(lengths[thing] for thing in pack) for pack in expected
    )
    assert sorted(thing for pack in packs for thing in pack) == list(range(len(lengths)))


@pytest.mark.parametrize("tokens", [4096, 16384, 65536])
def test_packs_of_lengths_as_proteins_have_them_are_full(tmp_path: Path, tokens: int) -> None:
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(5.6, 0.7, 3000), 12, 3000).astype(int)
    corpus = corpus_of(tmp_path, drawn(3, lengths))
    stream = stream_of(corpus, tokens=tokens, longest=1024, packs=8)
    plans, _ = taken(stream, 3_000_000 // (8 * tokens) + 1)
    sums = [stream.samples.at(np.array(plan.samples)).lengths.sum() for plan in plans]
    assert max(sums) <= tokens
    assert np.mean(sums) >= 0.999 * tokens


def test_what_never_fits_together_still_makes_packs(tmp_path: Path) -> None:
    """Proteins of 80 tokens in packs of 100: each stands alone, and none waits for ever."""
    stream = stream_of(corpus_of(tmp_path, drawn(0, [78] * 5)), tokens=100, longest=90)
    plans, position = taken(stream, 800)
    assert all(len(plan.samples) == 1 for plan in plans)
    assert len(position.carried) <= 1
    assert max(plan.samples[0] for plan in plans) < len(plans) + 2 * 2048


def test_no_sample_waits_longer_than_the_window_after_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    stream = stream_of(corpus_of(tmp_path, drawn(1, rng.integers(5, 200, 100))), tokens=4096)
    position, before = stream.first(), set[int]()
    for _ in range(300):
        _, position = stream.plan(position)
        carried = set(position.carried)
        if carried != before:
            assert not carried & before
            before = carried


def test_the_order_of_packs_in_a_window_does_not_follow_lengths(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    stream = stream_of(corpus_of(tmp_path, drawn(2, rng.integers(5, 120, 400))), tokens=256)
    plans, _ = taken(stream, 120)
    largest = [stream.samples.at(np.array(plan.samples)).lengths.max() for plan in plans]
    order = np.argsort(np.argsort(largest))
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.2
