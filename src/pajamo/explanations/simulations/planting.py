"""A kinetic scheme with known rates and what an instrument records of it: a truth that a fit can be held against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.config.assays import ExperimentSettings, KineticSettings, RateSettings
from pajamo.config.assays.study import EnzymeSettings, PairSettings
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import BETWEEN, PairAlphabet
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.data.assays.rates import RATE_UNITS
from pajamo.data.assays.recording import record
from pajamo.data.assays.tables import Table
from pajamo.encoders.sequence.encoder import LinearEncoder, SequenceEncoder
from pajamo.errors import ModelError, nearest, shorten
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel

Array = NDArray[np.float64]
EXPERIMENT = "simulated"
LEVEL, EFFECT = 1.0, 1.0
"""Spread, in ln of a rate, of constants and of the weights of differences that are drawn."""
LN_K = "ln k "
FREEDOM = 4
"""Degrees of freedom of Student's noise, as in its measurement."""


@dataclass(frozen=True)
class Planted:
    """A simulated table and everything that is true of it.

    Attributes
    ----------
    table: guide, target and reading of each pair, as a study reads them.
    settings: the scheme.
    model: with the planted values of all parameters.
    log_rates: ln of each transition's rate in 1/s, shape (pairs, transitions).
    log_output: ln of what was recorded, without noise and limits, shape (pairs,).
    matched: ln of each transition's rate at the matched target, by its name, "open -> intermediate".
    """

    table: pd.DataFrame
    settings: KineticSettings
    model: AssayModel
    log_rates: Array
    log_output: Array
    matched: Mapping[str, float]


def simulate_pairs(
    settings: KineticSettings,
    library: pd.DataFrame,
    rng: np.random.Generator,
    *,
    weights: Mapping[str, float | Sequence[float]] | None = None,
    measurement: RateSettings | None = None,
    noise: float = 0.1,
    output: str | None = None,
    inputs: Mapping[str, float] | None = None,
    enzyme: str | EnzymeSettings = "Cas9",
) -> Planted:
    """Rates of every pair of a library under a scheme, as an instrument would record them.

    Parameters
    ----------
    settings: the scheme.
    library: columns `guide` and `target`, 5' to 3' with the PAM, as of `random_pairs`.
    rng: of parameters and noise.
    weights: by the transition ("open->intermediate", or the name under which transitions share a rate) the constant
        of ln k and the weight of each feature that it reads, or the constant alone. What is not named is drawn from
        normal distributions.
    measurement: column, unit and limits of detection of the rate.
    noise: standard deviation (or scale, of Student's) of log10 of the rate.
    output: which of several outputs is recorded.
    inputs: concentrations by name.
    enzyme: on which side the PAM lies.

    Raises
    ------
    DataError, StudyError: pairs or a scheme that cannot be.
    ModelError: weights of a reading that there is not, or not as many as it has features.
    """
    recorded = measurement or RateSettings()
    experiment = ExperimentSettings(
        dataset=EXPERIMENT,
        pairs=PairSettings(enzyme=enzyme),
        measurement=recorded,
        output=output,
        inputs=dict(inputs or {}),
    )
    assay = _assay(library, inputs or {}, enzyme)
    model = AssayModel("planted", settings, {EXPERIMENT: experiment})
    plant(model.build(assay), weights or {}, rng)
    network = KineticNetwork.of(model)
    log_rates = network.log_rates(assay.experiments[0].codes)
    log_output = network.log_output(log_rates).detach().numpy()
    matched = network.log_rates(network.matched())[0].tolist()
    reading = _reading(log_output / math.log(10), recorded, noise, rng)
    table = library.assign(**{recorded.value: reading})
    if recorded.error:
        table = table.assign(**{recorded.error: noise})
    named = dict(zip(network.transitions, matched, strict=True))
    return Planted(table, settings, model, log_rates.numpy(), log_output, named)


