"""A table of edges between perturbations, read as how well each candidate stands for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from pajamo.campaigns.acquisition.graph_coverage import GraphCoverage, Similarity, covered_by
from pajamo.campaigns.acquisition.graph_paths import along_paths, best_products
from pajamo.campaigns.predictive import Rows
from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.proposing.tables import hash_of, require_columns
from pajamo.config.campaigns.graph import GraphSettings
from pajamo.data.assays.tables import read_table
from pajamo.data.atomic import sha256
from pajamo.errors import DataError, nearest

ENDS, WEIGHT = ("source", "target"), "weight"


def with_graph(problem: Problem, settings: GraphSettings | None) -> Problem:
    """The pool with the graph of its perturbations, which then belongs to what a campaign must not change.

    Raises
    ------
    DataError: a table that is no graph of these candidates.
    """
    if settings is None:
        return problem
    graph = stands_for(settings, problem.targets)
    return replace(problem, graph=graph, data=hash_of([problem.data, sha256(settings.path)], np.zeros(0)))


def coverage_of(similarity: Similarity, measured: Rows) -> GraphCoverage:
    """Coverage of a graph, beginning with what measured candidates stand for."""
    return GraphCoverage(similarity, covered_by(similarity, measured, np.zeros(similarity.shape[1])))


def stands_for(settings: GraphSettings, targets: Sequence[tuple[str, ...]]) -> Similarity:
    """How well each candidate stands for each node: as well as its best member; shape (N, M).

    Nodes are the candidates' perturbations, and those of the table where it may hold others.

    Parameters
    ----------
    settings: the table and what a step is worth.
    targets: perturbations of each candidate.

    Raises
    ------
    DataError: missing columns or names, edges from a node to itself, unknown nodes, weights that are none, or two
        weights of one edge.
    """
    table, where = read_table(settings.path, text=ENDS), str(settings.path)
    require_columns(table, ENDS, where)
    for end in ENDS:
        table = table.assign(**{end: table[end].str.strip()})
        _refuse(
            table, table[end].isin(["", None]) | table[end].isna(), where, f"an edge has no {end}", "name it"
        )
    same = table[ENDS[0]] == table[ENDS[1]]
    _refuse(
        table,
        same,
        where,
        "an edge leads from a node to itself",
        "leave it out: every node stands for itself",
    )
    nodes = _nodes(table, targets, settings, where)
    worth = _worth(table, nodes, settings, where)
    place = [nodes[name] for members in targets for name in members]
    start = np.concatenate([[0], np.cumsum([len(members) for members in targets])])
    shape = (len(targets), len(nodes))
    member = sparse.csr_array((np.ones(len(place)), np.array(place, dtype=np.intp), start), shape=shape)
    return best_products(member, along_paths(worth, settings.hops))


def _nodes(
    table: pd.DataFrame, targets: Sequence[tuple[str, ...]], settings: GraphSettings, where: str
) -> dict[str, int]:
    """Place of every node, the candidates' perturbations first."""
    known = dict.fromkeys(name for members in targets for name in members)
    for end in ENDS:
        unknown = ~table[end].isin(known.keys())
        if not settings.others and unknown.any():
            name = str(table[end][unknown].iloc[0])
            _refuse(
                table,
                unknown,
                where,
                f"no candidate perturbs {name!r}",
                f"{nearest(name, known)}leave such edges out, or, if these nodes are to be stood for as well, say "
                "acquisition.graph.others = true",
            )
    listed = [*known, *dict.fromkeys(pd.concat([table[end] for end in ENDS]))]
    return {name: row for row, name in enumerate(dict.fromkeys(listed))}


def _worth(
    table: pd.DataFrame, nodes: dict[str, int], settings: GraphSettings, where: str
) -> sparse.csr_array:
    """What a step from each node to each other is worth; shape (M, M)."""
    weights = _weights(table, settings, where)
    ends = pd.DataFrame({end: table[end].map(nodes) for end in ENDS}).assign(weight=weights)
    if not settings.directed:
        ends[list(ENDS)] = np.sort(ends[list(ENDS)].to_numpy(), axis=1)
    unlike = ends.groupby(list(ENDS))[WEIGHT].transform("nunique") > 1
    _refuse(
        table, unlike, where, "an edge has two weights", "give each edge once, or the same weight both ways"
    )
    once = ends.drop_duplicates()
    source, target, weight = (once[name].to_numpy() for name in (*ENDS, WEIGHT))
    shape = (len(nodes), len(nodes))
    found = sparse.csr_array((weight, (source, target)), shape=shape)
    return found if settings.directed else sparse.csr_array(found + found.T)


def _weights(table: pd.DataFrame, settings: GraphSettings, where: str) -> NDArray[np.float64]:
    if WEIGHT not in table:
        return np.full(len(table), settings.decay)
    found = pd.to_numeric(table[WEIGHT], errors="coerce")
    wrong = ~((found > 0) & (found <= 1))
    _refuse(
        table,
        wrong,
        where,
        "a weight is not above 0 and up to 1",
        "divide weights by the largest, and leave zeros out",
    )
    return found.to_numpy(dtype=np.float64)


def _refuse(table: pd.DataFrame, wrong: pd.Series, where: str, what: str, fix: str) -> None:
    """Complain about the first row of a table that cannot be.

    Raises
    ------
    DataError: there is one.
    """
    if wrong.any():
        first = int(np.argmax(wrong.to_numpy()))
        edge = ", ".join(f"{name} {table[name].tolist()[first]}" for name in (*ENDS, WEIGHT) if name in table)
        raise DataError(
            what,
            where=f"{where}, row {table.index.tolist()[first]}",
            why=f"{int(wrong.sum()):,} such rows; first: {edge}",
            fix=fix,
        )
