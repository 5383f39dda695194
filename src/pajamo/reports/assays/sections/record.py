"""The record: data, split, seeds, hashes, versions, study, notes."""

from __future__ import annotations

from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Block, Cell, Column, Facts, Section, Table, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import count, printable


def data(run: AssayRun) -> Section:
    """What was recorded and how rows are divided."""
    rows = tuple(
        (
            Cell.name(item["name"]),
            Cell(printable(item["measurement"])),
            Cell(count(int(item["rows"]))),
            Cell.name(item["source"], most=60),
            Cell.name(item.get("licence", ""), most=30),
            Cell(str(item.get("sha256", ""))[:12], tip=str(item.get("sha256", ""))),
        )
        for item in run.experiments
    )
    head = ("experiment", "measurement", "rows", "source", "licence", "sha256")
    blocks: list[Block] = [
        Facts(_read(run)),
        Table(tuple(Column(n, n == "rows") for n in head), rows),
    ]
    split = run.table("split_counts")
    if split is not None:
        shown = plain_table(split)
        blocks.append(
            Table(shown.columns, shown.rows, "Split", shown.note, downloads=csv_link(split, "split_counts"))
        )
    return Section("data", "Data", "What was recorded, and which rows no fit has seen.", tuple(blocks))


def _read(run: AssayRun) -> tuple[tuple[str, Cell], ...]:
    """What a row is: a sequence of letters, or a pair; and of how many guides."""
    about, letters = run.about, ("alphabet", Cell(str(run.about["alphabet"])))
    if run.pairs:
        told = ", ".join(f"{count(int(n))} {name}" for name, n in about["guides"].items() if n)
        return letters, ("guides", Cell(told))
    guessed = "" if about.get("wild_type_given", True) else _GUESSED
    return ("wild type", Cell(str(about["wild_type"]), guessed)), letters


_GUESSED = "not given: the most frequent letter at each position"


def provenance(run: AssayRun) -> Section:
    """How to get the same numbers again."""
    items = tuple(
        (printable(term), Cell.name(text, most=160)) for term, text in run.about["provenance"].items()
    )
    study = "\n".join(map(printable, run.study.expandtabs(4).splitlines()))
    return Section(
        "provenance",
        "Provenance",
        "With these, the same command gives the same numbers.",
        (Facts(items), Text(study, "The study file as it was resolved", code=True)),
    )


def notes(run: AssayRun) -> Section | None:
    """What else there is to say."""
    found = run.about.get("notes", [])
    return Section("notes", "Notes", "", tuple(Text(printable(note)) for note in found)) if found else None
