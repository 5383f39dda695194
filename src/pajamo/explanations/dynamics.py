"""Dynamics explained: rates, network, hubs, rest points, attractors, and where the order of operations matters."""

from __future__ import annotations

import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.explanations.explanation import Explanation, Part
from pajamo.explanations.general import card_part, weights_part, with_intervals
from pajamo.explanations.registry import explains
from pajamo.models.dynamics import Dynamics

MOST_OPERATIONS = 24
"""Perturbations whose commutators are computed: those that move most; pairs grow with their square."""


@explains("dynamics")
def explain_dynamics(model: Dynamics) -> Explanation:
    """Everything that a fitted flow lets its users read."""
    network, hubs = model.network(), model.hubs()
    leading = [str(name) for name in hubs["regulator"][:MOST_OPERATIONS]]
    parts = (
        card_part(model.card),
        _rates(model),
        Part(
            "regulators",
            "How many genes each surely moves (at most 5 % of the signs are expected to be wrong), and how far on "
            "average.",
            hubs,
            "hubs",
        ),
        Part(
            "network",
            "What a full edit of a regulator does to a gene's production, with 95 % intervals, the surest first. "
            "sign +1: the regulator activates the gene. " + _direct(model),
            with_intervals(network),
            "network",
            ("regulator", "gene", "value", "low", "high", "sign", "wrong_sign", "unit"),
        ),
        _rest_points(model),
        _attractors(model),
        Part(
            "order of operations",
            "kappa is 0 where it does not matter which of two perturbations comes first, and 1 where it matters as "
            "much as both together do, each leading by one decay time. kappa_at_rest above 0 would say that history "
            "decides where cells end.",
            model.commutators(leading, medium=_media(model)[0]),
            "commutators",
            ("first", "second", "kappa", "kappa_at_rest", "gene", "difference", "unit"),
        ),
        _delays(model),
        weights_part(model.weights()),
    )
    return Explanation(model.card.name, model.card.title, parts)


def _rates(model: Dynamics) -> Part:
    table = model.weights()
    rates = table[table["quantity"].isin(["decay", "onset", "gain"])].reset_index(drop=True)
    columns = ("quantity", "of", "value", "unit")
    return Part("rates", "Of the flow as a whole; estimated by maximum likelihood.", rates, "rates", columns)


def _direct(model: Dynamics) -> str:
    if model.flow.gain == 0:
        return "No feedback was found, so that effects by way of other regulators are part of these."
    return "Effects by way of transcripts that regulators follow come on top of these."


def _media(model: Dynamics) -> list[str]:
    """Media in which unperturbed cells rest, those of the first contexts first."""
    found = [model.flow.histories.begin(condition) for condition in _settings(model)]
    return list(dict.fromkeys(found))


def _settings(model: Dynamics) -> list[Condition]:
    """The control of every context, at its last time."""
    assert model.reference is not None
    last: dict[str, float] = {}
    for context, time in model.reference.settings:
        last[context] = max(time, last.get(context, time))
    return [Condition((), context, time) for context, time in sorted(last.items())]


def _singles(model: Dynamics) -> list[Condition]:
    """Every single perturbation that was seen, at the last time of its context."""
    assert model.reference is not None
    times = {condition.context: condition.time for condition in _settings(model)}
    seen = {(c.genes, c.context) for c in model.reference.seen if c.order == 1}
    return [Condition(genes, context, times[context]) for genes, context in sorted(seen)]


def _rest_points(model: Dynamics) -> Part:
    found = model.rest_points([*_settings(model), *_singles(model)]).table
    text = (
        "Where cells end under each perturbation. margin is the largest real part of the Jacobian's eigenvalues: "
        "negative where small disturbances die out, within about return_time."
    )
    columns = ("condition", "converged", "margin", "margin_unit", "return_time", "moved", "gene", "change")
    return Part("rest points", text, found, "rest_points", columns)


def _attractors(model: Dynamics) -> Part:
    tables = [
        model.attractors(condition).table.assign(context=condition.context) for condition in _settings(model)
    ]
    text = (
        "States that unperturbed cells can rest in, by the share of starts that end there: unperturbed cells, cells "
        "at rest under each perturbation, and random levels. More than one row a context means that cells may not "
        "come back when a perturbation is taken away."
    )
    return Part("attractors", text, pd.concat(tables, ignore_index=True), "attractors")


def _delays(model: Dynamics) -> Part:
    text = (
        "What one more unit of delay until an edit acts takes from the change that is measured; `relative` is its "
        "share of the change. Zero for cells at rest."
    )
    table = model.delay_sensitivity(_singles(model)).sort_values(
        "rate", ascending=False, kind="stable", ignore_index=True
    )
    return Part("editing delay", text, table, "delays")
