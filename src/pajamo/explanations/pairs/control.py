"""Which rate controls the output: flux-control coefficients of each transition for each guide-target pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pajamo.data.assays.alphabet import Codes
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.models.assays.model import AssayModel

UNIT = "%/%"


def control(
    model: AssayModel,
    guides: Sequence[str],
    targets: Sequence[str],
    *,
    experiment: str | None = None,
    inputs: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """By how many percent the recorded output changes if one rate rises by one percent, pair by pair.

    For a matched target the last step may control the rate; a mismatch hands control to the steps that it slows down.
    If every rate doubles, so does a flux and the rate of a first passage: their coefficients sum to 1 (Kacser and
    Burns 1973, Symp. Soc. Exp. Biol. 27:65; Heinrich and Rapoport 1974, Eur. J. Biochem. 42:89). Those of an
    occupancy sum to 0; those of a fraction that has arrived by a time sum to its slope in ln of the time.

    Parameters
    ----------
    model: fitted.
    guides, targets: pairs, written 5' to 3' with their PAM.
    experiment, inputs: whose output and which concentrations are meant; see `KineticNetwork.of`.

    Returns
    -------
    One row a pair and transition: `pair`, `guide`, `target`, `transition`, `control`, `total` (the sum over the
    pair's transitions), `unit`.
    """
    network = KineticNetwork.of(model, experiment, inputs)
    slopes = control_of(network, network.encode(guides, targets))
    pairs, count = slopes.shape
    return pd.DataFrame(
        {
            "pair": np.repeat(np.arange(pairs), count),
            "guide": np.repeat(np.asarray(guides, dtype=object), count),
            "target": np.repeat(np.asarray(targets, dtype=object), count),
            "transition": list(network.transitions) * pairs,
            "control": slopes.ravel(),
            "total": np.repeat(slopes.sum(axis=1), count),
            "unit": UNIT,
        }
    )


def control_of(network: KineticNetwork, codes: Codes) -> Array:
    """Flux-control coefficients of pairs as codes, shape (pairs, transitions)."""
    return np.asarray(network.control(network.log_rates(codes)).numpy())


def control_summary(network: KineticNetwork, codes: Codes) -> pd.DataFrame:
    """Coefficients at the matched target, and their mean and spread over pairs.

    Returns
    -------
    One row a transition and a last one for their sum: `transition`, `matched`, `mean`, `sd`, `low`, `high` (the
    middle 90 % of the pairs), `pairs`, `unit`.
    """
    matched, own = control_of(network, network.matched())[0], control_of(network, codes)
    matched, own = np.append(matched, matched.sum()), np.column_stack([own, own.sum(axis=1)])
    low, high = np.quantile(own, [0.05, 0.95], axis=0)
    return pd.DataFrame(
        {
            "transition": [*network.transitions, "sum"],
            "matched": matched,
            "mean": own.mean(axis=0),
            "sd": own.std(axis=0, ddof=1) if len(own) > 1 else np.full(len(matched), np.nan),
            "low": low,
            "high": high,
            "pairs": len(own),
            "unit": UNIT,
        }
    )
