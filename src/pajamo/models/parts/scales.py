"""The unit in which models compare genes: the standard deviation between cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.training_set import TrainingSet

FLOOR = 0.02
"""Share of the mean variance that is added to each gene's: a gene that was hardly seen has no spread to divide by."""


def spread_of(training: TrainingSet) -> NDArray[np.float64]:
    """Standard deviation between cells of each gene, ln(1 + CP10K), positive; shape (genes,)."""
    pooled = training.pooled_variance
    return np.sqrt(pooled + FLOOR * pooled.mean() + np.finfo(float).tiny)
