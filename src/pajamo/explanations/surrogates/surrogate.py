"""A mechanism as a surrogate of any model of sequences.

An assay is carried out on the model in place of cells: a library of variants, the model's prediction of each, and
a fit. How much of the model the mechanism explains, beside maps without a mechanism, says how far the mechanism's
energies are what the model has learnt. Seitz, McCandlish, Kinney and Koo 2024, Nat Mach Intell 6, 701 (SQUID), do so
with additive and pairwise maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pajamo.config.assays import ContinuousSettings, LatentSettings, MechanismSettings
from pajamo.config.assays.study import ExperimentSettings
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.data.assays.splitting import random_sets
from pajamo.errors import DataError
from pajamo.evaluation.information.metrics import predictive_information
from pajamo.explanations.designs.mutagenesis import Mutagenesis, variants_of
from pajamo.explanations.surrogates.oracle import Oracle, Values, ask
from pajamo.models.assays.ladder import rung
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.report import FitReport

EXPERIMENT = "oracle"
"""Name of the experiment that the in-silico assay is."""
FEWEST = 100
"""Variants below which three sets say nothing."""


@dataclass(frozen=True)
class Surrogate:
    """A mechanism fitted to a model of sequences.

    Attributes
    ----------
    model: the fitted mechanism; its experiment is called "oracle".
    report: how its fit went.
    assay: the library, and what the oracle said of it.
    models, reports: the mechanism and the maps without one, by name.
    table: one row a model, from the best on: `model`; `r2` of the test set; `i_pred` and its `i_pred_error`, bits on
        the test set; `parameters`; `converged`; `cpu_seconds`.
    """

    model: AssayModel
    report: FitReport
    assay: Assay
    models: dict[str, AssayModel]
    reports: dict[str, FitReport]
    table: pd.DataFrame


def surrogate(
    oracle: Oracle,
    wild_type: str,
    mechanism: MechanismSettings,
    *,
    alphabet: str = "dna",
    library: Mutagenesis | None = None,
    measurement: ContinuousSettings | None = None,
    baselines: Sequence[str] = ("additive", "pairwise"),
    tolerance: float = 0.01,
    holdout: tuple[float, float] = (0.15, 0.15),
    seed: int = 0,
    starts: int = 4,
    steps: int = 200,
    batch: int = 256,
    cache: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Surrogate:
    """Fit a mechanism to what a model of sequences predicts of a library of variants.

    Parameters
    ----------
    oracle: any function from a list of sequences to one number each; `of_module` makes one of a torch module.
    wild_type: the sequence about which the library is made.
    mechanism: the declaration.
    alphabet: name of an alphabet, or its letters.
    library: how variants differ from the wild type; 2,000 at a mutation rate of 10 % if not given.
    measurement: how the oracle's number depends on the mechanism's activity: linearly if not given. Maps without a
        mechanism get a sigmoid in place of a line, as they have no curve of their own.
    baselines: maps without a mechanism that are fitted beside it.
    tolerance: how finely the oracle is to be explained, in units of the spread of its predictions; an oracle has no
        noise, and a fit must not chase differences that mean nothing.
    holdout: shares of the variants for validation and test.
    seed: of library, split and starts.
    starts, steps: random starts of the mechanism's fit, and most steps or epochs of every fit.
    batch, cache, progress: see `ask`.

    Raises
    ------
    DataError: an answer of the oracle that is no finite number, or one number for every sequence; too few variants.
    StudyError: a mechanism that does not fit the sequence.
    """
    settings = ContinuousSettings(nonlinearity="linear") if measurement is None else measurement
    settings = settings.model_copy(update={"noise": "measured", "error": "error"})
    assay = in_silico_assay(
        oracle, wild_type, alphabet=alphabet, library=library or Mutagenesis(), tolerance=tolerance,
        holdout=holdout, seed=seed, batch=batch, cache=cache, progress=progress,
    )  # fmt: skip
    wanted = {"mechanism": mechanism} | {name: rung(name).mechanism for name in baselines}
    models = {
        name: AssayModel(name, declared, {EXPERIMENT: _experiment(declared, settings)}, seed=seed)
        for name, declared in wanted.items()
    }
    reports = {
        name: fit_assay(
            model, assay, starts=starts if name == "mechanism" else 1, steps=steps, progress=progress
        )
        for name, model in models.items()
    }
    rows = [_judged(name, model, reports[name], assay) for name, model in models.items()]
    table = pd.DataFrame(rows).sort_values("r2", ascending=False, ignore_index=True)
    return Surrogate(models["mechanism"], reports["mechanism"], assay, models, reports, table)


def in_silico_assay(
    oracle: Oracle,
    wild_type: str,
    *,
    alphabet: str,
    library: Mutagenesis,
    tolerance: float,
    holdout: tuple[float, float],
    seed: int,
    batch: int = 256,
    cache: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Assay:
    """The library and what the oracle says of it, as an assay with one experiment; see `surrogate`."""
    letters = alphabet_of(alphabet)
    codes = letters.encode([wild_type], where="wild_type")[0]
    variants = variants_of(codes, len(letters.letters), library, seed)
    if len(variants) < FEWEST:
        raise DataError(
            f"a library of {len(variants)} variants is too small for training, validation and test",
            where="library",
            fix=f"ask for at least {FEWEST} `variants`",
        )
    sequences = letters.decode(variants)
    values = ask(oracle, sequences, batch=batch, cache=cache, progress=progress)
    recorded = {"value": values, "error": np.full(len(values), tolerance * _spread(values))}
    sets = random_sets(sequences, holdout, seed)
    return Assay(letters, codes, (Experiment(EXPERIMENT, variants, recorded, sets),))


def _spread(values: Values) -> float:
    spread = float(values.std())
    if not spread > 1e-12 * max(1.0, float(np.abs(values).max())):
        raise DataError(
            f"the oracle predicts {values[0]:g} for every one of {len(values)} variants",
            where="oracle",
            why="there is nothing to explain",
            fix="check that the oracle reads the mutated positions, or raise the mutation rate",
        )
    return spread


def _experiment(declared: MechanismSettings, settings: ContinuousSettings) -> ExperimentSettings:
    if isinstance(declared, LatentSettings) and settings.nonlinearity == "linear":
        settings = settings.model_copy(update={"nonlinearity": "sigmoid"})
    return ExperimentSettings(path=Path(EXPERIMENT), measurement=settings)


def _judged(name: str, model: AssayModel, report: FitReport, assay: Assay) -> dict[str, object]:
    test = assay.part(SETS[2]).experiments[0]
    value, said = test.recorded["value"], model.predict(test)
    left = value - said["expected"].to_numpy()
    bits = predictive_information(said["coordinate"], value)
    return {
        "model": name,
        "r2": 1.0 - float((left**2).sum() / ((value - value.mean()) ** 2).sum()),
        "i_pred": bits.bits,
        "i_pred_error": bits.standard_error,
        "parameters": sum(p.numel() for p in model.assembly.parameters()),
        "converged": report.converged,
        "cpu_seconds": report.cpu_seconds,
    }
