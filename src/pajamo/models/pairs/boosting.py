"""Trees on what differs at each position, each mending what those before it left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from pajamo.data.assays.pairs.pairing import Codes
from pajamo.errors import ModelError
from pajamo.models.pairs.base import Array, Arrays, Learned, PairModel
from pajamo.models.pairs.features import how_many, shared_differences
from pajamo.models.pairs.keeping import fewer

TREES, MOST = 300, 160_000
"""Most trees; and most rows, of which sites that were not found stand for several."""
SLOW = {"max_iter": 200, "learning_rate": 0.07, "max_leaf_nodes": 15, "l2_regularization": 5.0}
"""Trees on sites found or not: few and small ones, all of which are kept. Guides that are kept aside have so few
sites that were found that they would stop after a handful, which ranks sites badly."""
REGIONS = ((0, 3), (3, 11), (11, 17), (17, 1000))
"""PAM, seed, middle and far end of a guide, in which differences are counted."""
_AT_ONCE = 50_000


class Boosting(PairModel):
    """Gradient boosting (HistGradientBoosting of scikit-learn) on what differs where, and on how much.

    Of rates, the rows kept aside say after how many trees to stop. It is not saved: the same rows and seed give the
    same trees.
    """

    name: ClassVar[str] = "gradient-boosting"
    title: ClassVar[str] = "gradient-boosted trees on what differs at each position"

    def _learn(self, learned: Learned) -> None:
        # Threads that wait for each other at every node take many times as long where another process has a core.
        with threadpool_limits(1, user_api="openmp"):
            if self.task == "cut":
                self._learn_cuts(learned)
            else:
                self._learn_rates(learned)

    def _learn_cuts(self, learned: Learned) -> None:
        every = np.concatenate([learned.train, learned.aside])
        rows, weights = fewer(learned.value, np.unique(every), MOST, np.random.default_rng(self.seed))
        # Sites that were not found are drawn, not weighted: one that stood for many would rule its leaf.
        self.drawn = float(weights[learned.value[rows] == 0].mean())
        self._trees = HistGradientBoostingClassifier(**SLOW, early_stopping=False, random_state=self.seed)
        self._trees.fit(self._table(learned.codes[rows]), learned.value[rows])
        self.count = SLOW["max_iter"]

    def _learn_rates(self, learned: Learned) -> None:
        self._trees = HistGradientBoostingRegressor(
            max_iter=TREES, early_stopping=False, random_state=self.seed
        )
        self._trees.fit(self._table(learned.codes[learned.train]), learned.value[learned.train])
        self.count = self._best(self._table(learned.codes[learned.aside]), learned.value[learned.aside])

    def _best(self, table: Array, value: Array) -> int:
        """Trees after which the squared error on the rows kept aside is least."""
        losses = [float(np.mean((said - value) ** 2)) for said in self._trees.staged_predict(table)]
        return int(np.argmin(losses)) + 1

    def _table(self, codes: Codes) -> Array:
        counts = np.stack([how_many(codes[:, first:last]) for first, last in REGIONS], axis=1)
        columns = shared_differences(codes, self.task).toarray()
        return np.column_stack([columns, counts, counts[:, 1:].sum(axis=1)])

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
        if self.task == "cut":
            share = self._trees.predict_proba(table)[:, 1]
            # Of the sites that were not found so many were left out for each that is there.
            return np.asarray(share / (share + (1 - share) * self.drawn))
        for number, said in enumerate(self._trees.staged_predict(table), start=1):
            if number == self.count:
                return np.asarray(said, dtype=np.float64)
        raise AssertionError("there are fewer trees than were fitted")
