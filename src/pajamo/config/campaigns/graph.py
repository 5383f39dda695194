"""A graph of perturbations, such as a network of genes, as a user declares it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pajamo.config.strict import Config


class GraphSettings(Config):
    """Which perturbations stand for one another: a table of edges, a row each.

    A perturbation stands for itself wholly, and for what it is joined to by as much as the best path of edges is
    worth. A candidate of several perturbations stands for all that its members stand for.
    """

    path: Path
    """CSV, TSV or Parquet with the columns `source` and `target`, and, if edges differ, `weight`: what a step along
    the edge is worth, above 0 and up to 1."""
    hops: Annotated[int, Field(ge=1)] = 1
    """Most steps."""
    decay: float = Field(default=0.5, gt=0, le=1)
    """What a step is worth where the table has no weights."""
    directed: bool = False
    """Whether the source of an edge stands for its target only, and not the other way round."""
    others: bool = False
    """Whether the graph may hold nodes that no candidate perturbs; they are to be stood for as well."""
