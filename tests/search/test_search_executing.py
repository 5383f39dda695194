"""Chunks are the same wherever they are trained, and each gives the rewards that its candidates have alone."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
import torch

from pajamo.errors import MissingExtraError
from pajamo.search.executing import CHUNK, Here, chunked, executor_of, train_chunk
from pajamo.search.rewarding import Task
from pajamo.search.space import Candidate


def test_chunks_hold_one_scheme_and_every_candidate_once() -> None:
    rng = np.random.default_rng(0)
    given = [Candidate(str(rng.choice(["a", "b"])), (n,)) for n in range(30)]
    chunks = list(chunked(given))
    assert {one for chunk in chunks for one in chunk} == set(given)
    assert sum(map(len, chunks)) == len(given)
    assert all(len({one.mechanism for one in chunk}) == 1 and len(chunk) <= CHUNK for chunk in chunks)


def test_rewards_do_not_depend_on_threads(small: Task) -> None:
    rng = np.random.default_rng(1)
    given = [small.space.draw(rng) for _ in range(2)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert train_chunk(small, 2, given) == train_chunk(small, 2, given)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_each_candidate_gets_its_own_reward(small: Task) -> None:
    rng = np.random.default_rng(2)
    given = [small.space.canonical(small.space.draw(rng)) for _ in range(3)]
    together = Here().rewards(small, given, 4)
    for one in given:
        assert together[one] == pytest.approx(Here().rewards(small, [one], 4)[one], abs=1e-3)


def test_ray_that_is_not_installed_is_named(small: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "ray":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with (
        pytest.raises(MissingExtraError, match="Ray") as error,
        executor_of(small.settings.model_copy(update={"executor": "ray"})),
    ):
        pass
    assert "pajamo[ray]" in error.value.fix
