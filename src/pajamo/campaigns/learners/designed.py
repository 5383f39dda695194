"""Bayesian linear regression on features whose sizes mean something: they keep their unit."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.learners.linear import BayesianLinear
from pajamo.campaigns.learners.scaling import Scale
from pajamo.campaigns.predictive import Array


class DesignedLinear(BayesianLinear):
    """As `BayesianLinear`, but features are only centred: within a group, a unit of each weighs the same beforehand.

    For designs such as "which genes, and how much their partners do alone". Where results are few, most genes were
    seen once or never. Standardised by what was seen, the column of a gene that was seen once, beside a partner that
    does little, is stretched beyond measure, and the gene's next pair is predicted far outside of anything recorded.

    Source and parameters are those of `BayesianLinear`. Features of one group should be of one size.
    """

    name: ClassVar[str] = "designed-linear"

    def _units(self, features: Array) -> Scale:
        return Scale(features.mean(axis=0), np.ones(features.shape[1]))
