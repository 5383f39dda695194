"""The page of a protein model: hidden residues, measured variants, the course of training, what leaks, the record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from pajamo.errors import IntegrityError
from pajamo.reports.blocks import Block, Cell, Facts, Figure, Section, Table, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.proteins import by_length, course
from pajamo.reports.figures.theme import svg
from pajamo.reports.lead import Banner, Lead
from pajamo.reports.page import render_page
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import count, number, printable

LEAKY: Final = 0.05
"""Share of proteins kept aside that have a near relative in training, from which the page warns."""


@dataclass(frozen=True)
class ProteinFolder:
    """The folder of a protein model's run."""

    path: Path

    @cached_property
    def about(self) -> dict[str, Any]:
        """Model, proteins, split, leaks and provenance."""
        return self._json("about.json")

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """What came of it in one sentence."""
        return self._json("verdict.json")

    def table(self, name: str) -> pd.DataFrame | None:
        """A table of the run; None where it has none."""
        file = self.path / f"{name}.csv"
        return pd.read_csv(file, keep_default_na=False, na_values=[""]) if file.is_file() else None

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self.path / name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise IntegrityError(
                "this folder holds no protein model", where=str(self.path / name), why=str(error)
            ) from error


def render_proteins(folder: Path) -> str:
    """One self-contained HTML page; equal files give equal bytes.

    Raises
    ------
    IntegrityError: a file that every run has is missing or cannot be read.
    """
    run = ProteinFolder(folder)
    made = [_residues(run), _variants(run), _course(run), _leaks(run), _record(run)]
    return render_page(run.about["title"], _lead(run), [each for each in made if each is not None])


def _lead(run: ProteinFolder) -> Lead:
    about, shape = run.about, run.about["shape"]
    told = {
        "Model": Cell.name(
            f"{about['family']}, {shape[0]} layers of {shape[1]}", f"{shape[2]} heads", most=60
        ),
        "Weights": Cell(count(about["weights"])),
        "Proteins": Cell(
            count(about["proteins"]["training"]),
            f"{count(about['proteins']['validation'])} and {count(about['proteins']['test'])} kept aside",
        ),
        "Updates": Cell(count(about["training"]["updates"]), f"in {count(about['training']['steps'])} steps"),
    }
    return Lead(printable(run.verdict["sentence"]), _banners(run), tuple(told.items()))


def _banners(run: ProteinFolder) -> tuple[Banner, ...]:
    near = float(run.about["leaks"]["shares"].get("0.5", 0.0))
    if near <= LEAKY:
        return ()
    text = (
        f"{near:.0%} of them share half or more of their words of six residues with a training protein: what is said "
        "of them is partly remembered."
    )
    return (Banner("leak", "Proteins kept aside have relatives in training", text),)


def _residues(run: ProteinFolder) -> Section | None:
    table = run.table("perplexity")
    if table is None:
        return None
    blocks: list[Block] = []
    for side, own in table.groupby("set", sort=False):
        figure = svg(f"perplexity-{side}", partial(by_length, own))
        blocks.append(Figure(figure, f"Perplexity on {side} proteins by length", f"{side} proteins."))
    blocks.append(_linked(table[table["residues"] == "all"], table, "perplexity"))
    return Section(
        "residues",
        "Hidden residues",
        "Perplexity: among how many equally likely residues a model would still have to guess. Tables of neighbours "
        "are told the true neighbours, the language model is not where these are hidden too. Intervals and "
        "differences (nats a residue, negative where a model is better) are of resampled families.",
        tuple(blocks),
    )


def _variants(run: ProteinFolder) -> Section | None:
    table = run.table("variants")
    if table is None:
        return None
    return Section(
        "variants",
        "Measured variants",
        "Rank correlation (Spearman) of what was measured with what a model says without having seen a measurement.",
        (_linked(table, table, "variants"),),
    )


def _linked(shown: pd.DataFrame, whole: pd.DataFrame, name: str) -> Table:
    """A table with a link to all of it."""
    return replace(plain_table(shown), downloads=csv_link(whole, name, f"{name}.csv"))


def _course(run: ProteinFolder) -> Section | None:
    table = run.table("course")
    if table is None:
        return None
    figure = Figure(
        svg("course", partial(course, table)),
        f"Loss of {len(table)} steps",
        "",
        csv_link(table, "course", "course.csv"),
    )
    return Section("course", "How it learned", "", (figure, Facts(tuple(_speed(table)))))


SPEEDS: Final[dict[str, tuple[str, Callable[[float], str]]]] = {
    "tokens_per_second": ("Tokens a second", lambda value: count(round(value))),
    "packed": ("Places that hold a token", lambda value: f"{value:.2%}"),
    "utilisation": ("Of the processors' peak", lambda value: f"{value:.1%}"),
}
"""What is told of a training's speed, by its column."""


def _speed(table: pd.DataFrame) -> list[tuple[str, Cell]]:
    return [
        (title, Cell(show(float(table[name].median())), "median step"))
        for name, (title, show) in SPEEDS.items()
        if name in table and table[name].notna().any()
    ]


def _leaks(run: ProteinFolder) -> Section:
    leaks = run.about["leaks"]
    shares = pd.DataFrame(
        {
            "shared with one training protein, at least": [
                f"{float(limit):.0%}" for limit in leaks["shares"]
            ],
            "proteins kept aside": [f"{share:.2%}" for share in leaks["shares"].values()],
        }
    )
    text = (
        f"Families: {count(run.about['split']['families'])}. Proteins kept aside that were looked at: "
        f"{count(leaks['kept'])}. The one most like a training protein shares "
        f"{number(100 * leaks['largest_containment'])} % of its words of six residues with it."
    )
    return Section("leaks", "What training gives away", "", (Text(text), plain_table(shares)))


def _record(run: ProteinFolder) -> Section:
    facts = tuple((term, Cell.name(value, most=80)) for term, value in run.about["provenance"].items())
    return Section("record", "Record", "", (Facts(facts),))
