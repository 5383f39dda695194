"""Scores of a table of variants, whether anybody measured them or not."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from pajamo.data.proteins.variants import read_substitutions
from pajamo.models.proteins.variants import score_variants
from pajamo.pipeline.proteins.models import open_model
from pajamo.training.engine.devices import Choice

SCORE = "log_odds"


def score_table(
    path: Path,
    model: Path,
    wild_type: Path | None,
    sequence: str | None,
    mutations: str,
    offset: int,
    how: Literal["masked", "wild-type"],
    device: Choice,
) -> pd.DataFrame:
    """The table with a column of scores, nats.

    Raises
    ------
    DataError: a mutation that does not fit the wild type.
    ModelError, IntegrityError: no model, or a damaged one.
    """
    table, residues, substitutions = read_substitutions(path, mutations, wild_type, sequence, offset)
    scores = score_variants(open_model(model, device), residues, substitutions, how)
    return table.assign(**{SCORE: scores})
