"""What a kinetic network can and does learn from its pairs, in plain words, before and after a fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.data.assays.assay import Assay
from pajamo.errors import shorten
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.information import Information
from pajamo.explanations.pairs.mirrors import (
    MIRRORED,
    Mirror,
    at_equilibrium,
    mirrored,
    same_window,
    training_codes,
)
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.rates import ALONE, KNOWN, matched_rates, mean_inputs
from pajamo.explanations.pairs.spread import information_of, rate_directions
from pajamo.explanations.pairs.structure import Structure, structure
from pajamo.models.assays.model import AssayModel

BEFORE, AFTER = "before a fit", "after the fit"
COLUMNS = ("stage", "finding", "of", "value", "unit", "words")
Row = tuple[str, str, str, float, str, str]


def identifiability(
    model: AssayModel, assay: Assay, information: Information | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Which rates the pairs of an assay determine, which only as ratios, and which weights were never seen.

    Before a fit: the rank of the Jacobian of the outputs at random parameters (see `structure`), rates that it leaves
    open, and transitions that read the same positions as the transition that undoes them. After the fit: ln rates
    that are mirror images of each other over the training pairs, where a mismatch that slows one step seems to speed
    its reverse, steps in equilibrium, and rates that priors hold.

    Parameters
    ----------
    model: fitted.
    assay: that it was fitted to.
    information: of the model, where it is at hand.
    seed: of the random parameters.

    Returns
    -------
    One row a finding: `stage` ("before a fit", "after the fit"), `finding`, `of`, `value`, `unit`, `words`.
    """
    found = information_of(model, assay) if information is None else information
    network = KineticNetwork.of(model, None, mean_inputs(assay, model, None))
    before = [] if found is None else [before_fit(model, assay, seed=seed)]
    after = pd.DataFrame(_after(network, assay, found), columns=list(COLUMNS))
    return pd.concat([*before, after], ignore_index=True)


def before_fit(model: AssayModel, assay: Assay, *, seed: int = 0) -> pd.DataFrame:
    """What the scheme can learn from these pairs at all; see `identifiability`.

    Parameters
    ----------
    model: declared; fitted or not.
    assay: that it is to be fitted to.
    seed: of the random parameters.

    Raises
    ------
    ModelError: a reader is no linear map, or there are no training pairs.
    """
    built = AssayModel(model.name, model.mechanism, model.experiments, seed=model.seed)
    built.build(assay.part("training"))
    network = KineticNetwork.of(built, None, mean_inputs(assay, model, None))
    found = structure(built, assay, seed=seed)
    rows = [_rank(found), *_unseen(found), *_open_rates(network, found), *_windows(network)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _unseen(found: Structure) -> list[Row]:
    rows = []
    for reader, names in found.unseen.items():
        if names:
            words = f"no training pair switches them on, and priors alone set them: {shorten(names)}"
            count = f"of {found.weights[reader]} weights"
            rows.append((BEFORE, "unseen weights", reader, float(len(names)), count, words))
    return rows


def _windows(network: KineticNetwork) -> list[Row]:
    words = "both directions read the same positions: where this step is fast, only the ratio of both is seen"
    return [
        (BEFORE, "same window", _ratio(network, one, other), float("nan"), "", words)
        for one, other in same_window(network)
    ]


def _ratio(network: KineticNetwork, one: int, other: int) -> str:
    return f"{network.transitions[one]} / {network.transitions[other]}"


def _rank(found: Structure) -> Row:
    unseen = sum(map(len, found.unseen.values()))
    rest = found.size - found.rank - unseen
    words = f"the outputs of the training pairs tell {found.rank} of {found.size} directions apart"
    words += f"; {unseen} weights are never switched on" if unseen else ""
    words += f"; {rest} more joint changes alter no output" if rest > 0 else ""
    return BEFORE, "rank", "weights and constants", float(found.rank), f"of {found.size}", words


def _open_rates(network: KineticNetwork, found: Structure) -> list[Row]:
    """Rates at the matched target that outputs leave open, and what they can be traded against."""
    directions = rate_directions(network, found, network.matched())[0]
    names, left = network.transitions, [found.open(direction) for direction in directions]
    rows = []
    for place, own in enumerate(left):
        if not own.any():
            continue
        against = [names[i] for i, other in enumerate(left) if i != place and _parallel(own, other)]
        words = "no output says what it is at the matched target"
        words += f": it can be traded against {shorten(against)} without any change" if against else ""
        rows.append((BEFORE, "undetermined rate", names[place], float("nan"), "", words))
    return rows


def _parallel(one: Array, other: Array) -> bool:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return size > 0 and abs(float(one @ other)) > MIRRORED * size


def _after(network: KineticNetwork, assay: Assay, found: Information | None) -> list[Row]:
    log_rates = network.log_rates(training_codes(network, assay)).numpy()
    mirrors = [_mirror(network, each) for each in mirrored(network, log_rates)]
    mirrors += [_fast(network, each) for each in at_equilibrium(network, log_rates)]
    if found is None:
        return mirrors
    whole = "weights and constants"
    if not found.positive:
        words = "the posterior rises along some direction: what the data determine cannot be said, fit on"
        return [(AFTER, "no optimum", whole, float("nan"), "", words), *mirrors]
    words = f"the data determine {found.effective:.1f} of {found.size} parameters; priors hold the rest"
    effective = (AFTER, "effective parameters", whole, found.effective, f"of {found.size}", words)
    return [effective, *mirrors, *_held(network.model, assay, found)]


def _mirror(network: KineticNetwork, found: Mirror) -> Row:
    if found.value < 0:
        finding = "mirrored rates"
        words = (
            "what slows one speeds the other by the same measure in every training pair: only the ratio of the two "
            "rates is measured, and neither can be read alone"
        )
    else:
        finding = "rates that go together"
        words = (
            "what changes one changes the other alike in every training pair: which of the two steps a mismatch hits "
            "cannot be told"
        )
    return AFTER, finding, _ratio(network, found.first, found.second), found.value, "correlation", words


def _fast(network: KineticNetwork, found: Mirror) -> Row:
    words = (
        "this step is in equilibrium: raising both of its rates hardly changes the output, only their ratio does, "
        "and neither can be read alone"
    )
    return AFTER, "fast step", _ratio(network, found.first, found.second), found.value, "%/% together", words


def _held(model: AssayModel, assay: Assay, found: Information) -> list[Row]:
    """Matched rates that are not determined by the data alone."""
    table = matched_rates(model, assay, found)
    weak = table[(table["quantity"] == "rate") & ~table["verdict"].isin([ALONE, KNOWN])]
    return [
        (AFTER, "rate held by priors", of, held, "share of precision", verdict)
        for of, held, verdict in zip(weak["of"], weak["held"], weak["verdict"], strict=True)
    ]
