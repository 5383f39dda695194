"""Letters of sequences as shapes: glyphs that fill a box exactly, with the colours of their chemistry."""

from __future__ import annotations

from functools import cache
from typing import Final

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from pajamo.reports.figures.theme import colour

NUCLEOTIDES: Final = {"A": "green", "C": "blue", "G": "amber", "T": "vermilion", "U": "vermilion"}
CHEMISTRY: Final = {
    **dict.fromkeys("AVLIMCFWYP", "ink"),
    **dict.fromkeys("STNQG", "green"),
    **dict.fromkeys("KRH", "blue"),
    **dict.fromkeys("DE", "vermilion"),
}
"""Amino acids: hydrophobic, polar, basic, acidic."""
_GAP: Final = 0.04
"""Share of a box that stays empty on each side, so that neighbours do not touch."""


def letter_colour(letter: str, alphabet: str) -> str:
    """Hexadecimal colour of a letter: by base, or by the chemistry of an amino acid."""
    known = NUCLEOTIDES if set(alphabet) <= set(NUCLEOTIDES) else CHEMISTRY
    return colour(known.get(letter, "muted"))


def draw_letter(
    axes: Axes, letter: str, box: tuple[float, float, float, float], shade: str, alpha: float = 1.0
) -> PathPatch:
    """Fill a box with a letter.

    Parameters
    ----------
    axes: to draw on, in data coordinates.
    letter: one character.
    box: left, bottom, width, height; letters below an axis stay upright.
    shade: hexadecimal colour.
    alpha: opacity.
    """
    left, bottom, width, height = box
    place = Affine2D().scale(width * (1 - 2 * _GAP), height).translate(left + width * _GAP, bottom)
    patch = PathPatch(_glyph(letter).transformed(place), facecolor=shade, linewidth=0, alpha=alpha)
    # The axes' limits are set once for all letters; to widen them letter by letter takes most of the time.
    axes.add_artist(patch)
    return patch


@cache
def _glyph(letter: str) -> Path:
    """Outline of a letter in the unit square."""
    path = TextPath((0, 0), letter, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    extent = path.get_extents()
    # An "I" as wide as a "W" would be a block.
    width = max(extent.width, 0.45)
    middle = (extent.x0 + extent.x1 - width) / 2
    return path.transformed(Affine2D().translate(-middle, -extent.y0).scale(1 / width, 1 / extent.height))
