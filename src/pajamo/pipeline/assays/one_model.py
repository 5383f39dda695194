"""One model of an assay at a time: fit it, or ask a fitted one what an experiment would record of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pajamo.config.assays import AssayStudy
from pajamo.data.assays.tables import Table, read_table
from pajamo.errors import DataError, ModelError
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.predicting import predict_sequences
from pajamo.pipeline.assays.fitting import Paced, fit_fresh
from pajamo.pipeline.assays.loading import load_assay
from pajamo.pipeline.assays.planning import find_model, planned
from pajamo.pipeline.once import Progress
from pajamo.pipeline.record import write_table
from pajamo.training.assays.saved import load_assay_model, save_assay_model

FITTED = "fit"


def fit_one_assay_model(
    study: AssayStudy, name: str | None, output: Path | None, progress: Progress = lambda _: None
) -> AssayModel:
    """Fit one model of a study; the first mechanism if no name is given.

    Raises
    ------
    StudyError: there is no such model, or it cannot be built.
    ModelError: it is fitted to each experiment on its own, and there are several.
    """
    loaded = load_assay(study)
    chosen = find_model(planned(loaded.study), name)
    if len(chosen.fits) > 1:
        raise ModelError(
            f"{chosen.name} is fitted to each experiment on its own",
            why="it knows of nothing by which experiments differ",
            fix="give a study with one experiment, or run the whole study",
        )
    pace = Paced(chosen.name, progress)
    model, report, frame = fit_fresh(chosen.fits[0], loaded, pace)
    pace.tell(report.verdict)
    if frame:
        pace.tell(frame)
    if output is not None:
        save_assay_model(model, loaded.assay, output)
    return model


def predict_table(
    model: str | Path | AssayModel,
    what: str | Path | Sequence[str] | pd.DataFrame,
    *,
    experiment: str | None = None,
    sequence: str = "x",
    output: Path | None = None,
) -> pd.DataFrame:
    """What an experiment would record of sequences; concentrations are taken from the table where it has them.

    Parameters
    ----------
    model: fitted, or its file.
    what: sequences, or a table of them (or its file).
    experiment: which of the model's experiments is imitated.
    sequence: the table's column with the sequences.
    output: CSV to write.

    Raises
    ------
    DataError: sequences that the model was not fitted for, or a table without the column.
    ModelError: which experiment, or a concentration, is not said.
    """
    fitted = model if isinstance(model, AssayModel) else load_assay_model(model)
    table = _as_table(what, sequence)
    sequences = [str(value) for value in table.column(sequence)]
    inputs = {
        name: table.frame[name].to_numpy(dtype=float)
        for name in taken_inputs(fitted, experiment)
        if name in table.frame
    }
    made = predict_sequences(fitted, sequences, experiment=experiment, inputs=inputs)
    if output is not None:
        write_table(output, made)
    return made


def _as_table(what: str | Path | Sequence[str] | pd.DataFrame, sequence: str) -> Table:
    if isinstance(what, pd.DataFrame):
        return Table(what, "the table given")
    if isinstance(what, str | Path):
        return Table(read_table(Path(what), text=(sequence,)), str(what))
    if not len(what):
        raise DataError("there are no sequences to predict", fix="give at least one")
    return Table(pd.DataFrame({sequence: list(what)}), "the sequences given")


def taken_inputs(model: AssayModel, experiment: str | None) -> list[str]:
    """Concentrations that the model takes and does not estimate."""
    name = experiment or next(iter(model.experiments))
    declared = model.experiments[name].inputs if name in model.experiments else {}
    return [key for key in model.assembly.blueprint.inputs if declared.get(key) != FITTED]
