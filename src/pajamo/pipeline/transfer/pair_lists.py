"""Scoring pairs with whatever can score them: a transfer, a run on pairs, or one fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from pajamo.data.assays.tables import Table, read_table
from pajamo.errors import DataError, ModelError
from pajamo.models.assays.model import AssayModel
from pajamo.models.transfer.model import TransferModel
from pajamo.pipeline.assays.pair_scoring import MANY, score_pair_table
from pajamo.pipeline.assays.run_record import AssayRun
from pajamo.pipeline.record import write_table
from pajamo.pipeline.transfer.record import TransferRun, is_transfer_run
from pajamo.training.checkpoints import read_state
from pajamo.training.transfer.saved import KIND, load_transfer

Target: TypeAlias = str | Path | AssayModel | AssayRun | TransferModel | TransferRun
Pairs: TypeAlias = str | Path | pd.DataFrame
Listed: TypeAlias = str | Path | Sequence[str]


def score_any(
    target: Target,
    pairs: Pairs | None,
    *,
    guides: Listed | None = None,
    sites: Listed | None = None,
    model: str | None = None,
    experiment: str | None = None,
    guide: str = "guide",
    targets: str = "target",
    steps: bool | None = None,
    output: Path | None = None,
) -> pd.DataFrame:
    """Score a table of pairs, or every guide of a list against every site of another.

    Parameters
    ----------
    target: a transfer or another run on pairs (or its folder), a model, or its file.
    pairs: a table of guides and targets, or its file.
    guides, sites: instead of `pairs`; sequences with their PAM, or a file with one a line. All sites count as
        candidates of each guide: where a transfer says so, they compete for it.
    model, experiment, guide, targets, steps: as for `score_pair_table`; of a transfer `experiment` is the table to
        which the probability refers.
    output: CSV to write.

    Returns
    -------
    One row a pair; see `score_pairs` for mechanisms, `predict_transfer` for transfers.

    Raises
    ------
    DataError: neither pairs nor lists, or pairs that cannot be read.
    ModelError: the model cannot score pairs, or was not trained on such a table.
    IntegrityError: the run or the file is damaged.
    """
    listed = _all_pairs(pairs, guides, sites)
    table = listed if listed is not None else pairs
    assert table is not None
    columns = ("guide", "target") if listed is not None else (guide, targets)
    ensemble = _transfer(target)
    if ensemble is None:
        assert not isinstance(target, TransferModel | TransferRun)
        return score_pair_table(
            target, table, model=model, experiment=experiment, guide=columns[0], targets=columns[1], steps=steps,
            output=output,
        )  # fmt: skip
    if model is not None:
        raise ModelError("a transfer is one ensemble", where=f"model {model!r}", fix="leave `model` out")
    made = _scored(ensemble, table, columns, experiment, steps, listed is not None)
    if output is not None:
        write_table(output, made)
    return made


def _scored(
    model: TransferModel,
    pairs: Pairs,
    columns: tuple[str, str],
    experiment: str | None,
    steps: bool | None,
    competing: bool,
) -> pd.DataFrame:
    if isinstance(pairs, pd.DataFrame):
        table = Table(pairs, "the table given")
    else:
        table = Table(read_table(Path(pairs), text=columns), str(pairs))
    guides, targets = ([str(text) for text in table.column(name)] for name in columns)
    told = len(targets) <= MANY if steps is None else steps
    return model.predict(guides, targets, experiment, competition=competing, steps=told)


def _transfer(target: Target) -> TransferModel | None:
    """The ensemble of a transfer; None for everything else."""
    if isinstance(target, TransferModel):
        return target
    if isinstance(target, TransferRun):
        return target.model()
    if not isinstance(target, str | Path):
        return None
    place = Path(target)
    if place.is_dir():
        if not is_transfer_run(place):
            return None
        run = TransferRun(place)
        run.verify()
        return run.model()
    return load_transfer(place) if read_state(place)[1].get("kind") == KIND else None


def _all_pairs(pairs: Pairs | None, guides: Listed | None, sites: Listed | None) -> pd.DataFrame | None:
    """Every guide with every site; None where a table of pairs is given."""
    given = [name for name, value in (("guides", guides), ("sites", sites)) if value is not None]
    if (pairs is None) == (not given) or len(given) == 1:
        raise DataError(
            "which pairs are to be scored?",
            where=f"given: {', '.join([*(['pairs'] if pairs is not None else []), *given]) or 'nothing'}",
            fix="give either a table of pairs, or both `guides` and `sites`",
        )
    if guides is None or sites is None:
        return None
    own, met = sequences_listed(guides, "guides"), sequences_listed(sites, "sites")
    every = [(one, other) for one in own for other in met]
    return pd.DataFrame(every, columns=["guide", "target"])


def sequences_listed(given: Listed, what: str) -> list[str]:
    """Sequences, each once and in order; from a file with one a line, or given.

    Raises
    ------
    DataError: no such file, or nothing in it.
    """
    if isinstance(given, str | Path):
        file = Path(given)
        if not file.is_file():
            raise DataError(f"there is no file of {what}", where=str(file), fix="check its path")
        given = file.read_text(encoding="utf-8").splitlines()
    found = list(dict.fromkeys(text.strip() for text in given if text.strip()))
    if not found:
        raise DataError(f"there are no {what}", fix="give one sequence a line, 5' to 3' with its PAM")
    return found
