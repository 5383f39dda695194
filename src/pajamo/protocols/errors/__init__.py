"""Error analysis of perturbation screens: what varies, what a difference costs, what can be seen."""

from pajamo.protocols.errors.components import (
    VarianceComponents,
    Variances,
    components_of,
    variance_components,
)
from pajamo.protocols.errors.controls import (
    allocate_controls,
    control_ratio,
    control_share,
    gain_over_equal_split,
    shared_control_correlation,
)
from pajamo.protocols.errors.counts import (
    cells_needed,
    detectable_difference,
    detectable_effect,
    power,
    variance_of_log_ratio,
)
from pajamo.protocols.errors.differences import (
    DifferenceVariance,
    WithinBatch,
    disproportion,
    is_proportional,
    noise_floor,
    variance_of_difference,
    within_batch,
)
from pajamo.protocols.errors.levels import bonferroni, false_discovery_level
from pajamo.protocols.errors.minibatch import minibatch_plan
from pajamo.protocols.errors.permutation import BatchTest, batch_test
from pajamo.protocols.errors.propagation import (
    RestPointError,
    fundamental_matrix,
    propagate,
    rest_point_error,
    rest_point_shift,
    through,
)

__all__ = [
    "BatchTest",
    "DifferenceVariance",
    "RestPointError",
    "VarianceComponents",
    "Variances",
    "WithinBatch",
    "allocate_controls",
    "batch_test",
    "bonferroni",
    "cells_needed",
    "components_of",
    "control_ratio",
    "control_share",
    "detectable_difference",
    "detectable_effect",
    "disproportion",
    "false_discovery_level",
    "fundamental_matrix",
    "gain_over_equal_split",
    "is_proportional",
    "minibatch_plan",
    "noise_floor",
    "power",
    "propagate",
    "rest_point_error",
    "rest_point_shift",
    "shared_control_correlation",
    "through",
    "variance_components",
    "variance_of_difference",
    "variance_of_log_ratio",
    "within_batch",
]
