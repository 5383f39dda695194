"""The page of a transfer: figures on guides that no network saw, calibration, the likeliest sites, what to note."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from pajamo.errors import IntegrityError
from pajamo.reports.blocks import Block, Cell, Facts, Figure, Section, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.theme import svg
from pajamo.reports.figures.transfer.areas import area_plot, reliability
from pajamo.reports.lead import Lead
from pajamo.reports.page import render_page
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import printable

COLUMNS = (
    "set", "experiment", "convention", "model", "rows", "found", "auroc", "auprc", "auprc_low", "auprc_high",
    "guide_auprc", "resampled",
)  # fmt: skip
AS_IT_STANDS = "as it stands"


@dataclass(frozen=True)
class TransferFolder:
    """The folder of a transfer, complete or not."""

    path: Path

    def facts(self, name: str) -> dict[str, Any]:
        """A JSON file of the run.

        Raises
        ------
        IntegrityError: it is missing or damaged.
        """
        try:
            return dict(json.loads((self.path / name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise IntegrityError(
                "this folder holds no transfer", where=str(self.path / name), why=str(error)
            ) from error

    def table(self, name: str) -> pd.DataFrame | None:
        """A table of the run; None where it has none."""
        file = self.path / f"{name}.csv"
        return pd.read_csv(file, keep_default_na=False, na_values=[""]) if file.is_file() else None


def render_transfer(folder: Path) -> str:
    """One self-contained HTML page; equal files give equal bytes.

    Raises
    ------
    IntegrityError: a file that every transfer has is missing or cannot be read.
    """
    run = TransferFolder(folder)
    about, verdict = run.facts("about.json"), run.facts("verdict.json")
    opening = Lead(printable(verdict["sentence"]), (), _facts(about))
    made = [_scores(run), _differences(run), _guides(run), _calibration(run), _top(run), _data(run, about)]
    return render_page(about["title"], opening, [each for each in made if each is not None])


def _facts(about: dict[str, Any]) -> tuple[tuple[str, Cell], ...]:
    settings = about["settings"]
    told = {
        "Context": settings["context"],
        "Mechanism's weights": settings["freeze"],
        "Members of each mechanism": str(settings["members"]),
        "Calibrated on": ", ".join(about["calibrated"]) or "nothing",
        "Test tables": ", ".join(about["tests"]) or "none",
    }
    return tuple((term, Cell.name(text, most=80)) for term, text in told.items())


def _scores(run: TransferFolder) -> Section | None:
    table = run.table("scores")
    if table is None:
        return None
    shown = table[~table["model"].str.startswith("member ")]
    blocks: list[Block] = []
    for set_name, own in shown.groupby("set", sort=False):
        removed = own[own["convention"] != AS_IT_STANDS]
        blocks.append(
            Figure(
                svg(f"areas-{set_name}", partial(area_plot, removed if len(removed) else own)),
                f"Average precision of {own['model'].nunique()} models on {set_name} guides",
                f"{set_name} guides, on-targets removed; 95 % intervals.",
            )
        )
    blocks.append(_table(run, "scores", shown[[name for name in COLUMNS if name in shown]]))
    return Section(
        "scores",
        "Sites of guides that no network saw",
        "Average precision: of all sites that score as high as one that was found, the share that was found. "
        "Intervals are of resampled guides where there are five or more, else of rows. Tables that list a guide's "
        "own target as not found are scored as they stand, and without these rows.",
        tuple(blocks),
    )


def _differences(run: TransferFolder) -> Section | None:
    table = run.table("differences")
    if table is None:
        return None
    return Section(
        "differences",
        "Better than what",
        "Figures of the network less those of each other model, in the same resamples.",
        (_table(run, "differences", table[table["metric"] == "auprc"]),),
    )


def _guides(run: TransferFolder) -> Section | None:
    table = run.table("guides")
    if table is None:
        return None
    return Section(
        "guides", "Guide by guide", "Without on-targets.", (_table(run, "guides", table, folded=True),)
    )


def _calibration(run: TransferFolder) -> Section | None:
    table = run.table("calibration")
    if table is None:
        return None
    figure = Figure(
        svg("reliability", partial(reliability, table[table["set"] == "validation"])),
        "Share of sites found against the probability said of them",
        "Guides kept aside, on which the probabilities were calibrated.",
        csv_link(table, "calibration", "calibration.csv"),
    )
    return Section(
        "calibration",
        "Are probabilities what they say",
        "A probability refers to the share of sites that its table found: a deeper screen finds more.",
        (figure,),
    )


def _top(run: TransferFolder) -> Section | None:
    table = run.table("top")
    if table is None:
        return None
    return Section(
        "top",
        "The likeliest off-targets",
        "Of each guide that no network saw. The interval holds 90 % of what networks trained with other random "
        "choices and other guides would say; the step is the one that the mismatches slow most.",
        (_table(run, "top", table, folded=True),),
    )


def _data(run: TransferFolder, about: dict[str, Any]) -> Section:
    blocks: list[Block] = []
    counts = run.table("split_counts")
    if counts is not None:
        blocks.append(_table(run, "split_counts", counts))
    blocks += [Text(printable(note)) for note in about["notes"]]
    items = ((printable(term), Cell.name(text, most=160)) for term, text in about["provenance"].items())
    blocks.append(Facts(tuple(items)))
    return Section(
        "data", "Data and record", "Every guide is in one set, in all tables alike.", tuple(blocks)
    )


def _table(run: TransferFolder, name: str, table: pd.DataFrame, folded: bool = False) -> Block:
    made = plain_table(table)
    link = csv_link(table, name, f"{name}.csv" if (run.path / f"{name}.csv").is_file() else "")
    caption = "Table" if folded else ""
    return type(made)(made.columns, made.rows, caption, made.note, folded=folded, wide=True, downloads=link)
