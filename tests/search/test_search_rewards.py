"""What hypotheses are worth: the planted one is worth most, and rows kept aside are not learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.search.planted import ONE_STEP, task

from pajamo.search.rewarding import Task, rewards
from pajamo.search.space import Candidate


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """Windows of five positions anywhere; a mismatch in the first five after the PAM costs most."""
    reads = ONE_STEP["transitions"]["free->cut"]["reads"] | {"length": 5}  # type: ignore[index]
    scheme = ONE_STEP | {"transitions": {"free->cut": {"reads": reads}}}
    choices = {"step": {"free->cut": {"start": [3, 8]}}}
    given = {"cycles": [], "choices": choices, "evaluations": 6, "generation": 6, "steps": 8}
    return task(tmp_path_factory.mktemp("steps"), 60, {"step": scheme}, **given)


@pytest.mark.parametrize("reward", ["evidence", "pearson", "likelihood"])
def test_the_planted_window_is_worth_most(steps: Task, reward: str) -> None:
    asked = steps.settings.model_copy(update={"reward": reward})
    every = [Candidate("step", (place,)) for place in range(6)]
    found = replace(steps, settings=asked).rewards(every, 8)
    assert int(np.argmax(found)) == 0
    assert found[0] > found[5]
    assert np.isfinite(found).all()


def test_rewards_come_in_the_order_of_the_candidates(steps: Task) -> None:
    every = [Candidate("step", (place,)) for place in (5, 0, 2)]
    found = steps.rewards(every, 8)
    again = steps.rewards(every[::-1], 8)
    assert found == pytest.approx(again[::-1], abs=1e-4)


def test_what_was_recorded_of_rows_kept_aside_does_not_reach_what_is_said_of_them(steps: Task) -> None:
    rates = steps.assay.experiments[0]
    mask = {"rates": np.arange(rates.n) < rates.n // 2}
    value = rates.recorded["value"].copy()
    value[~mask["rates"]] = -2.0
    other = replace(steps.assay, experiments=(replace(rates, recorded={**rates.recorded, "value": value}),))
    declared = [steps.space.settings(Candidate("step", (1,)))]
    once = steps._train(declared, 6, mask)
    again = replace(steps, assay=other)._train(declared, 6, mask)
    assert np.array_equal(once.predicted["rates"], again.predicted["rates"])


def test_correlation_is_that_of_rows_within_the_limits(steps: Task) -> None:
    rates = steps.assay.experiments[0]
    rng = np.random.default_rng(0)
    said = rng.normal(-2, 1.5, (2, rates.n))
    censored, value = rates.recorded["censored"], rates.recorded["value"]
    assert (censored < 0).any()
    found = rewards({"rates": np.stack([said, said])}, steps.assay, "pearson")
    clipped = np.maximum(said, value[censored < 0].max())
    assert found == pytest.approx([np.corrcoef(row, value)[0, 1] for row in clipped])
    assert rewards({"rates": np.stack([said, said])}, steps.assay, "likelihood") == pytest.approx(
        said.mean(axis=1)
    )


def test_constant_predictions_are_worth_nothing(steps: Task) -> None:
    said = np.zeros((2, 1, steps.assay.experiments[0].n))
    assert rewards({"rates": said}, steps.assay, "pearson")[0] == -np.inf


def test_tasks_travel(steps: Task, tmp_path: Path) -> None:
    """A copy in another process is worth the same: nothing of a task lies outside of it."""
    from multiprocessing.reduction import ForkingPickler

    assert len(ForkingPickler.dumps(steps)) < 200_000
