"""In-silico mutagenesis of targets: what each change does, and which kinetic step it hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.pairs.pairing import perfect
from pajamo.explanations.pairs.attribution import LOG10, attribute
from pajamo.explanations.pairs.changes import change_table, changed, single_changes
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.models.assays.model import AssayModel


def mutagenesis(
    model: AssayModel,
    guide: str,
    target: str | None = None,
    *,
    deletions: bool = False,
    insertions: bool = False,
    experiment: str | None = None,
    inputs: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Every single change of a target: by how much the output changes, and by which transitions.

    A change alters the ln rates that read its position; what each contributes to the output is integrated along the
    way (see `attribute`), so that contributions sum to the effect.

    Parameters
    ----------
    model: fitted.
    guide: written 5' to 3' with its PAM.
    target: from which changes are made; the matched target if not given.
    deletions, insertions: whether bases may also be missing from the target, or inserted between two positions.
    experiment, inputs: whose output and which concentrations are meant; see `KineticNetwork.of`.

    Returns
    -------
    One row a change: `position` (0 at the outer end of the PAM), `from_pam` (1 beside the PAM, 0 and below in it),
    `change` ("G>A": the guide's base, the target's), `kind`, `effect` (log10 of output after over before), `unit`,
    `step` (the transition that contributes most), `share` (its part of the effect), the contribution of each
    transition under its name, and the `remainder` of the integral.
    """
    network = KineticNetwork.of(model, experiment, inputs)
    codes = network.encode([guide], [guide if target is None else target])[0]
    return mutagenesis_of(network, codes, deletions=deletions, insertions=insertions)


def mutagenesis_of(
    network: KineticNetwork, codes: Codes, *, deletions: bool = False, insertions: bool = False
) -> pd.DataFrame:
    """As `mutagenesis`, of a pair as codes, shape (length,)."""
    listed = single_changes(codes, network.alphabet.missing, deletions=deletions, insertions=insertions)
    found = attribute(network, codes[None], changed(codes, listed))
    return pd.concat([change_table(network, listed), found.to_frame()], axis=1)


def which_step(
    model: AssayModel,
    guides: Sequence[str],
    targets: Sequence[str],
    *,
    experiment: str | None = None,
    inputs: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Which kinetic step the differences between guide and target hit, pair by pair, against the matched target.

    Arguments as for `control`.

    Returns
    -------
    One row a pair: `guide`, `target`, `differences` (positions at which they differ), `log10_matched` and
    `log10_output` (of the output, in its unit), `effect` (their difference), `unit`, `step`, `share`, what each
    transition contributes under its name, and the `remainder` of the integral.
    """
    network = KineticNetwork.of(model, experiment, inputs)
    codes = network.encode(guides, targets)
    found = attribute(network, network.matched(), codes)
    own = network.log_output(network.log_rates(codes)).numpy() * LOG10
    table = pd.DataFrame(
        {
            "guide": list(guides),
            "target": list(targets),
            "differences": differences(codes),
            "log10_matched": own - found.effect,
            "log10_output": own,
        }
    )
    return pd.concat([table, found.to_frame()], axis=1)


def differences(codes: Codes) -> np.ndarray:
    """Number of positions at which guide and target do not pair, or are followed by a bulge; shape (pairs,)."""
    return np.asarray((~perfect()[codes]).sum(axis=1))
