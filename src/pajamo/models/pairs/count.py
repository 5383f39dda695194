"""The fewer differences, the faster: what is known without any table or training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pajamo.data.assays.pairs.pairing import Codes
from pajamo.models.pairs.base import Array, Arrays, Learned, PairModel
from pajamo.models.pairs.features import how_many
from pajamo.models.pairs.lines import Line


class Count(PairModel):
    """Number of positions that differ, on a line that the training rows set."""

    name: ClassVar[str] = "mismatch-count"
    title: ClassVar[str] = "number of mismatches and bulges"

    def _learn(self, learned: Learned) -> None:
        rows = learned.train
        self._line = Line.of(-how_many(learned.codes[rows]), learned.value[rows], self.task)

    def _say(self, codes: Codes) -> Array:
        return self._line(-how_many(codes))

    def _state(self) -> Arrays:
        return self._line.state()

    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._line = Line.read(arrays, self.task)
