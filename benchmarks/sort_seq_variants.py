"""Variants of studies/joint-sort-seq.toml: each changes one thing of the declaration. Used by joint_sort_seq.py."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from common import ROOT
from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.atomic import replace_file

MECHANISM, INTERACTION = "four-state", "CRP+RNAP"
BASE = "four states"
POOLED = "all-wt"
"""Name of the experiment that holds the reads of all three that were made in wild-type cells."""
Raw = dict[str, Any]
Interval = Literal["profile", "Laplace"]


@dataclass(frozen=True)
class Variant:
    """What is changed, and how the interval of the interaction is made.

    Attributes
    ----------
    change: of the declaration.
    interval: profile likelihood, or the curvature at the optimum where a profile would take too long.
    scores_shares: whether the loss of Tareen and Kinney's notebook takes the place of the likelihood.
    """

    change: Callable[[Raw], None]
    interval: Interval = "profile"
    scores_shares: bool = False


def same(raw: Raw) -> None:
    """The declaration as it stands."""


def bins(**changed: object) -> Callable[[Raw], None]:
    """Another instrument in every experiment."""

    def change(raw: Raw) -> None:
        for experiment in raw["experiments"].values():
            experiment["measurement"] |= changed

    return change


def library_as_bin(raw: Raw) -> None:
    """The unsorted library as one more bin, as in MAVE-NN's table."""
    for experiment in raw["experiments"].values():
        if library := experiment["measurement"].pop("library", None):
            experiment["measurement"]["bins"].insert(0, library)


def no_library(raw: Raw) -> None:
    """Without the unsorted library."""
    for experiment in raw["experiments"].values():
        experiment["measurement"].pop("library", None)


def only(*names: str) -> Callable[[Raw], None]:
    """Some of the experiments."""

    def change(raw: Raw) -> None:
        raw["experiments"] = {name: raw["experiments"][name] for name in names}
        if not any(name.endswith("wt") for name in names):
            # Activities of CRP are known relative to each other: one of them is the unit.
            raw["experiments"][names[0]]["inputs"] = {"crp": 1.0}

    return change


def sites(**changed: Raw) -> Callable[[Raw], None]:
    """Other sites."""

    def change(raw: Raw) -> None:
        for name, site in changed.items():
            raw["mechanisms"][MECHANISM]["sites"].setdefault(name, {}).update(site)

    return change


def states(**rates: str) -> Callable[[Raw], None]:
    """Rates of their own for some of the four states."""

    def change(raw: Raw) -> None:
        mechanism = raw["mechanisms"][MECHANISM]
        mechanism.pop("transcribes")
        bound: dict[str, list[str]] = {"free": [], "CRP": ["CRP"], "RNAP": ["RNAP"], "both": ["CRP", "RNAP"]}
        mechanism["states"] = {
            name: {"bound": here} | ({"rate": rates[name]} if name in rates else {})
            for name, here in bound.items()
        }

    return change


def second_promoter(raw: Raw) -> None:
    """P2, 22 bases upstream, which the same polymerase binds and CRP covers."""
    sites(P2={"start": 12, "length": 41, "shares": "RNAP"})(raw)
    states(RNAP="P1", both="P1")(raw)
    raw["mechanisms"][MECHANISM]["states"]["P2"] = {"bound": ["P2"], "rate": "P2"}


def registers(raw: Raw) -> None:
    """Polymerase in three registers, with a contact of its own in each."""
    raw["mechanisms"][MECHANISM]["sites"]["RNAP"] = {"length": 39, "slide": [34, 36]}
    raw["mechanisms"][MECHANISM]["interactions"][INTERACTION] = {"kind": "spacer"}


def both(*changes: Callable[[Raw], None]) -> Callable[[Raw], None]:
    """One change after the other."""

    def change(raw: Raw) -> None:
        for each in changes:
            each(raw)

    return change


def free_activities(raw: Raw) -> None:
    """CRP's activity fitted in every experiment but full-wt."""
    for name in ("crp-wt", "rnap-wt"):
        raw["experiments"][name]["inputs"] = {"crp": "fit"}


def equal_activities(raw: Raw) -> None:
    """CRP as active at 500 and at 150 micromolar cAMP as in wild-type cells."""
    for experiment in raw["experiments"].values():
        experiment["inputs"] = {"crp": 1.0}


