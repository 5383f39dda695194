"""Every table that a run keeps of a kinetic network: rates, landscape, control, mutagenesis, identifiability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.pairing import ABSENT, GUIDE, NONE, TARGET, pairing, parts
from pajamo.explanations.assays.information import Information
from pajamo.explanations.pairs.changes import Change, changed, from_pam, single_changes
from pajamo.explanations.pairs.control import control_summary
from pajamo.explanations.pairs.driving import driving
from pajamo.explanations.pairs.identifiability import identifiability
from pajamo.explanations.pairs.landscape import Member, landscape_of
from pajamo.explanations.pairs.mirrors import training_codes
from pajamo.explanations.pairs.mutagenesis import mutagenesis_of
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.rates import matched_rates, mean_inputs
from pajamo.explanations.pairs.spread import information_of
from pajamo.models.assays.model import AssayModel

MOST_GUIDES = 3
"""Guides of which every single change is tabled: those with most training pairs."""
MOST_PAIRS = 2000
"""Training pairs over which control coefficients are averaged."""


def pair_tables(
    model: AssayModel,
    assay: Assay,
    information: Information | None = None,
    *,
    members: Sequence[AssayModel] = (),
    level: float = 0.9,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """The tables of a fitted kinetic network of guide-target pairs, by the name of their file.

    Parameters
    ----------
    model: fitted, at its optimum.
    assay: that it was fitted to.
    information: of the model, where it is at hand.
    members: further fits of the same scheme, over which the landscape's band spreads as well.
    level: coverage of intervals.
    seed: of draws and of random parameters.

    Returns
    -------
    `rates` (see `matched_rates`), `landscape` (of the matched target and of one mismatch beside the PAM, in the
    middle and at the far end; column `name`), `control` (see `control_summary`), `mutagenesis` (column `guide`),
    `identifiability`, and, where intervals can be had, `driving`.
    """
    found = information_of(model, assay) if information is None else information
    network = KineticNetwork.of(model, None, mean_inputs(assay, model, None))
    codes = training_codes(network, assay)
    guides = matched_targets(network, codes)[:MOST_GUIDES]
    others = [Member(KineticNetwork.of(each, network.experiment, network.inputs)) for each in members]
    tables = {
        "rates": matched_rates(model, assay, found, level=level),
        "landscape": _landscape([Member(network, found), *others], guides[0], level, seed),
        "control": control_summary(network, _some(codes, seed)),
        "mutagenesis": pd.concat([_mutagenesis(network, own, codes) for own in guides], ignore_index=True),
        "identifiability": identifiability(model, assay, found, seed=seed),
    }
    if found is not None:
        tables["driving"] = driving(model, assay, found, level=level, seed=seed)[0]
    return tables


def matched_targets(network: KineticNetwork, codes: Codes) -> Codes:
    """Codes of the matched target of every guide among pairs, those with most pairs first; (guides, length)."""
    missing = network.alphabet.missing
    own, _, _ = parts(np.where(codes == missing, 0, codes).astype(np.uint8))
    none = np.full_like(own, NONE)
    matched = np.where(codes == missing, missing, pairing(own, _opposite(own), none)).astype(np.uint8)
    guides, counts = np.unique(matched, axis=0, return_counts=True)
    return np.asarray(guides[np.argsort(-counts, kind="stable")])


def guide_text(network: KineticNetwork, codes: Codes) -> str:
    """A guide as written, 5' to 3' with its PAM, from the codes of a pair, shape (length,)."""
    own, _, _ = parts(codes[codes != network.alphabet.missing])
    return network.enzyme.as_written("".join(GUIDE[base] for base in own))


def _opposite(guide: Codes) -> Codes:
    """Places in TARGET of the bases that match places in GUIDE."""
    return np.array([TARGET.index(base) for base in GUIDE], dtype=np.uint8)[guide]


def _some(codes: Codes, seed: int) -> Codes:
    if len(codes) <= MOST_PAIRS:
        return codes
    return codes[np.sort(np.random.default_rng(seed).permutation(len(codes))[:MOST_PAIRS])]


def _landscape(members: list[Member], guide: Codes, level: float, seed: int) -> pd.DataFrame:
    """Of the matched target and three mismatches."""
    network = members[0].network
    chosen = _examples(network, guide)
    codes = np.concatenate([guide[None], changed(guide, chosen)]) if chosen else guide[None]
    places = from_pam(network, np.array([change.position for change in chosen], dtype=np.int64))
    names = ["matched", *(f"{c.name} at {place}" for c, place in zip(chosen, places, strict=True))]
    table = landscape_of(members, codes, level=level, seed=seed)
    table.insert(1, "name", np.array(names, dtype=object)[table["pair"]])
    return table


def _examples(network: KineticNetwork, guide: Codes) -> list[Change]:
    """A substitution beside the PAM, in the middle of the protospacer, and at its far end."""
    listed = [c for c in single_changes(guide, network.alphabet.missing) if c.position >= network.pam]
    by_place = {change.position: change for change in reversed(listed)}
    places = sorted(by_place)
    chosen = dict.fromkeys(places[i] for i in (0, len(places) // 2, -1)) if places else {}
    return [by_place[place] for place in chosen]


def _mutagenesis(network: KineticNetwork, guide: Codes, codes: Codes) -> pd.DataFrame:
    """Of one guide; bulges too where training pairs have some."""
    _, target, inserted = parts(codes[codes != network.alphabet.missing])
    table = mutagenesis_of(
        network, guide, deletions=bool((target == ABSENT).any()), insertions=bool((inserted != NONE).any())
    )
    table.insert(0, "guide", guide_text(network, guide))
    return table
