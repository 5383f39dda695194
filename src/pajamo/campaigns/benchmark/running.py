"""One run: one strategy, one task, one seed."""

from __future__ import annotations

import copy
import math
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.benchmark.beginning import begin, scale_of
from pajamo.campaigns.benchmark.ceilings import top_share
from pajamo.campaigns.benchmark.metrics import of_findings, of_model
from pajamo.campaigns.benchmark.oracle import Oracle, mean_of
from pajamo.campaigns.benchmark.task import Part, Task
from pajamo.campaigns.features import Features, stacked
from pajamo.campaigns.learners.base import Fitted
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import DataError

MOST_IN_MEMORY = 50_000_000
"""Numbers up to which a pool's features are held whole."""


def run(task: Task, acquisition: Acquisition, seed: int) -> dict[str, Any]:
    """Measure the start, then round by round what the strategy chooses; judge after every round.

    The same arguments give the same record, bit for bit but for the seconds, in any process.

    Returns
    -------
    labels (measurements made so far) and money by round; metrics, each a list by round (None: could not be judged);
    chosen rows of the task by round; failed measurements by round; hashes of the models; CPU seconds.
    """
    with threadpool_limits(1):
        return _Run(task, acquisition, seed).all_rounds()


class _Run:
    """What has been revealed so far, and what is kept for the record."""

    def __init__(self, task: Task, acquisition: Acquisition, seed: int) -> None:
        self.task, self.seed = task, seed
        self.acquisition = copy.deepcopy(acquisition)
        self.beginning = begin(task, seed)
        self.features = _held(task.features, self.beginning.pool)
        self.oracle = Oracle(
            task.measurements[self.beginning.pool], noise=task.noise, added=task.noisy, seed=seed
        )
        self.rows = np.zeros(0, dtype=np.intp)
        self.values = np.zeros((0, task.measurements.shape[2]))
        self.judge = _Judge(task, self.beginning.test, self.beginning.pool)
        self.seconds: dict[str, list[float]] = {"fitting": [], "predicting": [], "choosing": []}
        self.record: dict[str, Any] = {"labels": [], "money": [], "failed": [], "chosen": [], "models": []}
        self.metrics: list[dict[str, float]] = []

    def all_rounds(self) -> dict[str, Any]:
        self._measure(self.beginning.start, 0)
        fitted = self._fit(0)
        for number in range(1, self.task.protocol.rounds + 1):
            available = self._available()
            batch = min(self.task.protocol.batch, int(available.sum()))
            if batch == 0:
                break
            self._measure(self._choose(fitted, available, batch, number), number)
            fitted = self._fit(number)
        return self.record | {"metrics": _by_metric(self.metrics), "seconds": self.seconds}

    def _measure(self, chosen: Rows, number: int) -> None:
        results = self.oracle.measure(np.repeat(chosen, self._times(chosen)), number)
        self.rows = np.concatenate([self.rows, results.rows])
        self.values = np.concatenate([self.values, results.values])
        money = self.task.price.of(len(results.rows)) + (self.record["money"] or [0.0])[-1]
        self.record["labels"].append(len(self.rows))
        self.record["money"].append(float(money))
        self.record["failed"].append(int(results.failed.sum()))
        self.record["chosen"].append(self.beginning.pool[chosen].tolist())

    def _times(self, chosen: Rows) -> Rows:
        return np.minimum(self.task.protocol.replicates, self.oracle.left(chosen))

    def _fit(self, number: int) -> Fitted:
        """Fit to what was measured with success, and judge."""
        whole = np.isfinite(self.values).all(axis=1)
        if not whole.any():
            raise DataError(
                "every measurement so far has failed, so that nothing can be learned",
                where=f"task {self.task.name}, seed {self.seed}, round {number}",
                fix="make the start larger",
            )
        started = process_time()
        seen = np.asarray(self.features[self.rows[whole]], dtype=float)
        seed = int(np.random.default_rng([self.seed, 1, number]).integers(2**31))
        fitted = self.task.learner.fit(seen, self.values[whole], seed=seed)
        self.seconds["fitting"].append(process_time() - started)
        self.record["models"].append(fitted.fingerprint()[:16])
        self.metrics.append(self.judge(fitted, self.rows[whole]))
        return fitted

    def _available(self) -> NDArray[np.bool_]:
        everything = np.arange(self.oracle.size)
        left = self.oracle.left(everything) > 0
        return left if self.task.protocol.repeats else left & (self.oracle.looks == 0)

    def _choose(self, fitted: Fitted, available: NDArray[np.bool_], batch: int, number: int) -> Rows:
        started = process_time()
        situation = Situation(
            features=fitted.embed(self.features),
            available=available,
            predictive=fitted.predict(self.features),
            measured_features=stacked(fitted.embed(np.asarray(self.features[self.rows]))),
            measured=self.values.copy(),
            target=self.task.target,
            rng=np.random.default_rng([self.seed, 2, number]),
        )
        predicted = process_time()
        chosen = choose_batch(self.acquisition, situation, batch).rows
        self.seconds["predicting"].append(predicted - started)
        self.seconds["choosing"].append(process_time() - predicted)
        return chosen


class _Judge:
    """Knows the truth; what it says goes into the record and never to a strategy."""

    def __init__(self, task: Task, test: Rows, pool: Rows) -> None:
        truth = mean_of(task.measurements)
        self._features = _held(task.features, test) if len(test) else None
        self._truth, self._scale = truth[test], scale_of(truth)
        self._replicates = np.isfinite(task.measurements[test]).all(axis=2).sum(axis=1)
        self._readout = task.judged_by[pool]
        self._spread = float(scale_of(task.judged_by[:, None])[0])
        self._hits = top_share(self._readout, task.share)
        self._finds = task.kind == "values"

    def __call__(self, fitted: Fitted, measured: Rows) -> dict[str, float]:
        found: dict[str, float] = {}
        if self._features is not None:
            said = fitted.predict(self._features)
            found |= of_model(said, self._truth, self._scale, self._replicates)
        if self._finds:
            seen = np.zeros(len(self._readout), dtype=bool)
            seen[measured] = True
            found |= of_findings(self._readout, self._hits, seen, self._spread)
        return found


def _held(features: Features, rows: Rows) -> Features:
    """In memory where they are small, else read when asked for."""
    if len(rows) * features.shape[1] <= MOST_IN_MEMORY:
        return np.array(features[rows])
    return Part(features, rows)


def _by_metric(rounds: list[dict[str, float]]) -> dict[str, list[float | None]]:
    names = rounds[0]
    return {name: [one[name] if math.isfinite(one[name]) else None for one in rounds] for name in names}


def bits(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that is the same wherever it was made: all but the seconds."""
    return {name: value for name, value in record.items() if name != "seconds"}


def recorded(values: list[float | None]) -> Array:
    """A metric of a record by round, NaN where it could not be judged."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)
