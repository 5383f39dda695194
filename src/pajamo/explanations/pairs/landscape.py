"""Free-energy landscapes of guide-target pairs along the way to the product (R-loop profiles), with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.data.assays.alphabet import Codes
from pajamo.errors import ModelError
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.information import Information
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.route import Route, route_of
from pajamo.explanations.pairs.spread import drawn_log_rates
from pajamo.models.assays.model import AssayModel

DRAWS = 200
"""Of the parameters of each member, from its Laplace posterior."""


@dataclass(frozen=True)
class Member:
    """One fit of an ensemble, and how far its data leave it open (None where that cannot be had)."""

    network: KineticNetwork
    information: Information | None = None


def landscape(
    models: AssayModel | Sequence[AssayModel],
    guides: Sequence[str],
    targets: Sequence[str],
    *,
    information: Sequence[Information | None] = (),
    experiment: str | None = None,
    inputs: Mapping[str, float] | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> pd.DataFrame:
    """Free energy of each state, and of the barriers between them, for each guide-target pair.

    A target's R-loop opens from the PAM outwards: mismatches raise the states behind them and the barriers on the
    way. A state's free energy is minus the sum of ln(k_onward / k_back) of the steps before it, in kT relative to
    the first state; a barrier stands ln(1 s^-1 / k) above the state that it leaves (Klein et al. 2018, Cell Reports
    22:1413; Eslami-Mossallam et al. 2022, Nat. Commun. 13:1367). For a chain whose last step nothing undoes, these
    say everything: the mean time to the product is the sum of exp(barrier - state) over every barrier and every
    state before it, in seconds.

    Parameters
    ----------
    models: fits of one scheme; the values are their means.
    guides, targets: pairs, written 5' to 3' with their PAM.
    information: of each model, from which draws are taken; without it a model counts with its optimum alone.
    experiment, inputs: whose way and which concentrations are meant; see `KineticNetwork.of`.
    level: coverage of the bands: equal tails of all draws of all models.
    seed: of the draws.

    Returns
    -------
    One row a pair and point: `pair` (its number), `guide`, `target`, `place` (along the way), `kind` ("state" or
    "barrier"), `of`, `energy`, `low`, `high`, `between` (standard deviation over models), `unit`.

    Raises
    ------
    ModelError: no models, or models of different schemes.
    DataError: pairs that cannot be read.
    """
    listed = [models] if isinstance(models, AssayModel) else list(models)
    given = [*information, *[None] * (len(listed) - len(information))]
    members = [
        Member(KineticNetwork.of(model, experiment, inputs), own)
        for model, own in zip(listed, given, strict=True)
    ]
    _require_alike(members)
    codes = members[0].network.encode(guides, targets)
    table = landscape_of(members, codes, level=level, seed=seed)
    table.insert(1, "guide", np.asarray(guides, dtype=object)[table["pair"]])
    table.insert(2, "target", np.asarray(targets, dtype=object)[table["pair"]])
    return table


def landscape_of(
    members: Sequence[Member], codes: Codes, *, level: float = 0.9, seed: int = 0
) -> pd.DataFrame:
    """As `landscape`, of pairs as codes, shape (pairs, length); without their text."""
    network = members[0].network
    route = route_of(network)
    own = np.stack([route.heights(m.network.log_rates(codes).numpy()) for m in members])
    pooled = np.concatenate([_draws(m, route, codes, seed + place) for place, m in enumerate(members)])
    low, high = np.quantile(pooled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    if len(pooled) == 1:
        low, high = np.full_like(low, np.nan), np.full_like(high, np.nan)
    between = own.std(axis=0, ddof=1) if len(members) > 1 else np.full(own.shape[1:], np.nan)
    return _table(route.points(network.scheme), own.mean(axis=0), low, high, between)


def _draws(member: Member, route: Route, codes: Codes, seed: int) -> Array:
    """Heights of every pair, shape (draws, pairs, points); of the optimum alone where nothing is known beyond."""
    if member.information is None or not member.information.positive:
        return route.heights(member.network.log_rates(codes).numpy())[None]
    return route.heights(drawn_log_rates(member.network, member.information, codes, DRAWS, seed))


def _table(
    points: list[tuple[str, str]], energy: Array, low: Array, high: Array, between: Array
) -> pd.DataFrame:
    pairs, count = energy.shape
    table = pd.DataFrame({"pair": np.repeat(np.arange(pairs), count), "place": np.tile(range(count), pairs)})
    table["kind"] = [kind for kind, _ in points] * pairs
    table["of"] = [name for _, name in points] * pairs
    for name, values in (("energy", energy), ("low", low), ("high", high), ("between", between)):
        table[name] = values.ravel()
    return table.assign(unit="kT")


def _require_alike(members: Sequence[Member]) -> None:
    if not members:
        raise ModelError("a landscape needs a model", fix="give at least one fitted model")
    first = members[0].network
    for member in members[1:]:
        if member.network.scheme != first.scheme or route_of(member.network) != route_of(first):
            raise ModelError(
                f"{member.network.model.name} and {first.model.name} have different schemes",
                why="free energies of different states cannot be averaged",
                fix="make a landscape of each",
            )
