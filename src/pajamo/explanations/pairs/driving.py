"""Whether the scheme is driven at the matched target: affinities of its cycles and the entropy that it produces."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.information import Information
from pajamo.explanations.assays.kinetic_readouts import kinetic_readouts
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.rates import mean_inputs
from pajamo.models.assays.model import AssayModel

READOUTS = ("affinity", "entropy production")


def driving(
    model: AssayModel, assay: Assay, information: Information, *, level: float = 0.9, seed: int = 0
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Cycle affinities and entropy production at the matched target, and whether the scheme is in detailed balance.

    A cycle with a step that nothing undoes, as cleavage, is driven whatever its rates: its affinity is infinite.
    Elsewhere the sum of ln(k_onward / k_back) around a cycle is the free energy that one turn dissipates (Hill 1977;
    Schnakenberg 1976). See `kinetic_readouts`, of which this is the part for a target without differences.

    Parameters
    ----------
    model: fitted, at its optimum.
    assay: that it was fitted to.
    information: of the model.
    level: coverage of the intervals.
    seed: of the draws.

    Returns
    -------
    The table (`experiment`, `readout`, `of`, `value`, `unit`, `low`, `high`), and a sentence for each experiment.
    """
    network = KineticNetwork.of(model, None, mean_inputs(assay, model, None))
    matched = replace(assay, wild_type=network.matched()[0])
    found = kinetic_readouts(model, matched, information, level=level, seed=seed)
    return found.table[found.table["readout"].isin(READOUTS)].reset_index(drop=True), found.verdicts
