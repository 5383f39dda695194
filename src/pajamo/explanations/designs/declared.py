"""A model with energies that are given, not fitted: to plan an experiment before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from pajamo.config.assays import MechanismSettings
from pajamo.config.assays.measurement import MeasurementSettings
from pajamo.config.assays.study import ExperimentSettings
from pajamo.data.assays.alphabet import Alphabet, Codes, alphabet_of
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.errors import DataError, ModelError, nearest, shorten
from pajamo.explanations.designs.instruments import lay_instrument, typical_readings
from pajamo.explanations.designs.mutagenesis import Mutagenesis, variants_of
from pajamo.explanations.designs.recording import conditions_of
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel

TYPICAL = Mutagenesis(variants=800, rate=0.15, repeats=True)
"""The library over which instruments are laid."""
SPREAD = 1.0
"""Standard deviation, in kT, of what a letter adds where no matrix is given."""


def declared_model(
    mechanism: MechanismSettings,
    experiments: Mapping[str, MeasurementSettings | ExperimentSettings],
    wild_type: str,
    energies: Mapping[str, float],
    *,
    matrices: Mapping[str, ArrayLike] | None = None,
    alphabet: str = "dna",
    noise: float = 0.3,
    library: Mutagenesis = TYPICAL,
    seed: int = 0,
) -> AssayModel:
    """A model whose energies are known, or supposed.

    Parameters
    ----------
    mechanism: the declaration.
    experiments: what each experiment is to record.
    wild_type: the unmutated sequence.
    energies: for each interaction and other constant its value, and for each site the binding energy of the wild
        type, in kcal/mol (ln of rates as they are).
    matrices: for each site what letters add, in kcal/mol, shape (length, letters); only differences between letters
        count. A site without one has that of its declaration, else a random one with a spread of 1 kT.
    alphabet: name of an alphabet, or its letters.
    noise: of the instrument, in units of the spread that the activity (on the measurement's scale) has in `library`.
    library: over which instruments are laid.
    seed: of random matrices and of the library.

    Raises
    ------
    ModelError: an energy is missing or not known, or a matrix is of another shape.
    DataError: an experiment needs a concentration that is given from a column.
    """
    letters = alphabet_of(alphabet)
    codes = letters.encode([wild_type], where="wild_type")[0]
    settings = {
        name: given
        if isinstance(given, ExperimentSettings)
        else ExperimentSettings(path=Path(name), measurement=given)
        for name, given in experiments.items()
    }
    model = AssayModel("declared", mechanism, settings, seed=seed)
    assembly = model.build(Frame(letters, wild_type, len(codes), False).empty(settings))
    _set_matrices(assembly, matrices or {}, np.random.default_rng(seed))
    _set_energies(assembly, energies, codes)
    _lay(model, codes, letters, library, noise, seed)
    return model


@torch.no_grad()
def _set_matrices(assembly: Assembly, matrices: Mapping[str, ArrayLike], rng: np.random.Generator) -> None:
    readers = dict(assembly.readers())
    for name in matrices:
        if name not in readers:
            raise ModelError(
                f"no site is called {name!r}", fix=f"{nearest(name, readers)}sites: {shorten(readers)}"
            )
    for name, reader in readers.items():
        if not isinstance(reader, AdditiveEncoder):
            raise ModelError(f"{name} is not additive", why="its energies cannot be given as a matrix")
        drawn = rng.normal(0.0, SPREAD, (reader.length, len(reader.letters)))
        if name in matrices:
            given = np.asarray(matrices[name], dtype=np.float64) / assembly.blueprint.kT
            if given.shape != drawn.shape:
                raise ModelError(
                    f"the matrix of {name} has shape {given.shape}", fix=f"give shape {drawn.shape}"
                )
            reader.weights[1:] = torch.as_tensor(given.reshape(-1))
        elif assembly.blueprint.readers[name].matrix is None:
            reader.weights[1:] = torch.as_tensor(drawn.reshape(-1))


@torch.no_grad()
def _set_energies(assembly: Assembly, energies: Mapping[str, float], wild_type: Codes) -> None:
    terms = {term.name: term for term in assembly.blueprint.terms}
    missing = [name for name, term in terms.items() if name not in energies and not term.fixed]
    other = [name for name in energies if name not in terms]
    if missing or other:
        what = f"there is no energy {other[0]!r}" if other else f"the energy of {missing[0]!r} is not given"
        raise ModelError(what, where="energies", fix=f"give each of: {shorten(terms, 20)}")
    for name, value in energies.items():
        term = terms[name]
        scaled = value / assembly.blueprint.kT if term.unit == "kT" else value
        if term.encoder is None:
            assembly.constants[assembly.constant_terms.index(assembly.blueprint.term(name))] = scaled
            continue
        reader = assembly.encoder(term)
        own = reader(assembly.window(term, torch.as_tensor(wild_type[None])))[0]
        assert isinstance(reader, AdditiveEncoder)
        reader.weights[0] += scaled - own


def _lay(
    model: AssayModel, wild_type: Codes, letters: Alphabet, library: Mutagenesis, noise: float, seed: int
) -> None:
    """Give every instrument the curve and the noise that it would have over a library."""
    if noise <= 0:
        raise DataError("an instrument without noise cannot be described", fix="give `noise` above 0")
    assembly = model.assembly
    codes = torch.as_tensor(variants_of(wild_type, len(letters.letters), library, seed))
    rng = np.random.default_rng(seed)
    for name, settings in model.experiments.items():
        inputs = conditions_of(model, name, len(codes), {})
        with torch.no_grad():
            activity = assembly.recorded(assembly.activity(codes, name, inputs), name)
            activity = assembly.settle(activity, name)
        recorded = typical_readings(settings.measurement, activity, noise, rng)
        lay_instrument(assembly.measurement(name), activity, recorded)
