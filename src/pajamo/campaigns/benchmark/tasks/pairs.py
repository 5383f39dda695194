"""Screens of pairs of genes: growth of each pair, with the growth of both genes alone as features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.campaigns.benchmark.ceilings import ceiling
from pajamo.campaigns.benchmark.oracle import replicate_noise
from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.files import table
from pajamo.campaigns.learners.linear import BayesianLinear
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Target
from pajamo.errors import DataError

HORLBECK, NORMAN = "horlbeck2018_k562_fitness_gamma_pairs.parquet", "naiad_norman_gamma.csv.gz"
CONTROL = "negative"
COLUMNS = ("id1", "id2", "score")
LAWS = 5
"""Features that follow from the growth of both genes alone."""
ROUNDS = 8
Recorded = Literal["fitness", "interaction"]


@dataclass(frozen=True)
class PairDesign:
    """Features of pairs: the growth of both genes alone, combined in five ways, and which genes they are.

    Made when they are asked for. Columns: sum, product, smaller, larger, difference; then one column a gene, 1 for
    its two members.

    Attributes
    ----------
    singles: growth of each gene alone; shape (G,).
    members: genes of each pair; shape (N, 2).
    """

    singles: Array
    members: Rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Pairs and features."""
        return len(self.members), LAWS + len(self.singles)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.floating]:
        """Features of some pairs, shape (rows, 5 + G)."""
        members = self.members[rows]
        first, second = self.singles[members].T
        found = np.zeros((len(members), self.shape[1]))
        found[:, :LAWS] = np.column_stack(
            [
                first + second,
                first * second,
                np.minimum(first, second),
                np.maximum(first, second),
                np.abs(first - second),
            ]
        )
        np.put_along_axis(found, LAWS + members, 1.0, axis=1)
        return found

    @property
    def expected(self) -> Array:
        """Growth of the pairs if the genes act independently: a + b + a b; shape (N,)."""
        first, second = self.singles[self.members].T
        return np.asarray(first + second + first * second)


def horlbeck_pairs(data: Path | str | None, recorded: Recorded = "fitness", pool: int = 10_000) -> Task:
    """CRISPRi growth of 100,128 pairs of 448 genes in K562 cells.

    "fitness": find the slowest 5 % of a pool of 10,000; ranking by the single genes alone finds .87 of them.
    "interaction": what is left of fitness beyond independent action of both genes, the part that is not solved by
    single genes; strategies are judged by the model. 200 pairs at random, then eight rounds of 200; 5,000 held out.
    """
    raw = _labelled(table(data, HORLBECK, COLUMNS), HORLBECK)
    genes, singles = _singles(raw)
    own = raw[(raw["id1"] != CONTROL) & (raw["id2"] != CONTROL) & (raw["id1"] != raw["id2"])]
    members = np.sort(np.column_stack([_places(genes, own["id1"]), _places(genes, own["id2"])]), axis=1)
    design = PairDesign(singles, members.astype(np.intp))
    values = own["score"].to_numpy(dtype=float)
    return _task(
        design,
        values[:, None],
        recorded,
        name="horlbeck-pairs",
        title="growth of pairs of genes repressed in K562 cells",
        batch=200,
        test=5000,
        pool=pool,
        licence="none stated",
        source="Horlbeck 2018, Cell 174:953",
    )


def norman_pairs(data: Path | str | None, recorded: Recorded = "fitness") -> Task:
    """CRISPRa growth of 5,050 pairs of 101 genes in K562 cells, eight measurements of each: four pairs of guides in
    both orders.

    Every look shows another measurement, in an order drawn once; truth is the mean of all. 100 pairs at random, then
    eight rounds of 100; 1,000 held out.
    """
    raw = _labelled(table(data, NORMAN, COLUMNS), NORMAN)
    genes, singles = _singles(raw)
    own = raw[(raw["id1"] != CONTROL) & (raw["id2"] != CONTROL) & (raw["id1"] != raw["id2"])]
    low = np.minimum(_places(genes, own["id1"]), _places(genes, own["id2"]))
    high = np.maximum(_places(genes, own["id1"]), _places(genes, own["id2"]))
    grouped = pd.Series(own["score"].to_numpy(dtype=float)).groupby(low * len(genes) + high)
    most = int(grouped.size().max())
    whole = {key: scores.to_numpy() for key, scores in grouped if len(scores) == most}
    keys = np.array(list(whole))
    measurements = np.random.default_rng(0).permuted(np.stack(list(whole.values())), axis=1)
    design = PairDesign(singles, np.column_stack([keys // len(genes), keys % len(genes)]).astype(np.intp))
    return _task(
        design,
        measurements,
        recorded,
        name="norman-pairs",
        title="growth of pairs of genes activated in K562 cells",
        batch=100,
        test=1000,
        licence="LGPL-3.0 at the source",
        source="Norman 2019, Science 365:786",
    )


def _task(
    design: PairDesign,
    measurements: Array,
    recorded: Recorded,
    *,
    name: str,
    title: str,
    batch: int,
    test: int,
    licence: str,
    source: str,
    pool: int | None = None,
) -> Task:
    if recorded == "interaction":
        measurements, name = measurements - design.expected[:, None], f"{name}-interaction"
        title = title.replace("growth", "interaction in growth")
    # Smaller screens in the same form are measured in smaller batches.
    size, replicated = len(measurements), measurements.shape[1] > 1
    batch, test = min(batch, max(1, size // 20)), min(test, size // 5)
    return Task(
        name=name,
        title=title,
        features=design,
        measurements=measurements[:, :, None],
        learner=BayesianLinear((LAWS, len(design.singles))),
        protocol=Protocol(batch, ROUNDS, batch),
        kind="values",
        goal="hits" if recorded == "fitness" else "model",
        test=test,
        pool=pool,
        target=Target(maximise=False),
        noise=replicate_noise(measurements[:, :, None]) if replicated else None,
        ceiling=ceiling(measurements, by="low") if replicated else None,
        licence=licence,
        source=source,
    )


def _labelled(raw: pd.DataFrame, file: str) -> pd.DataFrame:
    if raw[list(COLUMNS)].isna().any().any():
        row = int(np.flatnonzero(raw[list(COLUMNS)].isna().any(axis=1))[0])
        raise DataError("a gene or a score is missing", where=f"{file}, row {row + 2}")
    return raw.assign(id1=raw["id1"].astype(str), id2=raw["id2"].astype(str))


def _singles(raw: pd.DataFrame) -> tuple[pd.Index, Array]:
    """Genes in order of their names, and the growth of each with control guides beside it."""
    first, second = raw["id1"] == CONTROL, raw["id2"] == CONTROL
    alone = raw[first ^ second]
    gene = alone["id1"].where(alone["id1"] != CONTROL, alone["id2"])
    means = alone["score"].astype(float).groupby(gene).mean().sort_index()
    named = (set(raw["id1"]) | set(raw["id2"])) - {CONTROL}
    if set(means.index) != named:
        raise DataError(
            f"gene {sorted(named - set(means.index))[0]} was never measured with control guides alone",
            where="pairs",
            fix=f"its partner has to be {CONTROL!r}",
        )
    return means.index, np.asarray(means, dtype=np.float64)


def _places(genes: pd.Index, names: pd.Series) -> Rows:
    return np.asarray(genes.get_indexer(pd.Index(names)), dtype=np.intp)
