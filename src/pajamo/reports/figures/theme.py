"""One look for all figures: colours that everyone can tell apart, SVG that follows the page's own."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from cycler import cycler
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.figures.inline import inlined

WIDTH: Final = 10.4
"""Inches of a figure that fills the page's column."""

COLOURS: Final = {
    "ink": "#1b2330",
    "muted": "#5c6675",
    "line": "#d4dae3",
    "paper": "#fefefe",
    "blue": "#0072b2",
    "grey": "#8c94a1",
    "vermilion": "#d55e00",
    "green": "#009e73",
    "purple": "#b5579a",
    "sky": "#4ea9dd",
    "amber": "#d18f00",
    "missing": "#e7eaef",
}
"""After Okabe and Ito (2008), without yellow for want of contrast. In SVG each becomes a CSS variable."""

SERIES: Final = (
    ("blue", "o"),
    ("vermilion", "s"),
    ("green", "D"),
    ("purple", "^"),
    ("amber", "v"),
    ("sky", "P"),
    ("muted", "X"),
    ("ink", "*"),
)
"""Colour and marker of the first, second ... of several things, so that colour is never the only sign."""

DIVERGING: Final = "RdBu_r"

_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.parse_math": False,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.8,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 8.5,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "axes.prop_cycle": cycler(color=[COLOURS[name] for name, _ in SERIES]),
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.6,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["ink"],
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "savefig.facecolor": "none",
    "savefig.dpi": 144,
}


def colour(name: str) -> str:
    """Hexadecimal colour of this name."""
    return COLOURS[name]


def svg(name: str, draw: Callable[[], Figure]) -> Markup:
    """Draw a figure as SVG to stand within a page: equal content gives equal bytes.

    Parameters
    ----------
    name: unique on the page; sets the figure's inner names apart from those of its neighbours.
    draw: makes the figure.
    """
    with _drawing(name):
        figure = draw()
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return inlined(file.getvalue(), name, COLOURS)


def png(draw: Callable[[], Figure], dpi: int = 160) -> bytes:
    """Draw a figure as a PNG on white."""
    with _drawing("png"):
        figure = draw()
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return file.getvalue()


def bare(axes: Axes, *sides: str) -> None:
    """Take away spines and ticks of the given sides."""
    for side in sides:
        axes.spines[side].set_visible(False)
        axes.tick_params(**{side: False})  # type: ignore[arg-type]  # the stub takes a side for the axis


@contextmanager
def _drawing(salt: str) -> Iterator[None]:
    with mpl.rc_context(_STYLE), mpl.rc_context({"svg.hashsalt": salt}), warnings.catch_warnings():
        # The page sets text in the reader's fonts; that the measuring font lacks a sign does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
