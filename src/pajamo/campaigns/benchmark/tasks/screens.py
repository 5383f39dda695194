"""Genome-wide screens of single genes, from the published tables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pajamo.campaigns.benchmark.ceilings import ceiling
from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.files import table
from pajamo.campaigns.learners.trees import ExtraTrees
from pajamo.campaigns.predictive import Array
from pajamo.errors import DataError

SCHMIDT = "schmidt_{}_d{}.gene_summary.txt.gz"
SANCHEZ, ESSENTIAL = "sanchezetal2021_21days.csv.gz", "CEGv2.txt.gz"
FOLD = "neg|lfc"
QUARTILES = ("RSA_Down", "RSA_Up", "Q1", "Q3")
TREES, BATCH = 50, 128


def schmidt_ifng(
    data: Path | str | None,
    learn: Literal["donor 1", "both"] = "donor 1",
    prior: bool = True,
    most: int | None = None,
) -> Task:
    """CRISPRi in human T cells: which genes, repressed, change interferon gamma? Two donors.

    A hit has one of the largest changes of either sign (5 % of the genes) in the mean of both donors. Strategies are
    shown donor 1 alone, so that they cannot be praised for finding that donor's noise. 128 genes at random, then
    eight rounds of 128.

    Parameters
    ----------
    data: folder of the published gene summaries (Schmidt 2022: IFNG and IL2, donors 1 and 2), the screen of Sanchez
        2021, and the list of essential genes (CEGv2).
    learn: what a measurement shows.
    prior: whether the screens for interleukin 2, by the same library in the same donors, are features. They share
        technical noise with the screen that is repeated, which flatters every strategy that learns.
    most: genes that are taken, the first by name; all if not given.
    """
    donors = pd.DataFrame({number: _schmidt(data, "ifng", number) for number in (1, 2)}).dropna().sort_index()
    donors = donors if most is None else donors.iloc[:most]
    known = {f"il2 {number}": _schmidt(data, "il2", number) for number in (1, 2)} if prior else {}
    shown = donors[1] if learn == "donor 1" else donors.mean(axis=1)
    return Task(
        name="schmidt-ifng" + ("" if prior else "-without-il2"),
        title="genes that change interferon gamma in T cells",
        features=_features(donors.index, known | _sanchez(data) | _essential(data, donors.index)),
        measurements=np.abs(shown.to_numpy())[:, None, None],
        learner=ExtraTrees(TREES),
        protocol=_protocol(len(donors)),
        kind="values",
        goal="hits",
        readout=np.abs(donors.mean(axis=1).to_numpy()),
        ceiling=ceiling(donors.to_numpy(), by="magnitude"),
        licence="GEO; tables from a repository under Apache-2.0",
        source="Schmidt 2022, Science 375:eabj4008",
    )


def sanchez_2021(data: Path | str | None, prior: bool = True, most: int | None = None) -> Task:
    """CRISPR screen in human cells after 21 days: which genes change the sorted reporter? One replicate.

    The readout is the mean of the lower and upper quartile of a gene's guides (log2 fold change), of either sign. No
    replicate was published, so nobody knows how much of it would be seen again. Parameters as in `schmidt_ifng`.
    """
    own = table(data, SANCHEZ, ("Symbol", *QUARTILES)).set_index("Symbol").sort_index()
    own = own if most is None else own.iloc[:most]
    readout = np.abs(own[["Q1", "Q3"]].mean(axis=1).to_numpy())
    names = [(cytokine, number) for cytokine in ("ifng", "il2") for number in (1, 2)] if prior else []
    known = {f"{cytokine} {number}": _schmidt(data, cytokine, number) for cytokine, number in names}
    return Task(
        name="sanchez-2021",
        title="genes that change a reporter after 21 days",
        features=_features(own.index, known | _essential(data, own.index)),
        measurements=readout[:, None, None],
        learner=ExtraTrees(TREES),
        protocol=_protocol(len(own)),
        kind="values",
        goal="hits",
        licence="CC BY 4.0",
        source="Sanchez 2021, 21 days",
    )


def _protocol(genes: int) -> Protocol:
    """128 genes at random and eight rounds of 128; of a smaller screen, a fifteenth each time."""
    batch = min(BATCH, max(1, genes // 15))
    return Protocol(batch, 8, batch)


def _schmidt(data: Path | str | None, cytokine: str, donor: int) -> pd.Series:
    found = table(data, SCHMIDT.format(cytokine, donor), ("id", FOLD), sep="\t")
    if found["id"].duplicated().any():
        twice = found.loc[found["id"].duplicated(), "id"].iloc[0]
        raise DataError(f"gene {twice} stands there twice", where=SCHMIDT.format(cytokine, donor))
    return found.set_index("id")[FOLD].astype(float)


def _sanchez(data: Path | str | None) -> dict[str, pd.Series]:
    found = table(data, SANCHEZ, ("Symbol", *QUARTILES)).drop_duplicates("Symbol").set_index("Symbol")
    return {f"sanchez {name}": found[name].astype(float) for name in QUARTILES}


def _essential(data: Path | str | None, genes: pd.Index) -> dict[str, pd.Series]:
    listed = table(data, ESSENTIAL, ("GENE",), sep="\t")["GENE"]
    return {"essential": pd.Series(genes.isin(listed).astype(float), index=genes)}


def _features(genes: pd.Index, columns: dict[str, pd.Series]) -> Array:
    """What other screens say of each gene; the median where a screen lacks it."""
    whole = pd.DataFrame({name: column.reindex(genes) for name, column in columns.items()})
    return np.asarray(whole.fillna(whole.median()).fillna(0.0).to_numpy(dtype=float))
