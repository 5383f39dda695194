"""Trees on what differs at each position, each mending what those before it left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from pajamo.data.assays.pairs.pairing import Codes
from pajamo.errors import ModelError
from pajamo.models.pairs.base import Array, Arrays, Learned, PairModel, Places
from pajamo.models.pairs.features import shared_differences
from pajamo.models.pairs.keeping import fewer

TREES, MOST = 300, 100_000
"""Most trees; and most rows, of which sites that were not found stand for several."""
_AT_ONCE = 50_000


class Boosting(PairModel):
    """Gradient boosting (HistGradientBoosting of scikit-learn); the rows kept aside say after how many trees to stop.

    It is not saved: the same rows and seed give the same trees.
    """

    name: ClassVar[str] = "gradient-boosting"
    title: ClassVar[str] = "gradient-boosted trees on what differs at each position"

    def _learn(self, learned: Learned) -> None:
        rng = np.random.default_rng(self.seed)
        rows, weights = self._some(learned.value, learned.train, rng)
        kind = HistGradientBoostingClassifier if self.task == "cut" else HistGradientBoostingRegressor
        self._trees = kind(max_iter=TREES, early_stopping=False, random_state=self.seed)
        # Threads that wait for each other at every node take many times as long where another process has a core.
        with threadpool_limits(1, user_api="openmp"):
            self._trees.fit(self._table(learned.codes[rows]), learned.value[rows], sample_weight=weights)
            aside, weights = self._some(learned.value, learned.aside, rng)
            self.count = self._best(self._table(learned.codes[aside]), learned.value[aside], weights)

    def _some(self, value: Array, places: Places, rng: np.random.Generator) -> tuple[Places, Array]:
        """Rows, and what each stands for."""
        return fewer(value, places, MOST, rng) if self.task == "cut" else (places, np.ones(len(places)))

    def _best(self, table: Array, value: Array, weights: Array) -> int:
        """Trees after which the loss on the rows kept aside is least."""
        losses = []
        for said in self._stages(table):
            share = np.clip(said, 1e-12, 1 - 1e-12)
            cut = -np.where(value > 0, np.log(share), np.log1p(-share))
            each = cut if self.task == "cut" else (said - value) ** 2
            losses.append(float(np.average(each, weights=weights)))
        return int(np.argmin(losses)) + 1

    def _stages(self, table: Array) -> Iterator[Array]:
        """What is said after each tree."""
        if isinstance(self._trees, HistGradientBoostingClassifier):
            return (said[:, 1] for said in self._trees.staged_predict_proba(table))
        return self._trees.staged_predict(table)

    def _table(self, codes: Codes) -> Array:
        return np.asarray(shared_differences(codes, self.task).toarray())

    def _say(self, codes: Codes) -> Array:
        parts = [codes[start : start + _AT_ONCE] for start in range(0, max(len(codes), 1), _AT_ONCE)]
        return np.concatenate([self._last(self._table(part)) for part in parts])

    def _state(self) -> Arrays:
        raise ModelError(
            "boosted trees are not saved",
            why="their library keeps them as code, which a file of pajamo never holds",
            fix="fit them anew: the same rows and seed give the same trees",
        )

    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:  # noqa: ARG002
        self._state()

    def _last(self, table: Array) -> Array:
        for number, said in enumerate(self._stages(table), start=1):
            if number == self.count:
                return np.asarray(said, dtype=np.float64)
        raise AssertionError("there are fewer trees than were fitted")
