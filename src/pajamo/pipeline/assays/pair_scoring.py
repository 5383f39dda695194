"""Scoring guide-target pairs with a model or a run: predictions, how sure they are, and the step that is hit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from pajamo.config.assays.study import parse_assay_study
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.tables import Table, read_table
from pajamo.errors import DataError, PajamoError, warn
from pajamo.explanations.assays.information import Information
from pajamo.explanations.pairs.scoring import score_pairs
from pajamo.explanations.pairs.spread import information_of
from pajamo.explanations.pairs.unseen import NEW_GUIDES
from pajamo.explanations.pairs.widening import Widening
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.pair_predicting import predict_pairs
from pajamo.pipeline.assays.loading import load_assay
from pajamo.pipeline.assays.one_model import taken_inputs
from pajamo.pipeline.assays.run_record import AssayRun
from pajamo.pipeline.record import write_table
from pajamo.training.assays.saved import load_assay_model

Pairs = str | Path | pd.DataFrame
MANY = 50_000
"""Pairs beyond which the step that is hit is told only on request: attribution takes half a millisecond a pair."""


def predict_pair_table(
    model: str | Path | AssayModel,
    pairs: Pairs,
    *,
    experiment: str | None = None,
    guide: str = "guide",
    target: str = "target",
    output: Path | None = None,
) -> pd.DataFrame:
    """What an experiment would record of the pairs of a table; see `predict_pairs`.

    Parameters
    ----------
    model: fitted to guide-target pairs, or its file.
    pairs: a table of guides and targets, or its file; concentrations are read from columns of their names.
    experiment: which of the model's experiments is imitated.
    guide, target: the table's columns.
    output: CSV to write.

    Raises
    ------
    DataError: a table without the columns, or pairs that cannot be read.
    ModelError: the model was not fitted to pairs, or which experiment or a concentration is not said.
    """
    fitted = model if isinstance(model, AssayModel) else load_assay_model(model)
    table, guides, targets = _read(pairs, guide, target)
    inputs = _inputs(fitted, experiment, table)
    made = predict_pairs(fitted, guides, targets, experiment=experiment, inputs=inputs)
    if output is not None:
        write_table(output, made)
    return made


def score_pair_table(
    target: str | Path | AssayModel | AssayRun,
    pairs: Pairs,
    *,
    model: str | None = None,
    experiment: str | None = None,
    guide: str = "guide",
    targets: str = "target",
    steps: bool | None = None,
    output: Path | None = None,
) -> pd.DataFrame:
    """Predictions of the pairs of a table with intervals, and the kinetic step that differences hit.

    Parameters
    ----------
    target: a run (or its folder), a model, or its file. Intervals need the data, which a run names.
    pairs: a table of guides and targets, or its file.
    model: of a run: which of its models; that of the verdict if not given.
    experiment: which of the model's experiments is imitated.
    guide, targets: the table's columns.
    steps: whether to tell the step that is hit; for up to MANY pairs if not given.
    output: CSV to write.

    Returns
    -------
    See `score_pairs`.

    Raises
    ------
    DataError: a table without the columns, or pairs that cannot be read.
    ModelError: the model was not fitted to pairs, or which experiment is not said; the run has no such model.
    IntegrityError: the run or the file is damaged.
    """
    table, guides, met = _read(pairs, guide, targets)
    fitted, found, widening = _fitted(target, model, experiment)
    told = len(table.frame) <= MANY if steps is None else steps
    inputs = _inputs(fitted, experiment, table)
    made = score_pairs(
        [fitted], guides, met, information=[found], widening=widening, experiment=experiment, inputs=inputs,
        steps=told,
    )  # fmt: skip
    if output is not None:
        write_table(output, made)
    return made


def _fitted(
    target: str | Path | AssayModel | AssayRun, name: str | None, experiment: str | None
) -> tuple[AssayModel, Information | None, Widening | None]:
    """The model, and what says how sure it is where the data are at hand."""
    if isinstance(target, AssayModel):
        return target, None, None
    if isinstance(target, AssayRun) or Path(target).is_dir():
        run = target if isinstance(target, AssayRun) else AssayRun(Path(target))
        run.verify()
        fitted = run.assay_model(name, experiment)
        return fitted, *_certainty(run, fitted)
    return load_assay_model(target), None, None


def _certainty(run: AssayRun, model: AssayModel) -> tuple[Information | None, Widening | None]:
    """How well the run's data determine the model, and how far guides differ; None for both, with a warning, where
    its tables are not as they were."""
    try:
        study = parse_assay_study(tomllib.loads((run.path / "study.toml").read_text(encoding="utf-8")))
        loaded = load_assay(study)
        _require_same(run, loaded.digests)
        own = tuple(e for e in loaded.assay.experiments if e.name in model.experiments)
        assay = replace(loaded.assay, experiments=own)
        return information_of(model, assay), _widening(run, model, assay)
    except PajamoError as error:
        warn(f"no intervals: {error.what}: without the data of the run nothing says how sure a prediction is")
        return None, None


def _widening(run: AssayRun, model: AssayModel, assay: Assay) -> Widening | None:
    """What guides that were not fitted add, as the run found it; None where it did not look."""
    if not (run.path / f"{NEW_GUIDES}.csv").is_file():
        return None
    table = run.table(NEW_GUIDES)
    own = table[table["model"] == model.name]
    return Widening.of(own, assay) if len(own) else None


def _require_same(run: AssayRun, digests: Mapping[str, str]) -> None:
    for item in run.about["experiments"]:
        if digests[item["name"]] != item["sha256"]:
            raise DataError(f"the table of experiment {item['name']} has changed since the run")


def _read(pairs: Pairs, guide: str, target: str) -> tuple[Table, list[str], list[str]]:
    """The table, and its guides and targets as text."""
    if isinstance(pairs, pd.DataFrame):
        table = Table(pairs, "the table given")
    else:
        table = Table(read_table(Path(pairs), text=(guide, target)), str(pairs))
    return table, list(map(str, table.column(guide))), list(map(str, table.column(target)))


def _inputs(model: AssayModel, experiment: str | None, table: Table) -> dict[str, np.ndarray]:
    """Concentrations that the model takes and the table has, shape (rows,) each."""
    taken = [name for name in taken_inputs(model, experiment) if name in table.frame]
    return {name: table.frame[name].to_numpy(dtype=float) for name in taken}
