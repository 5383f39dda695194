"""Variants of studies/joint-sort-seq.toml: each changes one thing of the declaration. Used by joint_sort_seq.py."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import ROOT
from pajamo.config.assays import AssayStudy, parse_assay_study

MECHANISM, INTERACTION = "four-state", "CRP+RNAP"
BASE = "four states"
Raw = dict[str, Any]


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


VARIANTS: dict[str, Callable[[Raw], None]] = {
    BASE: same,
    "library as a bin": library_as_bin,
    "library left out": no_library,
    "12 knots": bins(knots=12),
    "prior sd 2 kT a letter": sites(CRP={"sd": 2.0}, RNAP={"sd": 2.0}),
    "CRP activity free": free_activities,
    "two rates": states(RNAP="alone", both="with CRP"),
    "leak of the free state": states(free="leak", RNAP="on", both="on"),
    "second promoter P2": second_promoter,
    "three registers": registers,
    "RNAP reads all 75": both(sites(RNAP={"start": 0, "length": 75}), states(RNAP="on", both="on")),
    "RNAP in pairs, full-wt": both(only("full-wt"), sites(RNAP={"encoder": "neighbour"})),
    "lognormal gates, full-wt": both(only("full-wt"), bins(gates="lognormal")),
    "full-wt alone": only("full-wt"),
    "full-500 alone": only("full-500"),
    "full-150 alone": only("full-150"),
    "wild-type cells alone": only("full-wt", "crp-wt", "rnap-wt"),
    "full-500 and full-150": only("full-500", "full-150"),
}
QUICK = ("full-wt alone",)


def varied(name: str, path: Path) -> AssayStudy:
    """The declaration with one thing changed."""
    raw = tomllib.loads((ROOT / "studies" / "joint-sort-seq.toml").read_text())
    for experiment in raw["experiments"].values():
        experiment["path"] = str(path)
    VARIANTS[name](raw)
    return parse_assay_study(raw)
