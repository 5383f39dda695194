"""A new network for a declared mechanism, which as yet changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pajamo.config.assays import ExperimentSettings, MechanismSettings, TransferSettings, inputs_of
from pajamo.config.assays.kinetic import CLEAVAGE
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.errors import ModelError, nearest
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.frame import Frame
from pajamo.models.transfer.context import Context
from pajamo.models.transfer.effects import KINDS
from pajamo.models.transfer.layer import KineticLayer
from pajamo.models.transfer.network import TransferNetwork
from pajamo.models.transfer.strength import PairStrength


def new_network(
    mechanism: MechanismSettings,
    settings: TransferSettings,
    frame: Frame,
    experiments: Mapping[str, ExperimentSettings],
) -> TransferNetwork:
    """A network of a mechanism as it is declared, with a context of zeros, in float32.

    Parameters
    ----------
    mechanism: declaration.
    settings: which context.
    frame: alphabet and length of guides.
    experiments: tables of sites, each of which gets an offset.

    Raises
    ------
    ModelError: the mechanism takes inputs, differs between enzymes, or its output is not known.
    StudyError: the mechanism does not fit guides of this length.
    """
    taken = inputs_of(mechanism)
    if taken:
        raise ModelError(
            f"the mechanism takes {', '.join(sorted(taken))} as input",
            where="transfer.mechanism",
            why="tables of sites that were cut in cells do not say it",
            fix="give the concentration as a number, or choose an output that needs no time",
        )
    own = ("costs" in getattr(mechanism, "varies", ())) or getattr(mechanism, "shorter", None)
    if own:
        raise ModelError(
            "the mechanism has differences between enzymes",
            where="transfer.mechanism",
            why="tables of cut sites are of one enzyme, and its own energies are one experiment's in that fit",
            fix='fit the rates of the enzyme of these tables alone, without `shorter` and "costs" in `varies`',
        )
    blueprint = compile_mechanism(mechanism, frame.empty(experiments), [], where="transfer.mechanism")
    output = _output(blueprint, settings.output)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        layer = KineticLayer(blueprint, frame.length, output)
        context = _context(settings, frame.length, len(blueprint.terms))
        strength = _strength(settings, layer, frame)
        return TransferNetwork(layer, context, len(experiments), strength)
    finally:
        torch.set_default_dtype(before)


def _context(settings: TransferSettings, length: int, terms: int) -> Context | None:
    if settings.context == "none":
        return None
    hidden = settings.hidden if settings.context == "network" else ()
    return Context(length * len(KINDS), terms, settings.bound, hidden)


def _strength(settings: TransferSettings, layer: KineticLayer, frame: Frame) -> PairStrength | None:
    if settings.context == "none" or settings.strength_sd == 0:
        return None
    assert isinstance(frame.alphabet, PairAlphabet)
    return PairStrength(layer, frame.alphabet.pam)


def _output(blueprint: Blueprint, asked: str | None) -> int:
    known = blueprint.outputs
    name = asked or (known[0] if len(known) == 1 else CLEAVAGE)
    # A map without a mechanism has one trait, whatever a mechanism's outputs are called.
    if len(known) == 1 and blueprint.settings.kind == "latent":
        return 0
    if name not in known:
        raise ModelError(
            f"the mechanism has no output {name!r}",
            where="transfer.output",
            why="what a cut follows must be known",
            fix=f"{nearest(name, known)}give one of: {', '.join(known)}",
        )
    return known.index(name)
