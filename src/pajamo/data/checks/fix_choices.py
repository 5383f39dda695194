"""The named choices of `pajamo check --fix`: each a small change to an AnnData in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.config import DataSettings
from pajamo.data.conditions import SEPARATOR, parse_perturbation
from pajamo.data.reading.columns import conditions_of, labels, numbers, require_control
from pajamo.data.reading.naming import SEPARATORS, has_control_token, split_combination, without_guide
from pajamo.errors import DataError, nearest, shorten


@dataclass
class Work:
    """An AnnData under repair, where its counts are, and what the last choice did."""

    adata: anndata.AnnData
    settings: DataSettings
    effect: str = ""

    @property
    def values(self) -> Any:
        """Cells by genes, as the settings name them."""
        layer = self.settings.layer
        return self.adata.X if layer is None else self.adata.layers[layer]

    def labels(self) -> pd.Series:
        """The perturbation column."""
        return labels(self.adata.obs, self.settings.perturbation, "perturbation")

    def keep(self, cells: NDArray[np.bool_]) -> None:
        """Leave out the other cells."""
        if not cells.any():
            raise DataError("no cell would be left", fix="choose another fix, or fix the settings first")
        self.effect = f"left out {int((~cells).sum())} of {len(cells)} cells"
        self.adata = self.adata[cells].copy()

    def relabel(self, new: dict[str, str]) -> None:
        """Rename labels of the perturbation column."""
        column = self.labels().astype(object).map(lambda label: new.get(label, label))
        self.adata.obs[self.settings.perturbation] = pd.Categorical(column)
        changed = {old: name for old, name in new.items() if old != name}
        self.effect = f"renamed {len(changed)} labels: {shorten(f'{o} to {n}' for o, n in changed.items())}"


@dataclass(frozen=True)
class Choice:
    """A named fix: what it does, what stands behind its "=", if anything, and the change itself."""

    name: str
    argument: str
    description: str
    apply: Callable[[Work, str], None]


CHOICES: dict[str, Choice] = {}


def choice(
    name: str, description: str, argument: str = ""
) -> Callable[[Callable[[Work, str], None]], Callable[[Work, str], None]]:
    """Decorator: offer a function as a named fix."""

    def add(apply: Callable[[Work, str], None]) -> Callable[[Work, str], None]:
        CHOICES[name] = Choice(name, argument, description, apply)
        return apply

    return add


@choice("make-names-unique", "number repeated names of genes and of cells: A, A-1, A-2")
def _make_names_unique(work: Work, _: str) -> None:
    work.effect = "nothing was repeated"
    done = []
    for what, table in (("gene", work.adata.var), ("cell", work.adata.obs)):
        repeated = int(table.index.duplicated().sum())
        if repeated:
            table.index = pd.Index(unique_names([str(name) for name in table.index]))
            done.append(f"numbered {repeated} {what} names")
    work.effect = ", ".join(done) or work.effect


def unique_names(names: list[str]) -> list[str]:
    """Number the second and later occurrence of each name, avoiding names that exist already."""
    taken, count, unique = set(names), dict[str, int](), list[str]()
    seen: set[str] = set()
    for name in names:
        new = name
        while new in seen or (new != name and new in taken):
            count[name] = count.get(name, 0) + 1
            new = f"{name}-{count[name]}"
        seen.add(new)
        unique.append(new)
    return unique


@choice("sum-duplicates", "add up the counts of genes with the same name")
def _sum_duplicates(work: Work, _: str) -> None:
    if work.settings.scale != "counts":
        raise DataError("logarithms cannot be added up", fix="sum the counts, or use make-names-unique")
    adata = work.adata
    code, names = pd.factorize(adata.var_names)
    summing = sp.csr_matrix((np.ones(len(code), dtype=np.float32), (np.arange(len(code)), code)))
    first = np.flatnonzero(~adata.var_names.duplicated())
    layers = {name: _product(adata.layers[name], summing) for name in _layers(adata)}
    work.adata = anndata.AnnData(
        _product(adata.X, summing), obs=adata.obs, var=adata.var.iloc[first], uns=adata.uns, layers=layers,
        obsm=dict(adata.obsm), obsp=dict(adata.obsp),
    )  # fmt: skip
    work.effect = f"{len(code)} genes became {len(names)}"


def _layers(adata: anndata.AnnData) -> list[str]:
    """Names of the layers; newer versions of anndata list X among them, without a name."""
    return [name for name in adata.layers if name is not None]


def _product(values: Any, summing: sp.csr_matrix) -> sp.csr_matrix | None:
    return None if values is None else sp.csr_matrix(sp.csr_matrix(values) @ summing.astype(values.dtype))


@choice("drop-duplicate-cells", "keep the first of cells with the same name")
def _drop_duplicate_cells(work: Work, _: str) -> None:
    work.keep(~work.adata.obs_names.duplicated())


@choice("drop-empty-cells", "leave out cells without any molecule")
def _drop_empty_cells(work: Work, _: str) -> None:
    name = work.settings.library_size
    sizes = (
        numbers(work.adata.obs, name, "library_size") if name else np.asarray(work.values.sum(axis=1)).ravel()
    )
    work.keep(sizes > 0)


@choice("use-layer", "make this layer X", argument="name")
def _use_layer(work: Work, name: str) -> None:
    if name not in work.adata.layers:
        layers = _layers(work.adata)
        raise DataError(
            f"there is no layer {name!r}", fix=f"{nearest(name, layers)}layers: {shorten(layers) or 'none'}"
        )
    work.adata.X = work.adata.layers[name]
    del work.adata.layers[name]
    work.settings = work.settings.model_copy(update={"layer": None})
    work.effect = f"X is the former layer {name}"


@choice("use-raw", "make adata.raw X, with its genes")
def _use_raw(work: Work, _: str) -> None:
    adata = work.adata
    if adata.raw is None:
        raise DataError("the file has no raw", fix="leave use-raw out")
    work.adata = anndata.AnnData(
        adata.raw.X,
        obs=adata.obs,
        var=adata.raw.var,
        uns=adata.uns,
        obsm=dict(adata.obsm),
        obsp=dict(adata.obsp),
    )
    work.settings = work.settings.model_copy(update={"layer": None})
    work.effect = f"X is the former raw, {work.adata.n_vars} genes"


@choice("rename-separator", "write combinations joined by this separator as A+B", argument="separator")
def _rename_separator(work: Work, separator: str) -> None:
    names = [str(name) for name in work.labels().cat.categories]
    plain = {name for name in names if not any(s in name for s in (*SEPARATORS, SEPARATOR))}
    known = plain | {str(gene) for gene in work.adata.var_names}
    parts = {name: split_combination(name, separator, known) for name in names}
    work.relabel({name: SEPARATOR.join(genes) for name, genes in parts.items() if genes})


@choice("drop-ctrl-tokens", "write A+ctrl as A, and ctrl+ctrl as the control")
def _drop_ctrl_tokens(work: Work, _: str) -> None:
    control = work.settings.control
    names = [str(name) for name in work.labels().cat.categories if has_control_token(str(name))]
    work.relabel({name: SEPARATOR.join(parse_perturbation(name, control)) or control for name in names})


@choice("drop-guide-suffixes", "write guides such as GATA1_2 as the gene they target")
def _drop_guide_suffixes(work: Work, _: str) -> None:
    genes = {str(gene) for gene in work.adata.var_names}
    names = [str(name) for name in work.labels().cat.categories]
    parts = {name: [without_guide(part, genes) or part for part in name.split(SEPARATOR)] for name in names}
    work.relabel({name: SEPARATOR.join(dict.fromkeys(genes)) for name, genes in parts.items()})


@choice("drop-uncontrolled", "leave out cells of contexts and times in which no control was measured")
def _drop_uncontrolled(work: Work, _: str) -> None:
    obs, settings, found = work.adata.obs, work.settings, work.labels()
    require_control(found, settings.control)
    context = None if settings.context is None else labels(obs, settings.context, "context")
    time = None if settings.time is None else numbers(obs, settings.time, "time")
    conditions, condition_of = conditions_of(found, settings.control, context, time)
    controlled = {condition.setting for condition in conditions if condition.is_control}
    work.keep(np.array([condition.setting in controlled for condition in conditions])[condition_of])


@choice("drop-rare", "leave out perturbations with fewer cells than this", argument="cells")
def _drop_rare(work: Work, least: str) -> None:
    if not least.isdecimal():
        raise DataError(
            f"drop-rare={least!r} is not a number of cells", fix="give a whole number: drop-rare=10"
        )
    found, settings = work.labels(), work.settings
    conditions, condition_of = conditions_of(found, settings.control, None, None)
    enough = np.bincount(condition_of, minlength=len(conditions)) >= int(least)
    enough |= np.array([condition.is_control for condition in conditions])
    work.keep(enough[condition_of])


@choice("to-csr", "store X and layers cell by cell (CSR), which large screens are read from")
def _to_csr(work: Work, _: str) -> None:
    work.adata.X = sp.csr_matrix(work.adata.X)
    for name in _layers(work.adata):
        work.adata.layers[name] = sp.csr_matrix(work.adata.layers[name])
    work.effect = "X and layers are stored as CSR"
