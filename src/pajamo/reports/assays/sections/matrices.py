"""What each site reads: energy matrices as logos and heat maps, pairs of positions as triangles."""

from __future__ import annotations

import pandas as pd

from pajamo.reports.assays.estimates import tabled_matrices
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.readers import energy_matrices, pair_maps, seen_letters
from pajamo.reports.blocks import Figure, Section
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.assays.energy_matrix import EnergyMatrix
from pajamo.reports.figures.assays.logo import logo_and_heat
from pajamo.reports.figures.assays.pairs import PairMap, pair_triangle
from pajamo.reports.figures.theme import svg
from pajamo.reports.wording import printable

MOST_POSITIONS = 400
"""A heat map of a longer window cannot be read, nor the page be small."""


def matrices(run: AssayRun) -> Section | None:
    """A logo above a heat map for every linear reader of the leading model."""
    found = [matrix for matrix in _found(run) if matrix.length <= MOST_POSITIONS]
    if not found:
        return None
    energies = all(matrix.is_energy for matrix in found)
    raising = (
        "lower the energy, and so strengthen"
        if energies
        else "raise what is read (an energy is drawn negative)"
    )
    colours = "blue strengthens and red weakens" if energies else "red is high and blue is low"
    return Section(
        "matrices",
        "What each site reads",
        f"Weights of letters about the mean of their position. In the logo, letters above the axis {raising}; the "
        f"wild type is drawn full, the others pale. In the map, {colours}; dots mark the wild type, hatching marks "
        "letters that never occur in the data.",
        tuple(_matrix(run, matrix, number) for number, matrix in enumerate(found)),
    )


def _found(run: AssayRun) -> list[EnergyMatrix]:
    """From the run's table, which is in the physical frame; else from the model file."""
    table = run.table("energies")
    if table is not None and (table["model"] == run.leading).any():
        return tabled_matrices(table, run.leading, str(run.about["alphabet"]))
    if run.model is None:
        return []
    return energy_matrices(run.model, seen_letters(run.table("footprints"), run.model.assembly.letters))


def _matrix(run: AssayRun, matrix: EnergyMatrix, number: int) -> Figure:
    return Figure(
        svg(f"matrix-{number}", lambda: logo_and_heat(matrix)),
        f"Energy matrix of {printable(matrix.name)}: {matrix.length} positions, {matrix.unit}",
        f"{printable(run.leading)}: {printable(matrix.name)}, {matrix.unit}",
        csv_link(_listed(matrix), f"matrix-{number}"),
    )


def _listed(matrix: EnergyMatrix) -> pd.DataFrame:
    table = pd.DataFrame(matrix.centred, columns=list(matrix.alphabet))
    table.insert(0, "wild_type", list(matrix.wild_type) or "")
    table.insert(0, "position", matrix.positions)
    return table


def pairs(run: AssayRun) -> Section | None:
    """A triangle for every map with pairs, of the leading model and of the comparisons."""
    names = dict.fromkeys(
        [run.leading, *(m["name"] for m in run.about["models"] if m["name"] in ("neighbour", "pairwise"))]
    )
    found = [(name, own) for name in names for model in run.models(name)[:1] for own in pair_maps(model)]
    if not found:
        return None
    return Section(
        "pairs",
        "What letters do together",
        "Each block is a pair of positions, each cell in it a pair of letters: what the two do beyond what each does "
        "alone. Dots mark pairs of wild-type letters.",
        tuple(_triangle(name, own, number) for number, (name, own) in enumerate(found)),
    )


def _triangle(model: str, own: PairMap, number: int) -> Figure:
    return Figure(
        svg(f"pairs-{number}", lambda: pair_triangle(own)),
        f"Pairwise weights of {printable(own.name)} in {printable(model)}: {len(own.first)} pairs of positions",
        f"{printable(model)}: {printable(own.name)}, {own.unit}",
        csv_link(_pair_table(own), f"pairs-{number}"),
    )


def _pair_table(own: PairMap) -> pd.DataFrame:
    letters = list(own.alphabet)
    index = pd.MultiIndex.from_product(
        [range(len(own.first)), letters, letters], names=["pair", "first_letter", "second_letter"]
    )
    table = pd.DataFrame({"weight": own.values.ravel()}, index=index).reset_index()
    places = table.pop("pair").to_numpy()
    table.insert(0, "second", own.second[places] + own.start)
    table.insert(0, "first", own.first[places] + own.start)
    return table