def assay_of(planted: Planted) -> Assay:
    """The simulated table as a study would read it, all of it for training.

    Raises
    ------
    DataError: every rate is beyond a limit of detection.
    """
    settings = planted.model.experiments[EXPERIMENT]
    assert settings.pairs is not None
    given = {name: float(value) for name, value in settings.inputs.items()}
    empty = _assay(planted.table, given, settings.pairs.enzyme)
    _, recorded = record(Table(planted.table, EXPERIMENT), settings.measurement, [])
    return replace(empty, experiments=(replace(empty.experiments[0], recorded=recorded),))


def plant(
    assembly: Assembly, weights: Mapping[str, float | Sequence[float]], rng: np.random.Generator
) -> None:
    """Set every parameter of an assembly to what is given, or to what is drawn; see `simulate_pairs`."""
    readers = {_short(name): reader for name, reader in assembly.readers()}
    terms = [_short(assembly.blueprint.terms[place].name) for place in assembly.constant_terms]
    unknown = [name for name in weights if name not in readers and name not in terms]
    if unknown:
        raise ModelError(
            f"the scheme has no reading or constant {unknown[0]!r}",
            where="weights",
            fix=f"{nearest(unknown[0], [*readers, *terms])}it has: {shorten([*readers, *terms])}",
        )
    with torch.no_grad():
        for name, reader in readers.items():
            _plant_reader(reader, name, weights.get(name), rng)
        drawn = rng.normal(0.0, LEVEL, len(terms))
        values = [weights.get(name, own) for name, own in zip(terms, drawn, strict=True)]
        assembly.constants.copy_(torch.as_tensor(np.asarray(values, dtype=np.float64)))


def _short(name: str) -> str:
    """A rate by its transition, as the declaration names it."""
    return name.removeprefix(LN_K)


def _plant_reader(
    reader: SequenceEncoder, name: str, given: float | Sequence[float] | None, rng: np.random.Generator
) -> None:
    if not isinstance(reader, LinearEncoder):
        reader.randomise(torch.Generator().manual_seed(int(rng.integers(2**31))))
        return
    drawn = np.append(rng.normal(0.0, LEVEL), rng.normal(0.0, EFFECT, reader.features - 1))
    own = np.atleast_1d(drawn if given is None else np.asarray(given, dtype=np.float64))
    if len(own) == 1:
        own = np.append(own, drawn[1:])
    if len(own) != reader.features:
        raise ModelError(
            f"reading {name!r} has {reader.features} weights, {len(own)} are given",
            where="weights",
            fix="give the constant and one for each of its features, or the constant alone",
        )
    reader.weights.copy_(torch.as_tensor(own))


def _assay(library: pd.DataFrame, inputs: Mapping[str, float], enzyme: str | EnzymeSettings) -> Assay:
    """The library as an assay of which nothing was recorded yet."""
    pairs = read_pairs(library["guide"].tolist(), library["target"].tolist(), enzyme_of(enzyme))
    alphabet = PairAlphabet(pam=len(pairs.enzyme.pam))
    codes = alphabet.encode_pairs(pairs.guides, pairs.targets, "library")
    guide = pairs.different[0]
    matched = alphabet.encode([f"{guide}{BETWEEN}{guide}"])[0]
    matched = np.pad(matched, (0, codes.shape[1] - len(matched)), constant_values=alphabet.missing)
    nothing = {"value": np.zeros(len(codes)), "censored": np.zeros(len(codes))}
    given = {name: np.full(len(codes), value) for name, value in inputs.items()}
    experiment = Experiment(EXPERIMENT, codes, nothing, np.zeros(len(codes), dtype=np.int8), given)
    return Assay(alphabet, matched, (experiment,))


def _reading(log10: Array, settings: RateSettings, noise: float, rng: np.random.Generator) -> Array:
    """Rates with noise in the unit of the table; those beyond a limit of detection are written as the limit."""
    spread = (
        rng.normal(size=len(log10)) if settings.noise == "gaussian" else rng.standard_t(FREEDOM, len(log10))
    )
    unit = RATE_UNITS[settings.unit]
    seen = log10 + noise * spread + math.log10(unit.seconds)
    written = 10.0**seen if unit.base is None else seen * (math.log(10) / math.log(unit.base))
    return np.asarray(np.clip(written, settings.lower, settings.upper))
