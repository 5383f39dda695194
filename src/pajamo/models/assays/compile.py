"""From a declaration to a blueprint."""

from __future__ import annotations

from pajamo.config.assays import (
    KineticSettings,
    LatentSettings,
    MechanismSettings,
    RLoopSettings,
    ThermodynamicSettings,
)
from pajamo.data.assays.assay import Assay
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compiling.latent import compile_latent
from pajamo.models.assays.compiling.naming import refuse_repeated, within
from pajamo.models.assays.compiling.r_loop import compile_r_loop
from pajamo.models.assays.compiling.scheme import compile_scheme
from pajamo.models.assays.compiling.states import compile_states
from pajamo.models.assays.compiling.supplying import Fitted, fitted_inputs, refuse_unused_inputs

__all__ = ["compile_mechanism", "fitted_inputs", "refuse_unused_inputs"]


def compile_mechanism(
    settings: MechanismSettings, assay: Assay, fitted: Fitted = (), where: str = "mechanism"
) -> Blueprint:
    """Work out the terms of a declared mechanism and where each enters.

    Parameters
    ----------
    settings: the declaration.
    assay: gives the length of the sequences, the alphabet and the inputs.
    fitted: inputs whose concentration is to be estimated, each with the experiment in which it is.
    where: how errors name the declaration, as "mechanisms.lac".

    Raises
    ------
    StudyError: the declaration contradicts itself or the sequences.
    DataError: sequences of different length at a fixed place, or concentrations that cannot be.
    """
    with within(where):
        blueprint = _compiled(settings, assay, fitted)
        refuse_repeated(
            (term.name for term in blueprint.terms), "", "each energy and rate is known by its name"
        )
        return blueprint


def _compiled(settings: MechanismSettings, assay: Assay, fitted: Fitted) -> Blueprint:
    if isinstance(settings, ThermodynamicSettings):
        return compile_states(settings, assay, fitted)
    if isinstance(settings, RLoopSettings):
        return compile_r_loop(settings, assay, fitted)
    if isinstance(settings, KineticSettings):
        return compile_scheme(settings, assay, fitted)
    assert isinstance(settings, LatentSettings)
    return compile_latent(settings, assay)
