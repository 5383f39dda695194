"""Tables of a simulated assay, with the columns that the experiments' declarations name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pajamo.config.assays import (
    BinsSettings,
    ContinuousSettings,
    CutSettings,
    ExperimentSettings,
    PairSettings,
    RateSettings,
)
from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.rates import RATE_UNITS
from pajamo.data.assays.values import Values

if TYPE_CHECKING:
    from pajamo.models.assays.model import AssayModel

FITTED = "fit"


def tables_of(model: AssayModel, assay: Assay) -> dict[str, pd.DataFrame]:
    """For each experiment of an assay the table that its declaration would read."""
    return {
        part.name: _table(model.experiments[part.name], part, assay.alphabet.decode(part.codes))
        for part in assay.experiments
    }


def _table(settings: ExperimentSettings, part: Experiment, sequences: list[str]) -> pd.DataFrame:
    written = _pairs(settings.pairs, sequences) if settings.pairs else {settings.sequence: sequences}
    table = pd.DataFrame(written)
    for name, given in settings.inputs.items():
        if isinstance(given, str) and given != FITTED:
            table[given] = part.inputs[name]
    if settings.split is not None:
        table[settings.split] = [SETS[number] for number in part.set_of]
    for column, value in settings.where.items():
        table[column] = value[0] if isinstance(value, tuple) else value
    measurement = settings.measurement
    if isinstance(measurement, BinsSettings):
        return _with_bins(table, measurement, part)
    if isinstance(measurement, ContinuousSettings):
        named = {"value": measurement.value, "error": measurement.error}
        return table.assign(**{column: part.recorded[key] for key, column in named.items() if column})
    if isinstance(measurement, RateSettings):
        return _with_rates(table, measurement, part)
    if isinstance(measurement, CutSettings):
        return table.assign(**{measurement.label: part.recorded["label"].astype(int)})
    counts = {measurement.rna: part.recorded["rna"], measurement.dna: part.recorded["dna"]}
    return table.assign(**{column: values.astype(int) for column, values in counts.items()})


def _pairs(settings: PairSettings, sequences: list[str]) -> dict[str, list[str]]:
    """Guides and targets, which are known from the PAM outwards, as they are written 5' to 3'."""
    enzyme = enzyme_of(settings.enzyme)
    both = [[enzyme.as_written(part) for part in text.split(":")] for text in sequences]
    return {settings.guide: [guide for guide, _ in both], settings.target: [target for _, target in both]}


def _with_rates(table: pd.DataFrame, settings: RateSettings, part: Experiment) -> pd.DataFrame:
    table = table.assign(**{settings.value: _in_unit(settings, part.recorded["value"])})
    return table.assign(**{settings.error: part.recorded["error"]}) if settings.error else table


def _in_unit(settings: RateSettings, value: Values) -> Values:
    """Rates in the unit of the declaration, from log10 of 1/s."""
    unit = RATE_UNITS[settings.unit]
    log10 = value + np.log10(unit.seconds)
    return np.asarray(10.0**log10 if unit.base is None else log10 / np.log10(unit.base))


def _with_bins(table: pd.DataFrame, settings: BinsSettings, part: Experiment) -> pd.DataFrame:
    counts = pd.DataFrame(part.recorded["counts"].astype(int), columns=settings.columns or settings.bins)
    if settings.library is not None:
        counts.insert(0, settings.library, part.recorded["library"].astype(int))
    if settings.bin is None:
        return pd.concat([table, counts], axis=1)
    # One row a sequence and bin, as the declaration reads it; without a column of counts, one row a read.
    reads = counts.to_numpy()
    rows, bins = np.nonzero(reads)
    found = reads[rows, bins]
    repeats = np.ones_like(found) if settings.count else found
    long = table.iloc[np.repeat(rows, repeats)].reset_index(drop=True)
    long[settings.bin] = counts.columns.to_numpy()[np.repeat(bins, repeats)]
    return long.assign(**{settings.count: found}) if settings.count else long
