"""Pairs of changes: what two mismatches do together beyond what each does alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from pajamo.data.assays.alphabet import Codes
from pajamo.errors import ModelError
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.pairs.attribution import AT_ONCE, LOG10
from pajamo.explanations.pairs.changes import Change, change_table, changed, from_pam, single_changes
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.models.assays.model import AssayModel


def epistasis(
    model: AssayModel,
    guide: str,
    first: int | None = None,
    second: int | None = None,
    *,
    experiment: str | None = None,
    inputs: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Effects of every two substitutions against the sum of both alone, from the matched target.

    ln rates are sums over mismatches; the output is not. Two mismatches in front of the same barrier add up, whereas
    one that has handed control to another step hides what the second does: epistasis is the scheme's own.

    Parameters
    ----------
    model: fitted.
    guide: written 5' to 3' with its PAM.
    first, second: positions counted from the PAM (1 beside it); every position where none is given.
    experiment, inputs: whose output and which concentrations are meant; see `KineticNetwork.of`.

    Returns
    -------
    One row a double: `first`, `first_change`, `second`, `second_change` (positions from the PAM), `effect_first`,
    `effect_second`, `effect_both` (log10 of output over that of the matched target), `epistasis` (both minus the sum
    of the singles), `unit`.

    Raises
    ------
    ModelError: a position at which nothing can be substituted.
    """
    network = KineticNetwork.of(model, experiment, inputs)
    codes = network.encode([guide], [guide])[0]
    singles = single_changes(codes, network.alphabet.missing)
    effects = _effects(network, codes, changed(codes, singles))
    one, other = _doubles(network, singles, first, second)
    both = _effects(network, codes, changed(codes, [singles[i] for i in one], [singles[i] for i in other]))
    named = change_table(network, singles)
    return pd.DataFrame(
        {
            "first": named["from_pam"].to_numpy()[one],
            "first_change": named["change"].to_numpy()[one],
            "second": named["from_pam"].to_numpy()[other],
            "second_change": named["change"].to_numpy()[other],
            "effect_first": effects[one],
            "effect_second": effects[other],
            "effect_both": both,
            "epistasis": both - effects[one] - effects[other],
            "unit": "log10",
        }
    )


def epistasis_map(table: pd.DataFrame) -> pd.DataFrame:
    """Mean epistasis of every two positions, positions by positions, from a table of `epistasis`."""
    return table.pivot_table(index="first", columns="second", values="epistasis", aggfunc="mean")


def _doubles(
    network: KineticNetwork, singles: list[Change], first: int | None, second: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Places of both changes of every double, at the positions that are asked for."""
    place = from_pam(network, np.array([change.position for change in singles], dtype=np.int64))
    for asked in (first, second):
        if asked is not None and asked not in place:
            raise ModelError(
                f"nothing can be substituted at position {asked}",
                where="positions from the PAM",
                why=f"the guide has a base at {place.min()} to {place.max()}",
                fix="give positions of the protospacer, 1 being beside the PAM",
            )
    one, other = np.meshgrid(np.arange(len(singles)), np.arange(len(singles)), indexing="ij")
    kept = place[one] < place[other]
    if first is not None and second is not None and first > second:
        kept = place[one] > place[other]
    kept &= (place[one] == first) if first is not None else True
    kept &= (place[other] == second) if second is not None else True
    return one[kept], other[kept]


def _effects(network: KineticNetwork, before: Codes, after: Codes) -> Array:
    """log10 of the output over that of the pair before, shape (changes,)."""
    with torch.no_grad():
        start = network.log_output(network.log_rates(before[None]))
        rates = network.log_rates(after)
        blocks = [rates[first : first + AT_ONCE] for first in range(0, len(rates), AT_ONCE)]
        ends = [network.log_output(block) for block in blocks]
    found = (torch.cat([*ends, start[:0]]) - start).numpy()
    return np.asarray(found * LOG10)