def temperature(kelvin: float) -> Callable[[Raw], None]:
    """Another kT."""

    def change(raw: Raw) -> None:
        raw["mechanisms"][MECHANISM]["temperature"] = kelvin

    return change


def contact(sd: float) -> Callable[[Raw], None]:
    """Another prior of the interaction, in kT."""

    def change(raw: Raw) -> None:
        raw["mechanisms"][MECHANISM]["interactions"][INTERACTION]["sd"] = sd

    return change


def one_sorter(raw: Raw) -> None:
    """The three experiments in wild-type cells as one, so that they share the curves of their bins."""
    pooled = raw["experiments"]["full-wt"] | {"where": {"experiment": POOLED}}
    others = {name: e for name, e in raw["experiments"].items() if not name.endswith("wt")}
    raw["experiments"] = {POOLED: pooled} | others


FULL_WT = only("full-wt")
VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        BASE: Variant(same),
        "kT at 298 K": Variant(temperature(298.15), "Laplace"),
        "library as a bin": Variant(library_as_bin),
        "library left out": Variant(no_library),
        "full-wt alone": Variant(FULL_WT),
        "full-500 alone": Variant(only("full-500")),
        "full-150 alone": Variant(only("full-150"), "Laplace"),
        "full-500 and full-150": Variant(only("full-500", "full-150"), "Laplace"),
        "wild-type cells alone": Variant(only("full-wt", "crp-wt", "rnap-wt"), "Laplace"),
        "12 knots": Variant(bins(knots=12), "Laplace"),
        "96 knots": Variant(bins(knots=96), "Laplace"),
        "curves of ln activity": Variant(bins(coordinate="log"), "Laplace"),
        "prior sd 1 kT of the contact": Variant(contact(1.0), "Laplace"),
        "prior sd 100 kT of the contact": Variant(contact(100.0), "Laplace"),
        "prior sd 1 kT a letter": Variant(sites(CRP={"sd": 1.0}, RNAP={"sd": 1.0}), "Laplace"),
        "prior sd 100 kT a letter": Variant(sites(CRP={"sd": 100.0}, RNAP={"sd": 100.0}), "Laplace"),
        "CRP activity free": Variant(free_activities, "Laplace"),
        "CRP activity equal": Variant(equal_activities, "Laplace"),
        "one sorter for wild-type cells": Variant(one_sorter, "Laplace"),
        "two rates": Variant(states(RNAP="alone", both="with CRP"), "Laplace"),
        "leak of the free state": Variant(states(free="leak", RNAP="on", both="on"), "Laplace"),
        "CRP on both strands": Variant(sites(CRP={"strand": "both"}), "Laplace"),
        "lognormal gates, full-wt": Variant(both(FULL_WT, bins(gates="lognormal")), "Laplace"),
        "second promoter P2": Variant(second_promoter, "Laplace"),
        "three registers": Variant(registers, "Laplace"),
        "loss of the notebook, full-wt": Variant(
            both(FULL_WT, library_as_bin, bins(knots=8)), "Laplace", scores_shares=True
        ),
        "RNAP reads all 75": Variant(
            both(sites(RNAP={"start": 0, "length": 75}), states(RNAP="on", both="on")), "Laplace"
        ),
        "RNAP in pairs, full-wt": Variant(both(FULL_WT, sites(RNAP={"encoder": "neighbour"})), "Laplace"),
        "lognormal gates": Variant(bins(gates="lognormal"), "Laplace"),
    }
)
"""Those that take little come first."""


def varied(name: str, path: Path, folder: Path) -> AssayStudy:
    """The declaration with one thing changed; `folder` takes the table of pooled experiments."""
    raw = tomllib.loads((ROOT / "studies" / "joint-sort-seq.toml").read_text())
    for experiment in raw["experiments"].values():
        experiment["path"] = str(path)
    VARIANTS[name].change(raw)
    if POOLED in raw["experiments"]:
        raw["experiments"][POOLED]["path"] = str(pooled_table(path, folder))
    return parse_assay_study(raw)


def pooled_table(path: Path, folder: Path) -> Path:
    """The rows of all experiments in wild-type cells under one name."""
    table = pd.read_csv(path, sep="\t", names=["experiment", "bin", "sequence"])
    table = table[table["experiment"].str.endswith("wt")].assign(experiment=POOLED)
    target = folder / "wild-type-cells.tsv"
    replace_file(target, lambda temporary: table.to_csv(temporary, sep="\t", header=False, index=False))
    return target
